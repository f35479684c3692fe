"""One firm as officers look at it: to whom it is tied, what it got, used and claimed, and what was found about it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.duties import Duty
from accounts.models import Organization, OrganizationKind
from core import clock
from core.errors import DomainError
from core.periods import date_of
from market.models import Reservation
from portal import access, grants, paging
from portal.access import PortalRequest, duty_required
from portal.desk import clawback_queue, concerned, finding_acts, finding_queue, kin_graph
from portal.desk.finding_queue import ANY, is_operator
from portal.desk.freezes import FreezeForm
from portal.fields import DayField
from portal.forms import ConsoleForm, FilterForm
from portal.grants import Standing
from vouchers.models import (
    Application,
    Blacklisting,
    Claim,
    Clawback,
    Finding,
    Freeze,
    Grant,
    ProviderListing,
    Redemption,
)
from vouchers.models.clawback import OWED
from vouchers.models.finding import LIVE
from vouchers.services import blacklisting, freezing

MOST = 20
ME = OuterRef("pk")

desk_required = duty_required(Duty.READ, Duty.FIND)


class FirmFilter(FilterForm):
    """Which firms to show."""

    q = forms.CharField(label=gettext_lazy("Firm or credit code"), required=False, max_length=120)
    flag = forms.ChoiceField(
        label=gettext_lazy("Flag"),
        required=False,
        choices=[
            ANY,
            ("found", gettext_lazy("With open findings")),
            ("frozen", gettext_lazy("With frozen grants")),
            ("owing", gettext_lazy("Owes money back")),
            ("barred", gettext_lazy("Barred")),
        ],
    )


class BarForm(ConsoleForm):
    """Until when a firm is barred, and why."""

    until = DayField(label=gettext_lazy("Barred until"))
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=2_000)


class UnbarForm(ConsoleForm):
    """Which bar is lifted before its time, and why."""

    bar = forms.UUIDField(widget=forms.HiddenInput)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=2_000)


def visible(request: PortalRequest) -> QuerySet[Organization]:
    """Return the firms that the person may see: the operator all, an authority those it has to do with."""
    rows = Organization.objects.filter(kind__in=[OrganizationKind.BUYER, OrganizationKind.PROVIDER])
    if is_operator(request):
        return rows
    mine = request.organization
    reasons = (
        Grant.objects.of_authority(mine).filter(owner=ME),
        Application.objects.of_authority(mine).filter(applicant=ME),
        ProviderListing.objects.of_authority(mine).filter(provider=ME),
        Claim.objects.of_authority(mine).filter(claimant=ME),
        Finding.objects.of_authority(mine).filter(Q(subject=ME) | Q(counterparty=ME)),
        Clawback.objects.of_authority(mine).filter(debtor=ME),
    )
    concerns = Q()
    for rows_of in reasons:
        concerns |= Q(Exists(rows_of))
    return rows.filter(concerns)


@desk_required
def index(request: PortalRequest) -> HttpResponse:
    """Find a firm, and see at a glance what is open about it."""
    form = FirmFilter(request.GET)
    page = paging.page(request, _narrowed(_with_counts(request), form), ordering=("name", "pk"))
    return render(request, "portal/desk/firms.html", {"form": form, "page": page})


def _with_counts(request: PortalRequest) -> QuerySet[Organization]:
    """Return the firms with how much is open about each: one query however many there are."""
    live = finding_queue.visible(request).filter(subject=ME, status__in=LIVE)
    owed = clawback_queue.visible(request).filter(debtor=ME, status__in=OWED)
    frozen = Freeze.objects.standing().filter(grant__owner=ME, grant__in=clawback_queue.grants(request))
    return visible(request).annotate(
        found=_count(live, "subject"),
        owing=_count(owed, "debtor"),
        frozen=_count(frozen, "grant__owner"),
        barred=Exists(Blacklisting.objects.standing(clock.now()).filter(organization=ME)),
    )


def _count(rows: QuerySet[Any], key: str) -> Any:
    counted = rows.order_by().values(key).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


def _narrowed(rows: QuerySet[Organization], form: FirmFilter) -> QuerySet[Organization]:
    chosen = form.chosen()
    if "q" in chosen:
        rows = rows.filter(Q(name__icontains=chosen["q"]) | Q(credit_code=chosen["q"].strip().upper()))
    flags = {
        "found": Q(found__gt=0),
        "frozen": Q(frozen__gt=0),
        "owing": Q(owing__gt=0),
        "barred": Q(barred=True),
    }
    return rows.filter(flags.get(chosen.get("flag", ""), Q()))


@desk_required
def detail(request: PortalRequest, firm_id: UUID) -> HttpResponse:
    """Show everything that the desk knows about a firm."""
    return _page(request, get_object_or_404(visible(request), pk=firm_id), {})


def _page(request: PortalRequest, firm: Organization, refused: dict[str, ConsoleForm]) -> HttpResponse:
    at = clock.now()
    mine = _grants(request, firm)
    claims = Claim.objects.filter(claimant=firm, programme__in=finding_queue.programmes(request))
    found = finding_queue.visible(request).filter(Q(subject=firm) | Q(counterparty=firm)).order_by("-pk")
    writes = finding_acts.writes(request)
    context = {
        "firm": firm,
        "graph": kin_graph.of(firm, on=date_of(at), known=visible(request)),
        "standings": mine,
        "spent": concerned.spent(_redemptions(request, firm, mine)),
        "claims": claims.select_related("programme").order_by("-pk")[:MOST],
        "findings": found.select_related("programme", "grant__programme")[:MOST],
        "clawbacks": clawback_queue.visible(request)
        .filter(debtor=firm)
        .select_related("debtor")
        .order_by("-pk")[:MOST],
        "listings": _listings(request, firm),
        "bars": _bars(request, firm, at),
        "may_freeze": writes and Duty.FREEZE in request.rights.duties,
        "may_bar": writes and Duty.CLAW_BACK in request.rights.duties,
        "freeze_form": FreezeForm(auto_id="freeze_%s"),
        "bar_form": BarForm(auto_id="bar_%s"),
        "unbar_form": UnbarForm(auto_id="unbar_%s"),
    }
    return render(request, "portal/desk/firm.html", context | refused)


def _grants(request: PortalRequest, firm: Organization) -> list[Standing]:
    """Return the latest grants of a firm with their amounts; a provider is granted nothing."""
    if firm.kind == OrganizationKind.PROVIDER:
        return []
    return grants.standings_of(clawback_queue.grants(request).filter(owner=firm).order_by("-pk")[:MOST])


def _redemptions(request: PortalRequest, firm: Organization, mine: list[Standing]) -> QuerySet[Redemption]:
    """Return what vouchers paid lately: of a buyer's own grants, or to a provider for the orders that it served."""
    if firm.kind != OrganizationKind.PROVIDER:
        return Redemption.objects.filter(grant__in=[one.grant.pk for one in mine]).order_by("-pk")[:MOST]
    served = Reservation.objects.filter(provider=firm, order__funding__redemption=OuterRef("pk"))
    rows = Redemption.objects.filter(Exists(served), grant__in=clawback_queue.grants(request).values("pk"))
    return rows.order_by("-pk")[:MOST]


