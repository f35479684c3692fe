"""The desk of clawbacks: what is due first comes first, and new cases are opened about what a grant has paid."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.duties import Duty
from accounts.models import Organization
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from core.money import format_yuan
from core.periods import local_minute
from market.models import Reservation
from portal import access, csvs, paging
from portal.access import PortalRequest, duty_required
from portal.desk import clawback_queue, concerned, finding_queue, queues, saved
from portal.desk.clawback_queue import ORDERING, ClawbackFilter
from portal.fields import YuanField
from portal.forms import ConsoleForm
from vouchers.models import Clawback, ClawbackStatus, Finding, Grant
from vouchers.services import clawbacks, demands
from vouchers.services.demands import Takeable

PAGE = "clawbacks"
MOST_REDEMPTIONS = 100

desk_required = duty_required(*clawback_queue.DUTIES)


class OpenForm(ConsoleForm):
    """What is taken back of which redemption, from whom, and why."""

    reason = forms.CharField(
        label=gettext_lazy("What is suspected"), max_length=5_000, widget=forms.Textarea(attrs={"rows": 3})
    )
    debtor = forms.ModelChoiceField(
        Organization.objects.none(),
        label=gettext_lazy("Who owes"),
        help_text=gettext_lazy("The grant's owner, or a provider that was in it."),
    )

    def __init__(self, *args: Any, rows: list[Takeable], debtors: list[UUID], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["debtor"].queryset = Organization.objects.filter(pk__in=debtors).order_by("name")
        for one in rows:
            label = _("Amount of %(reference)s (¥)") % {"reference": one.redemption.reference}
            self.fields[f"amount_{one.redemption.pk}"] = YuanField(label=label, required=False)
        self.rows = rows
        self._dress()

    def amounts(self) -> dict[UUID, int]:
        """Return what is to be taken back of each redemption that was named."""
        named = {one.redemption.pk: self.cleaned_data[f"amount_{one.redemption.pk}"] for one in self.rows}
        return {key: fen for key, fen in named.items() if fen}

    def lines(self) -> list[tuple[Takeable, Any]]:
        """Return each redemption with its input."""
        return [(one, self[f"amount_{one.redemption.pk}"]) for one in self.rows]


@desk_required
def index(request: PortalRequest) -> HttpResponse:
    """List the cases that the person sees, what is due first at the top."""
    form, at = ClawbackFilter(request.GET, request), clock.now()
    page = paging.page(request, clawback_queue.queue(request, form), ordering=ORDERING)
    context = {
        "form": form,
        "page": page,
        "rows": [(one, *queues.time_left(clawback_queue.clock_of(one), at)) for one in page.rows],
        "query": request.GET.urlencode(),
        "saved": saved.of(request, PAGE),
        "page_name": PAGE,
    }
    return render(request, "portal/desk/clawbacks.html", context)


@desk_required
def export(request: PortalRequest) -> HttpResponseBase:
    """Stream what the filters leave as a CSV file."""
    header = [_("Who owes"), _("Unified social credit code"), _("Programme"), _("State"), _("Raised at")]
    header += [_("Answer due"), _("Demanded"), _("Repaid"), _("Offset"), _("Remitted"), _("To be given back")]
    header += [_("Still owed"), _("To be paid by")]
    rows = clawback_queue.queue(request, ClawbackFilter(request.GET, request)).order_by(*ORDERING)
    return csvs.response("clawbacks", header, (_line(one) for one in rows.iterator(chunk_size=500)))


def _line(one: Clawback) -> list[Any]:
    money = [one.demand_fen, one.recovered_fen, one.offset_fen, one.remitted_fen, one.restored_fen, one.outstanding_fen]
    named = [one.debtor.name, one.debtor.credit_code, one.grant.programme.name, ClawbackStatus(one.status).label]
    raised, answer_due, pay_by = map(local_minute, (one.raised_at, one.response_due_at, one.pay_by))
    return [*named, raised, answer_due, *(csvs.number(format_yuan(fen)) for fen in money), pay_by]


@duty_required(Duty.FREEZE)
def new(request: PortalRequest, grant_id: UUID) -> HttpResponse:
    """Open a case about what a grant has paid."""
    grant = get_object_or_404(clawback_queue.grants(request), pk=grant_id)
    finding = _finding_named(request, grant)
    rows = demands.takeable(grant=grant)[:MOST_REDEMPTIONS]
    debtors = [grant.owner_id, *_providers(rows)]
    sent = request.POST if request.method == "POST" else None
    form = OpenForm(sent, rows=rows, debtors=debtors, initial=_proposed(grant, finding, rows))
    if sent is not None and form.is_valid():
        try:
            made = clawbacks.suspect(
                grant=grant,
                items=demands.items(grant=grant, amounts=form.amounts()),
                reason=form.cleaned_data["reason"],
                debtor=form.cleaned_data["debtor"],
                finding=finding,
                actor=access.actor(request),
                at=clock.now(),
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("The case is open. What it concerns is not paid out meanwhile."))
            return redirect("portal:clawback", made.pk)
    context = {"form": form, "grant": grant, "finding": finding, "standing": concerned.standing(grant)}
    return render(request, "portal/desk/clawback_new.html", context)


def _finding_named(request: PortalRequest, grant: Grant) -> Finding | None:
    """Return the finding that the address names, if it concerns the grant and the person may see it."""
    if "finding" not in request.GET:
        return None
    try:
        key = UUID(request.GET["finding"])
    except ValueError as error:
        raise Http404 from error
    return get_object_or_404(finding_queue.visible(request).filter(grant=grant), pk=key)


def _providers(rows: list[Takeable]) -> list[UUID]:
    """Return who served the orders, or was named when the value was set aside."""
    keys = [key for key in (concerned.order_key(one.redemption) for one in rows) if key]
    served = Reservation.objects.filter(order__in=keys).order_by().values_list("provider_id", flat=True).distinct()
    named = {UUID(key) for one in rows for key in one.redemption.explanation.get("providers") or ()}
    return [*named.union(served)]


def _proposed(grant: Grant, finding: Finding | None, rows: list[Takeable]) -> dict[str, Any]:
    """Return what the form starts with: what the finding is about, whole."""
    first: dict[str, Any] = {"debtor": grant.owner_id}
    if finding is not None:
        first["reason"] = finding.get_rule_display()
        about = [one for one in rows if one.redemption.pk == finding.redemption_id]
        first |= {f"amount_{one.redemption.pk}": one.left_fen for one in about}
    return first
