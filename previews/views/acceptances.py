"""Accepting findings, and what is accepted in a repository."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from previews import jobs
from previews.models import Acceptance, Repository
from previews.models.acceptances import today
from previews.views.cell import find_cell

#: Rows of the list.
MOST = 500
_OBJECT = ("kind", "namespace", "name")
#: What an acceptance is about, by scope.
_SCOPES = {
    "here": (*_OBJECT, "cluster", "application"),
    "object": (*_OBJECT, "application"),
    "application": ("application",),
    "repository": (),
}


class AcceptanceForm(forms.ModelForm):  # type: ignore[type-arg]
    """What is accepted, and why."""

    scope = forms.ChoiceField(choices=[(scope, scope) for scope in _SCOPES])
    reason = forms.CharField(max_length=1000, error_messages={"required": "say why it is accepted"})

    class Meta:
        """Django's options."""

        model = Acceptance
        fields = ("rule", *_OBJECT, "reason", "who", "until")

    def clean(self) -> None:
        """A day that is over accepts nothing."""
        until = self.cleaned_data.get("until")
        if until is not None and until < today():
            self.add_error("until", "this day is over")


@require_POST
def accept(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """Accepts a finding of a cell, as widely as `scope` says."""
    cell = find_cell(pk, cluster, application)
    form = AcceptanceForm(request.POST)
    if not form.is_valid():
        return _list(request, cell.preview.repository, form)
    accepted: Acceptance = form.save(commit=False)
    accepted.repository = cell.preview.repository
    accepted.cluster, accepted.application = cell.cluster, cell.application
    for field in {*_OBJECT, "cluster", "application"} - set(_SCOPES[form.cleaned_data["scope"]]):
        setattr(accepted, field, "")
    accepted.save()
    jobs.judge_again(accepted.repository, accepted.rule)
    return redirect(cell)


def show(request: HttpRequest, slug: str) -> HttpResponse:
    """What is accepted, and what was."""
    return _list(request, get_object_or_404(Repository, slug=slug))


@require_POST
def withdraw(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Ends an acceptance; it stays in the list."""
    accepted = get_object_or_404(Acceptance.objects.select_related("repository"), repository__slug=slug, pk=pk)
    if accepted.withdrawn_at is None:
        Acceptance.objects.filter(pk=pk).update(withdrawn_at=timezone.now())
        jobs.judge_again(accepted.repository, accepted.rule)
    return redirect("acceptances", slug)


def _list(request: HttpRequest, repository: Repository, form: AcceptanceForm | None = None) -> HttpResponse:
    rows = list(Acceptance.objects.filter(repository=repository)[:MOST])
    context = {
        "repository": repository,
        "standing": [one for one in rows if one.counts],
        "over": [one for one in rows if not one.counts],
        "errors": [error for errors in form.errors.values() for error in errors] if form else [],
    }
    return render(request, "acceptances.html", context, status=422 if form else 200)
