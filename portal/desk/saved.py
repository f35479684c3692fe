"""Saved filters: what a person filters by again and again, under a name of their own."""

from django.contrib import messages
from django.http import Http404, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import resolve, reverse
from django.utils.translation import gettext as _

from accounts.models import SavedView
from portal.access import PortalRequest, signed_in
from portal.forms import typed

PAGES = {
    "applications": "portal:applications",
    "claims": "portal:claims-desk",
    "payments": "portal:payments-desk",
    "registry": "portal:registry",
    "findings": "portal:findings",
    "clawbacks": "portal:clawbacks",
}
MOST = 20


def of(request: PortalRequest, page: str) -> list[SavedView]:
    """Return the filters that a person keeps for a page."""
    return list(SavedView.objects.filter(user=request.user, page=page).order_by("name"))


@signed_in
def keep(request: PortalRequest, page: str) -> HttpResponseBase:
    """Keep the filters of a page under a name, or forget those that were kept."""
    if page not in PAGES:
        raise Http404
    if request.method != "POST":
        # Links of a page that was shown again are relative to this address.
        return redirect(f"{reverse(PAGES[page])}?{request.GET.urlencode()}")
    if "forget" in request.POST:
        get_object_or_404(SavedView, user=request.user, page=page, name=typed(request, "forget")).delete()
        return redirect(PAGES[page])
    name, query = typed(request, "name", most=40), QueryDict(typed(request, "query", most=1_000)).urlencode()[:1_000]
    full = SavedView.objects.filter(user=request.user, page=page).exclude(name=name).count() >= MOST
    if not name or full:
        messages.error(request, _("Give the filter a name; at most %(most)d are kept.") % {"most": MOST})
        return _again(request, page, name, query)
    SavedView.objects.update_or_create(user=request.user, page=page, name=name, defaults={"query": query})
    return redirect(f"{reverse(PAGES[page])}?{query}")


def _again(request: PortalRequest, page: str, name: str, query: str) -> HttpResponseBase:
    """Show a page again under the filters that were not kept, with the name that was typed for them."""
    request.path = reverse(PAGES[page])
    request.GET, request.unkept = QueryDict(query), name
    shown: HttpResponseBase = resolve(request.path).func(request)
    return shown
