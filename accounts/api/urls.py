"""Addresses of accounts."""

from django.urls import path

from accounts.api.onboarding import OwnOnboarding
from accounts.api.views import WhoAmI

urlpatterns = [
    path("whoami", WhoAmI.as_view(), name="whoami"),
    path("onboarding", OwnOnboarding.as_view(), name="onboarding"),
]
