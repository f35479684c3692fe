"""The registry of providers: who is listed for which item until when, who is suspended, and what that withholds."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from core.forms import about, show_refusal
from core.periods import date_of
from portal import access, exports, paging
from portal.access import PortalRequest, duty_required
from portal.desk import queues, saved
from portal.desk.registry_forms import SOON, FilingForm, GroundForm, ListingForm, RegistryFilter
from portal.forms import require_valid
from vouchers.models import Claim, ClaimantKind, ClaimStatus, ListingStatus, ProviderListing
from vouchers.models.claim import SETTLED
from vouchers.services import registry

PAGE = "registry"
ONE_DAY = timedelta(days=1)
S = ListingStatus
LIST = Duty.LIST_PROVIDERS
reader_required = duty_required(Duty.READ, LIST)
Verb = tuple[Any, Callable[..., Any], frozenset[str], bool]
# What may be done with a listing: its name, its service, in which states, and whether it needs a ground.
VERBS: dict[str, Verb] = {
    "review": (gettext_lazy("Take up"), registry.review, frozenset({S.APPLIED}), False),
    "list": (gettext_lazy("List"), registry.list_, frozenset({S.REVIEW}), False),
    "reject": (gettext_lazy("Turn down"), registry.reject, frozenset({S.APPLIED, S.REVIEW}), True),
    "suspend": (gettext_lazy("Suspend"), registry.suspend, frozenset({S.LISTED}), True),
    "lift": (gettext_lazy("Lift the suspension"), registry.resume, frozenset({S.SUSPENDED}), False),
    "delist": (gettext_lazy("Delist"), registry.delist, frozenset({S.LISTED, S.SUSPENDED}), True),
}
LASTING = (S.APPLIED, S.REVIEW, S.LISTED, S.SUSPENDED)
OVER = (ClaimStatus.OPEN, ClaimStatus.REJECTED, ClaimStatus.WITHDRAWN, *SETTLED)


def visible(request: PortalRequest) -> QuerySet[ProviderListing]:
    """Return the listings whose registry the organisation keeps."""
    rows = ProviderListing.objects.kept_by(request.organization)
    return rows.select_related("programme", "provider", "applied_by", "decided_by")


@reader_required
def index(request: PortalRequest) -> HttpResponse:
    """List the registry, what was applied for last at the top."""
    return _listed(request, {})


def _listed(request: PortalRequest, ticked: dict[UUID, str]) -> HttpResponse:
    today = date_of(clock.now())
    form = RegistryFilter(request.GET, authority=request.organization)
    page = paging.page(request, form.narrow(visible(request), today))
    context = {
        "form": form,
        "page": page,
        "rows": [(one, one.valid_until - ONE_DAY, _warning(one, today)) for one in page.rows],
        "verbs": VERBS if LIST in request.rights.duties else {},
        "query": request.GET.urlencode(),
        "saved": saved.of(request, PAGE),
        "page_name": PAGE,
        "ticked": ticked,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "portal/desk/registry.html", context)


def _warning(listing: ProviderListing, today: date) -> tuple[str, str]:
    """Say when a listing that counts ends soon, with the tone in which to say it."""
    if listing.status not in (S.LISTED, S.SUSPENDED):
        return "", ""
    left = (listing.valid_until - today).days
    if left <= 0:
        return _("over"), "late"
    if left > SOON:
        return "", ""
    return ngettext("%(days)d day left", "%(days)d days left", left) % {"days": left}, "soon"


@reader_required
def export(request: PortalRequest, kind: str) -> HttpResponse:
    """Return what the filters leave as CSV or xlsx."""
    form = RegistryFilter(request.GET, authority=request.organization)
    rows = form.narrow(visible(request), date_of(clock.now())).order_by("-pk")[: exports.MOST_ROWS]
    header = [
        _("Provider"),
        _("Unified social credit code"),
        _("Programme"),
        _("Service item"),
        _("Batch of the registry"),
        _("From"),
        _("Last day"),
        _("State"),
        _("Reason"),
    ]
    return exports.response(kind, "registry", header, map(_line, rows))


def _line(one: ProviderListing) -> list[Any]:
    days = [one.valid_from.isoformat(), (one.valid_until - ONE_DAY).isoformat()]
    names = [one.provider.name, one.provider.credit_code, one.programme.name, one.item, one.batch]
    return [*names, *days, S(one.status).label, one.reason]


@duty_required(Duty.PROPOSE, LIST)
def new(request: PortalRequest) -> HttpResponse:
    """Enter a provider for a service item, or renew a listing for the days after it; another person lists it."""
    sent = request.POST if request.method == "POST" else None
    form = ListingForm(sent, authority=request.organization, initial=_renewal(request))
    if sent is not None and form.is_valid():
        try:
            made = registry.apply(**form.terms(), actor=access.actor(request), at=clock.now())
        except DomainError as error:
            show_refusal(form, error, {"valid_until": "last_on"})
        else:
            messages.success(request, _("Entered. Another person has to list it."))
            return redirect("portal:registry-listing", made.pk)
    return render(request, "portal/desk/registry_new.html", {"form": form})


def _renewal(request: PortalRequest) -> dict[str, Any]:
    """Return what a renewal of a listing would be: the same item, for as many days again."""
    try:
        renewed = visible(request).filter(pk=UUID(request.GET.get("renew", ""))).first()
    except ValueError:
        renewed = None
    if renewed is None:
        return {}
    span = renewed.valid_until - renewed.valid_from
    return {
        "programme": renewed.programme_id,
        "credit_code": renewed.provider.credit_code,
        "item": renewed.item,
        "batch": renewed.batch,
        "first_on": renewed.valid_until,
        "last_on": renewed.valid_until + min(span, date.max - renewed.valid_until) - ONE_DAY,
    }


@reader_required
def detail(request: PortalRequest, listing_id: UUID) -> HttpResponse:
    """Show a listing, the provider's others, and what is withheld while it is suspended."""
    return shown(request, get_object_or_404(visible(request), pk=listing_id), None)


