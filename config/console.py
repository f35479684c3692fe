"""The administration: where programmes, people and registers are configured and read, by staff with a second factor."""

from collections.abc import Callable
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.sites import UnfoldAdminSite

from core.admin import ModelAdmin

# The console's Alpine evaluates the attributes of its own templates, and its theme is a style element.
RELAXED = csp_update({"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]})


class Console(UnfoldAdminSite):
    """An admin site that asks for both factors on the portal's own pages, and relaxes the policy for itself alone."""

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_permission(request) and request.user.is_verified())  # type: ignore[union-attr] # by OTPMiddleware

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # noqa: ARG002 - Django's signature
        onward = request.GET.get("next") or reverse("admin:index")
        if super().has_permission(request):
            return redirect_to_login(onward, reverse("portal:second-factor"))
        return redirect_to_login(onward, reverse("portal:login"))

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:  # noqa: FBT001, FBT002 - Django's signature
        return RELAXED(super().admin_view(view, cacheable))


def tidy() -> None:
    """Give the registers of other packages the console's look; secrets of second factors are no register."""
    for model in (TOTPDevice, StaticDevice):
        try:
            admin.site.unregister(model)
        except NotRegistered:  # an older django-otp registers fewer
            continue
    for model in (Group, AccessAttempt, AccessLog, AccessFailureLog):
        plain = type(admin.site.get_model_admin(model))
        admin.site.unregister(model)
        admin.site.register(model, type(plain.__name__, (plain, ModelAdmin), {}))
