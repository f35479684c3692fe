"""Orders above the organisation's own limit: who waits, who decides, and the limit itself."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from billing.models import ApprovalKind, ApprovalRequest, ApprovalStatus
from billing.services import approvals, spending_limits
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from market.models import Accelerator, Bid, Category, ExtraLine
from portal import access, paging
from portal.access import PortalRequest, buyer_owner_required, buyer_required
from portal.fields import YuanField
from portal.forms import ConsoleForm, FilterForm

LATEST_FIRST = ("-requested_at", "-pk")
APPROVED = dict.fromkeys(ApprovalKind, gettext_lazy("Approved: the order has been placed.")) | {
    ApprovalKind.EXTENSION: gettext_lazy("Approved: the cards are reserved for longer and the money is set aside.")
}


class ApprovalFilter(FilterForm):
    """Which of the requests to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *ApprovalStatus.choices]
    )


class LimitForm(ConsoleForm):
    """What one order may cost without a second person."""

    limit = YuanField(
        label=gettext_lazy("Limit for one order (yuan)"),
        required=False,
        help_text=gettext_lazy("Dearer orders wait until another person approves them. Left empty, there is no limit."),
    )


class RejectForm(ConsoleForm):
    """Why an order is rejected."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)


def _mine(request: PortalRequest) -> QuerySet[ApprovalRequest]:
    return ApprovalRequest.objects.of_buyer(request.organization).select_related(
        "requested_by", "decided_by", "order", "quote", "rfq", "reservation__order"
    )


@buyer_required
def index(request: PortalRequest) -> HttpResponse:
    """List what waits for approval, or did, the latest first."""
    form = ApprovalFilter(request.GET)
    page = paging.page(request, _mine(request).filter(**form.chosen()), ordering=LATEST_FIRST)
    limit_fen = spending_limits.of(request.organization)
    context = {
        "form": form,
        "page": page,
        "limit_fen": limit_fen,
        "limit_form": LimitForm(initial={"limit": limit_fen}),
    }
    return render(request, "portal/buyer/approvals.html", context)


@buyer_required
def detail(request: PortalRequest, request_id: UUID) -> HttpResponse:
    """Show an order that waits, and who decides."""
    return _show(request, get_object_or_404(_mine(request), pk=request_id), RejectForm())


def _show(request: PortalRequest, asked: ApprovalRequest, form: RejectForm) -> HttpResponse:
    waits = asked.waits(clock.now())
    others = request.rights.review and asked.requested_by_id != request.user.pk
    demand = asked.demand
    context = {
        "asked": asked,
        "demand": demand,
        "category": Category(demand["category"]).label,
        "starts": [datetime.fromisoformat(demand[name]) for name in ("start_min", "start_max")],
        "models": Accelerator.objects.filter(pk__in=demand["accelerators"]).order_by("vendor", "name"),
        "form": form,
        "lines": _lines(asked),
        "bids": _bids(asked),
        "waits": waits,
        "can_decide": waits and others,
        "can_withdraw": waits and request.rights.trade,
    }
    return render(request, "portal/buyer/approval.html", context)


def _lines(asked: ApprovalRequest) -> list[tuple[ExtraLine, int]]:
    """Return the lines that are taken along with a quote, as far as they are still sold, and how much of each."""
    wanted = asked.choice.get("lines", {})
    return [(line, wanted[str(line.pk)]) for line in ExtraLine.objects.filter(pk__in=list(wanted)).order_by("pk")]


def _bids(asked: ApprovalRequest) -> QuerySet[Bid]:
    """Return the bids that are to be awarded."""
    return Bid.objects.filter(rfq=asked.rfq_id, pk__in=asked.choice.get("bids", [])).for_comparison()


@require_POST
@buyer_required
def act(request: PortalRequest, request_id: UUID, verb: str) -> HttpResponse:
    """Approve, reject or take back an order that waits; the service asks who may."""
    asked = get_object_or_404(_mine(request), pk=request_id)
    who: dict[str, Any] = {"request": asked, "actor": access.actor(request), "at": clock.now()}
    form = RejectForm(request.POST)
    try:
        if verb == "approve":
            first, *others = approvals.approve(**who)
            messages.success(request, APPROVED[ApprovalKind(asked.kind)])
            return redirect("portal:orders") if others else redirect("portal:order", first.pk)
        if verb == "withdraw" and request.rights.trade:
            approvals.withdraw(**who)
        elif verb == "reject":
            if not form.is_valid():
                return _show(request, asked, form)
            approvals.reject(**who, reason=form.cleaned_data["reason"])
        else:
            raise Http404
    except DomainError as error:
        messages.error(request, error.detail)
    return redirect("portal:approval", asked.pk)


@require_POST
@buyer_owner_required
def limit(request: PortalRequest) -> HttpResponse:
    """Set or lift the limit for one order."""
    form = LimitForm(request.POST)
    if form.is_valid():
        try:
            spending_limits.set_limit(
                organization=request.organization,
                limit_fen=form.cleaned_data["limit"],
                actor=access.actor(request),
                at=clock.now(),
            )
        except DomainError as error:
            show_refusal(form, error, {"limit_fen": "limit"})
        else:
            messages.success(request, _("Noted."))
            return redirect("portal:approvals")
    messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    return redirect("portal:approvals")
