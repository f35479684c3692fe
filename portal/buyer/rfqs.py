"""Ask for quotations, answer bidders, compare the bids that were opened and award them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from billing.models import ApprovalRequest
from billing.services import asking
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from core.prefetching import in_order
from market.models import Bid, Rfq, RfqQuestion, RfqStatus, UnreadableBid
from market.services import awards, rfqs
from portal import access, paging
from portal.access import PortalRequest, buyer_required, buyer_trader_required
from portal.buyer import waiting
from portal.buyer.grant_choice import grant_choice, offer_grants
from portal.buyer.rfq_form import RfqForm
from portal.forms import ConsoleForm, FilterForm, typed

FIELD_OF = {"budget_fen": "budget"}
LATEST_FIRST = ("-published_at", "-pk")
CLOSINGS: dict[str, Callable[..., Rfq]] = {"cancel": rfqs.cancel, "decline": rfqs.decline}


class RfqFilter(FilterForm):
    """Which of the requests to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *RfqStatus.choices]
    )


class AwardForm(ConsoleForm):
    """Which bids win, and why if they are not the cheapest."""

    bids = forms.ModelMultipleChoiceField(Bid.objects.none(), widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("Needed if a cheaper bid does not win, or none does. Bidders will read it."),
    )
    grant = grant_choice()

    def __init__(self, *args: Any, rfq: Rfq, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bids"].queryset = Bid.objects.filter(rfq=rfq)
        offer_grants(self, buyer=rfq.buyer, at=at)


def _mine(request: PortalRequest, rfq_id: UUID) -> Rfq:
    rows = Rfq.objects.of_buyer(request.organization).select_related("buyer")
    return get_object_or_404(rows.prefetch_related(*in_order(Rfq, "accelerators", "invited")), pk=rfq_id)


@buyer_required
def index(request: PortalRequest) -> HttpResponse:
    """List the organisation's requests, the latest first."""
    form = RfqFilter(request.GET)
    rows = Rfq.objects.of_buyer(request.organization).filter(**form.chosen())
    page = paging.page(request, rows, ordering=LATEST_FIRST)
    return render(request, "portal/buyer/rfqs.html", {"form": form, "page": page})


@buyer_trader_required
def new(request: PortalRequest) -> HttpResponse:
    """Ask for quotations."""
    at = clock.now()
    sent = request.POST if request.method == "POST" else None
    form = RfqForm(sent, at=at)
    if sent is not None and form.is_valid():
        by = access.actor(request)
        try:
            rfq = rfqs.publish(buyer=request.organization, wanted=form.wanted(), actor=by, at=at)
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
        else:
            messages.success(request, _("The request is published. Bids stay sealed until their time."))
            return redirect("portal:rfq", rfq.pk)
    return render(request, "portal/buyer/rfq_new.html", {"form": form})


@buyer_required
def detail(request: PortalRequest, rfq_id: UUID) -> HttpResponse:
    """Show a request: before the opening what was asked, after it the bids side by side."""
    rfq = _mine(request, rfq_id)
    return _show(request, rfq, AwardForm(rfq=rfq, at=clock.now()))


def _show(request: PortalRequest, rfq: Rfq, form: AwardForm) -> HttpResponse:
    at = clock.now()
    bids = list(Bid.objects.filter(rfq=rfq).for_comparison())
    context = {
        "rfq": rfq,
        "bids": [(bid, awards.is_valid(bid, at), hasattr(bid, "award")) for bid in bids],
        "unreadable": UnreadableBid.objects.of(rfq),
        "questions": rfq.questions.order_by("asked_at", "pk"),
        "form": form,
        "can_answer": rfq.status == RfqStatus.OPEN and at < rfq.bids_until,
    }
    return render(request, "portal/buyer/rfq.html", context)


@require_POST
@buyer_trader_required
def award(request: PortalRequest, rfq_id: UUID) -> HttpResponse:
    """Award bids."""
    rfq, at = _mine(request, rfq_id), clock.now()
    form = AwardForm(request.POST, rfq=rfq, at=at)
    if not form.is_valid():
        return _show(request, rfq, form)
    try:
        made = asking.award(
            rfq=rfq, buyer=request.organization, actor=access.actor(request), at=at, **form.cleaned_data
        )
    except DomainError as error:
        show_refusal(form, error)
        return _show(request, rfq, form)
    if isinstance(made, ApprovalRequest):
        return waiting.shown(request, made)
    messages.success(request, _("Awarded: the cards are reserved and the money is set aside."))
    return redirect("portal:rfq", rfq.pk)


@require_POST
@buyer_trader_required
def close(request: PortalRequest, rfq_id: UUID, verb: str) -> HttpResponse:
    """Cancel a request, or award nothing."""
    if verb not in CLOSINGS:
        raise Http404
    rfq = _mine(request, rfq_id)
    try:
        CLOSINGS[verb](rfq=rfq, reason=typed(request, "reason"), actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    return redirect("portal:rfq", rfq.pk)


class TextForm(ConsoleForm):
    """A question or an answer."""

    text = forms.CharField(max_length=2000)


@require_POST
@buyer_trader_required
def answer(request: PortalRequest, rfq_id: UUID, question_id: UUID) -> HttpResponse:
    """Answer a bidder's question, for all bidders to read."""
    question = get_object_or_404(RfqQuestion, rfq=_mine(request, rfq_id), pk=question_id)
    form = TextForm(request.POST)
    if form.is_valid():
        try:
            rfqs.answer(question=question, actor=access.actor(request), at=clock.now(), **form.cleaned_data)
        except DomainError as error:
            messages.error(request, error.detail)
    return redirect("portal:rfq", rfq_id)