def shown(request: PortalRequest, listing: ProviderListing, form: Any) -> HttpResponse:
    """Show a listing, with a form that was refused."""
    others = visible(request).filter(programme=listing.programme_id, provider=listing.provider_id)
    duties = request.rights.duties
    context = {
        "listing": listing,
        "last_on": listing.valid_until - ONE_DAY,
        "warning": _warning(listing, date_of(clock.now())),
        "others": others.exclude(pk=listing.pk).order_by("-valid_from", "pk"),
        "withheld": _withheld(listing),
        "verbs": {verb: one for verb, one in VERBS.items() if LIST in duties and listing.status in one[2]},
        "mine": listing.applied_by_id == request.user.pk,
        "filings": listing.filings.select_related("filed_by", "decided_by").order_by("-first_on", "-pk"),
        "filing_form": form or FilingForm(),
        "reason": request.POST.get("reason", ""),
        "can": {"file": bool(duties & {Duty.PROPOSE, LIST}) and listing.status in LASTING, "decide": LIST in duties},
        "renewable": listing.status in (S.LISTED, S.EXPIRED) and bool(duties & {Duty.PROPOSE, LIST}),
    }
    return render(request, "portal/desk/registry_listing.html", context)


def _withheld(listing: ProviderListing) -> dict[str, int]:
    """Return what the provider has claimed of the programme and was not paid: a suspension keeps it from being paid."""
    claims = Claim.objects.filter(programme=listing.programme_id, claimant=listing.provider_id)
    waiting = claims.filter(claimant_kind=ClaimantKind.PROVIDER).exclude(status__in=OVER)
    total = waiting.aggregate(fen=Sum(Coalesce("approved_fen", "amount_fen")))["fen"]
    return {"number": waiting.count(), "fen": int(total or 0)}


@duty_required(LIST)
def act(request: PortalRequest, listing_id: UUID, verb: str) -> HttpResponse:
    """Take up, list, turn down, suspend, lift or delist."""
    listing = get_object_or_404(visible(request), pk=listing_id)
    if request.method != "POST":
        return redirect("portal:registry-listing", listing.pk)
    if verb not in VERBS:
        raise Http404
    if not _tried(request, verb, listing):
        return shown(request, get_object_or_404(visible(request), pk=listing_id), None)
    messages.success(request, _("Noted."))
    return redirect("portal:registry-listing", listing.pk)


@duty_required(LIST)
@queues.sent_from("portal:registry")
def bulk(request: PortalRequest) -> HttpResponse:
    """Do the same to all chosen listings, each on its own; who was refused, and why, is said."""
    verb = request.POST.get("verb", "")
    if verb not in VERBS:
        raise Http404
    ticked = queues.ticked(request)
    if not ticked:
        messages.error(request, _("Choose at least one case, and check what you entered."))
        return _listed(request, ticked)
    rows = queues.found(request, visible(request).filter(pk__in=ticked).order_by("pk"))
    done = sum([_tried(request, verb, one) for one in rows])
    if not done:
        return _listed(request, ticked)
    messages.success(request, ngettext("%(done)d case done.", "%(done)d cases done.", done) % {"done": done})
    return queues.back(request, "portal:registry")


def _tried(request: PortalRequest, verb: str, listing: ProviderListing) -> bool:
    _label, service, _statuses, with_ground = VERBS[verb]
    form = GroundForm(request.POST)
    try:
        require_valid(form)
        ground = {"reason": form.cleaned_data["reason"]} if with_ground else {}
        service(listing=listing, actor=access.actor(request), at=clock.now(), **ground)
    except DomainError as error:
        messages.error(request, about(listing.provider.name, error.detail))
        return False
    return True
