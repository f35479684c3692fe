"""Addresses of accounts."""

from django.urls import path

from accounts.api.views import WhoAmI

urlpatterns = [path("whoami", WhoAmI.as_view(), name="whoami")]
