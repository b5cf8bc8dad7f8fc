"""What can be set for a repository in the page."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

from django import forms
from django.conf import settings

from previews.engine.config import parse_config
from previews.engine.errors import AstrolabeError
from previews.models import Answer, Repository
from previews.scm import bitbucket, github, gitlab
from previews.scm.client import Client, Refused
from previews.scm.places import project_of

_APIS = {"github": github.API, "gitlab": gitlab.API, "bitbucket": bitbucket.API}


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """The token goes in and never out: the page only says whether there is one."""

    # Not stripped: the first line's indentation counts.
    config_text = forms.CharField(required=False, strip=False)
    new_token = forms.CharField(required=False, max_length=2000)
    forget_token = forms.BooleanField(required=False)
    # Left out, as by a script that knows nothing of them, they stay as they are.
    provider = forms.ChoiceField(required=False, choices=Repository.PROVIDERS)
    comments = forms.ChoiceField(required=False, choices=Repository.COMMENTS)
    fails_on = forms.ChoiceField(required=False, choices=Repository.FAILS_ON)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offers all other repositories as fleets."""
        super().__init__(*args, **kwargs)
        users = cast("forms.ModelMultipleChoiceField[Repository]", self.fields["users"])
        users.queryset = Repository.objects.exclude(pk=self.instance.pk)
        self.initial_token: str = self.instance.api_token
        self._initial_place = _place(self.instance)

    class Meta:
        """Django's options."""

        model = Repository
        fields = (
            *("name", "web_url", "exact_by_default", "users", "config_text"),
            *("provider", "api_url", "comments", "fails_on"),
        )
        widgets: ClassVar = {"users": forms.CheckboxSelectMultiple}

    def clean_config_text(self) -> str:
        """Says what is wrong with the configuration, and in which line."""
        text: str = self.cleaned_data["config_text"].replace("\r\n", "\n")
        if text.strip():
            try:
                parse_config(text)
            except AstrolabeError as error:
                raise forms.ValidationError(str(error)) from error
        return text if text.strip() else ""

    def clean_web_url(self) -> str:
        """Only an address that a browser can follow safely becomes a link."""
        address: str = self.cleaned_data["web_url"].strip()
        if address and not address.startswith(("https://", "http://")):
            raise forms.ValidationError("Begin the web address with https:// or http://.")
        return address

    def clean_new_token(self) -> str:
        """What goes into a header, so nothing else."""
        token: str = self.cleaned_data["new_token"]
        if not token.isascii() or not token.isprintable() or " " in token:
            raise forms.ValidationError("A token has only letters, digits and signs, and no spaces.")
        return token

    def clean(self) -> dict[str, Any]:
        """A token belongs to the place that it was entered for: nobody sends it elsewhere without knowing it."""
        cleaned = self.cleaned_data
        for name in ("provider", "comments", "fails_on"):
            cleaned[name] = cleaned.get(name) or self.initial[name]
        provider = cleaned["provider"]
        if provider == Repository.PLAIN:
            return cleaned
        address = cleaned["api_url"] = cleaned.get("api_url", "").strip().rstrip("/") or _APIS.get(provider, "")
        try:
            if not address:
                raise Refused("Enter where its API is, such as https://git.example.com/api/v1.")
            Client(address, {}, "", settings.ASTROLABE_ALLOW_LOCAL_REPOSITORIES)
        except Refused as error:
            self.add_error("api_url", str(error))
            return cleaned
        is_kept = self.initial_token and not cleaned.get("new_token") and not cleaned.get("forget_token")
        if is_kept and self._initial_place[:2] != (provider, _site(address)):
            self.add_error("new_token", "The token was entered for another place: enter one for this, or forget it.")
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """Saves; without a new token the old one stays, unless it is to be forgotten."""
        if self.cleaned_data["new_token"] or self.cleaned_data["forget_token"]:
            self.instance.api_token = self.cleaned_data["new_token"]
        saved = super().save(commit)
        if _place(saved) != self._initial_place:
            # Comments are remembered by number, which elsewhere may be somebody else's.
            Answer.objects.filter(change_request__repository=saved).delete()
        return saved


def _place(repository: Repository) -> tuple[str, str, str]:
    """Where a repository's answers go."""
    try:
        project = project_of((repository.url, repository.web_url), repository.api_url)
    except Refused:
        project = ""
    return repository.provider, _site(repository.api_url), project


def _site(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.lower()}"
