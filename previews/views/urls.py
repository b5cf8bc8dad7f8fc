"""The addresses of all pages. Each state of a page has an address that can be shared."""

from __future__ import annotations

from django.urls import path, register_converter

from previews.views import (
    acceptances,
    cell,
    change,
    downloads,
    hooks,
    impact,
    live,
    matrix,
    pushes,
    repositories,
    repository,
    theme,
    together,
    viewed,
)
from previews.views.names import NameConverter

register_converter(NameConverter, "name")

_CELL = "previews/<int:pk>/cells/<name:cluster>/<name:application>/"

urlpatterns = [
    path("", repositories.index, name="repositories"),
    path("theme/", theme.choose, name="theme"),
    path("repositories/<slug:slug>/", repository.show, name="repository"),
    path("repositories/<slug:slug>/refresh/", repository.refresh, name="refresh"),
    path("repositories/<slug:slug>/preview/", repository.preview, name="request-previews"),
    path("repositories/<slug:slug>/together/", together.choose, name="together"),
    path("repositories/<slug:slug>/accepted/", acceptances.show, name="acceptances"),
    path("repositories/<slug:slug>/accepted/<int:pk>/withdraw/", acceptances.withdraw, name="withdraw-acceptance"),
    path("repositories/<slug:slug>/settings/", repository.settings, name="repository-settings"),
    path("repositories/<slug:slug>/changes/<path:name>/compare/", pushes.compare, name="compare"),
    path("repositories/<slug:slug>/changes/<path:name>/", change.show, name="change"),
    path("hooks/<slug:slug>/", hooks.receive, name="hook"),
    path("previews/<int:pk>/", matrix.show, name="matrix"),
    path("previews/<int:pk>/impact/", impact.show, name="impact"),
    path("previews/<int:pk>/progress/", live.progress, name="progress"),
    path(_CELL, cell.show, name="cell"),
    path(_CELL + "part/", cell.part, name="cell-part"),
    path(_CELL + "viewed/", viewed.tick, name="cell-viewed"),
    path(_CELL + "accept/", acceptances.accept, name="accept"),
    path(_CELL + "raw/", downloads.raw, name="cell-raw"),
    path(_CELL + "cell.diff", downloads.unified, name="cell-diff"),
    path(_CELL + "cell.patch", downloads.patch, name="cell-patch"),
]
