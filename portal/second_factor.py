"""The second step of signing in: enrolling an authenticator app, its codes, and recovery codes."""

from base64 import b32encode
from textwrap import wrap
from typing import Any

import django_otp
import segno
from django import forms
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import Authenticator
from accounts.services import second_factor
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal.access import PortalRequest, public
from portal.forms import ConsoleForm


class CodeForm(ConsoleForm):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )


@never_cache
@login_required
@public
def code(request: PortalRequest) -> HttpResponse:
    """Ask for a code; whoever has no second factor yet enrols one first."""
    if not second_factor.enrolled(request.user):
        return redirect(_onward("portal:second-factor-enrol", request))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            device = second_factor.verify(user=request.user, code=form.cleaned_data["code"], at=clock.now())
        except DomainError as error:
            show_refusal(form, error)
        else:
            return _let_in(request, device)
    return render(request, "portal/public/code.html", {"form": form, "next": _next(request)})


@never_cache
@login_required
@public
def enrol(request: PortalRequest) -> HttpResponse:
    """Show the secret as a QR code, and enrol the app once it shows the right code."""
    if second_factor.enrolled(request.user):
        return redirect(_onward("portal:second-factor", request))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            done = second_factor.confirm(user=request.user, code=form.cleaned_data["code"], at=clock.now())
        except DomainError as error:
            show_refusal(form, error)
        else:
            _let_in(request, done.device)
            return _show_codes(request, done.codes)
    device = second_factor.begin(user=request.user)
    context = {"form": form, "next": _next(request), "qr": _qr(device), "secret": _secret(device)}
    return render(request, "portal/public/enrol.html", context)


@never_cache
@require_POST
@login_required
@public
def renew(request: PortalRequest) -> HttpResponse:
    """Give new recovery codes to whoever is verified."""
    if not request.user.is_verified():
        return redirect("portal:second-factor")
    return _show_codes(request, second_factor.renew_codes(user=request.user, at=clock.now()))


def _show_codes(request: PortalRequest, codes: list[str]) -> HttpResponse:
    context = {"codes": [" ".join(wrap(one, 5)) for one in codes], "next": _next(request)}
    return render(request, "portal/public/codes.html", context)


def _let_in(request: PortalRequest, device: Any) -> HttpResponse:
    """Mark the session as verified, under a new key, and go on to where the user wanted to be."""
    django_otp.login(request, device)
    request.session.cycle_key()
    if isinstance(device, Authenticator):
        return redirect(_next(request))
    messages.warning(request, _("You used a recovery code: it is spent. Make new ones when few are left."))
    return redirect(_next(request))


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get(REDIRECT_FIELD_NAME, request.GET.get(REDIRECT_FIELD_NAME, ""))
    here = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if here else reverse("portal:home")


def _onward(name: str, request: HttpRequest) -> str:
    return f"{reverse(name)}?{urlencode({REDIRECT_FIELD_NAME: _next(request)})}"


def _qr(device: Authenticator) -> SafeString:
    picture = segno.make(device.config_url, error="m").svg_inline(scale=5, border=2, title=_("Code for your app"))
    return mark_safe(picture)  # noqa: S308 - drawn here, of an address that the library has quoted


def _secret(device: Authenticator) -> str:
    return " ".join(wrap(b32encode(device.bin_key).decode().rstrip("="), 4))