def _listings(request: PortalRequest, firm: Organization) -> list[ProviderListing]:
    """Return what the registries of programmes say of a provider, the latest first."""
    if firm.kind != OrganizationKind.PROVIDER:
        return []
    rows = ProviderListing.objects.filter(provider=firm, programme__in=finding_queue.programmes(request))
    return list(rows.select_related("programme").order_by("-valid_from", "-pk")[:MOST])


def _bars(request: PortalRequest, firm: Organization, at: Any) -> list[tuple[Blacklisting, bool, bool]]:
    """Return when a firm is or was barred, whether that stands, and whether the person may lift it."""
    rows = Blacklisting.objects.filter(organization=firm)
    rows = rows.select_related("authority", "decided_by", "lifted_by").order_by("-pk")
    return [_bar(one, at, request) for one in rows[:MOST]]


def _bar(one: Blacklisting, at: Any, request: PortalRequest) -> tuple[Blacklisting, bool, bool]:
    stands = one.lifted_at is None and one.starts_at <= at < one.ends_at
    ours = one.authority is not None and one.authority == request.organization
    liftable = stands and ours and one.decided_by_id != request.user.pk
    return one, stands, liftable


@duty_required(Duty.FREEZE, Duty.CLAW_BACK)
def act(request: PortalRequest, firm_id: UUID, verb: str) -> HttpResponse:
    """Freeze a firm's grants, bar it from vouchers, or lift one bar."""
    if verb not in VERBS:
        raise Http404
    firm = get_object_or_404(visible(request), pk=firm_id)
    if request.method != "POST":
        return redirect("portal:firm", firm.pk)
    form_class, run = VERBS[verb]
    form = form_class(request.POST, auto_id=f"{verb}_%s")
    again = {f"{verb}_form": form}
    if not form.is_valid():
        messages.error(request, _("Check what you entered: a reason is always needed."))
        return _page(request, firm, again)
    try:
        run(request, firm, form.cleaned_data)
    except DomainError as error:
        messages.error(request, error.detail)
        return _page(request, firm, again)
    messages.success(request, _("Noted."))
    return redirect("portal:firm", firm.pk)


def _freeze(request: PortalRequest, firm: Organization, said: dict[str, Any]) -> None:
    mine = list(clawback_queue.grants(request).filter(owner=firm))
    freezing.freeze_firm(grants=mine, actor=access.actor(request), at=clock.now(), **said)


def _bar_firm(request: PortalRequest, firm: Organization, said: dict[str, Any]) -> None:
    blacklisting.bar(organization=firm, actor=access.actor(request), at=clock.now(), **said)


def _unbar(request: PortalRequest, firm: Organization, said: dict[str, Any]) -> None:
    bar = Blacklisting.objects.filter(organization=firm, pk=said["bar"]).first()
    if bar is None:
        raise blacklisting.NotBarred(_("Nothing here is for you to lift."))
    blacklisting.lift(blacklisting=bar, reason=said["reason"], actor=access.actor(request), at=clock.now())


Run = Callable[[PortalRequest, Organization, dict[str, Any]], None]
VERBS: dict[str, tuple[type[ConsoleForm], Run]] = {
    "freeze": (FreezeForm, _freeze),
    "bar": (BarForm, _bar_firm),
    "unbar": (UnbarForm, _unbar),
}
