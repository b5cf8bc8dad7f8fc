"""The app's name for Django."""

from django.apps import AppConfig


class PreviewsConfig(AppConfig):
    """Astrolabe's one app."""

    name = "previews"
