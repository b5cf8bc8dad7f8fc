"""All addresses are the product's own."""

from django.urls import include, path

urlpatterns = [path("", include("previews.views.urls"))]
