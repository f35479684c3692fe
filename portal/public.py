"""Pages for everyone besides the market: home, signing in, a new password, and choosing whom to act for."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import PasswordChangeForm
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.services import passwords
from core import clock
from portal import access, market, menu
from portal.access import PortalRequest, public, signed_in
from portal.forms import INPUT


@public
def home(request: PortalRequest) -> HttpResponse:
    """Bring members to their overview; show visitors what this is and what is on offer."""
    if request.membership:
        return redirect(menu.home_of(request.organization))
    return render(request, "portal/public/home.html", market.results(request))


@require_POST
@public
def switch(request: PortalRequest) -> HttpResponse:
    """Act for another of the user's organisations."""
    wanted = request.POST.get("organization", "")
    chosen = next((one for one in request.memberships if str(one.organization_id) == wanted), None)
    if chosen is None:
        raise Http404
    access.switch(request, chosen.organization_id)
    return redirect(menu.home_of(chosen.organization))


@never_cache
@sensitive_post_parameters()
@signed_in
def password(request: PortalRequest) -> HttpResponse:
    """Change one's own password, which ends every other session of the person."""
    sent = request.POST if request.method == "POST" else None
    form = _dressed(PasswordChangeForm(request.user, sent))
    if sent is not None and form.is_valid():
        passwords.change(user=request.user, password=form.cleaned_data["new_password1"], at=clock.now())
        update_session_auth_hash(request, request.user)
        messages.success(
            request, _("Your password is changed. Whoever was signed in elsewhere as you is so no longer.")
        )
        return redirect("portal:home")
    return render(request, "portal/public/password.html", {"form": form})


def _dressed(form: Any) -> Any:
    for field in form.fields.values():
        field.widget.attrs["class"] = INPUT
    return form


class SignIn(auth_views.LoginView):
    """Sign in; ten failures lock the name and address for an hour (axes)."""

    template_name = "portal/public/login.html"
    redirect_authenticated_user = True

    def get_form(self, form_class: Any = None) -> Any:
        return _dressed(super().get_form(form_class))
