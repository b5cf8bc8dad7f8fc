"""The first page: all repositories, and the form that adds one."""

from __future__ import annotations

from django import forms
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from previews import arrivals, jobs
from previews.engine.errors import AstrolabeError
from previews.models import ChangeRequest, Repository


class RepositoryForm(forms.Form):
    """What is asked of somebody who adds a repository. Whether the address is any good, `add_repository` says."""

    url = forms.CharField(label="Address", max_length=2000, strip=True)
    name = forms.CharField(label="Name", max_length=100, required=False)


def index(request: HttpRequest) -> HttpResponse:
    """Lists the repositories; a POST adds one, starts its first fetch and goes to its page."""
    form = RepositoryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            repository = arrivals.add_repository(form.cleaned_data["name"], form.cleaned_data["url"])
        except AstrolabeError as error:
            form.add_error("url", str(error))
        else:
            jobs.enqueue(jobs.refresh, repository.pk)
            return redirect(repository)
    is_open = Q(change_requests__state=ChangeRequest.OPEN)
    repositories = Repository.objects.annotate(open_requests=Count("change_requests", filter=is_open))
    context = {"form": form, "repositories": repositories}
    return render(request, "repositories.html", context, status=422 if form.errors else 200)
