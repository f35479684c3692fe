"""Pages for everyone besides the market: home, signing in, and choosing the organisation to act for."""

from typing import Any

from django.contrib.auth import views as auth_views
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from portal import access, market, menu
from portal.access import PortalRequest, public
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


class SignIn(auth_views.LoginView):
    """Sign in; ten failures lock the name and address for an hour (axes)."""

    template_name = "portal/public/login.html"
    redirect_authenticated_user = True

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        for field in form.fields.values():
            field.widget.attrs["class"] = INPUT
        return form
