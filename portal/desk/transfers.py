"""Bank transfers of buyers: one person notes that the money is there, another confirms it; or it is closed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from billing.gateways import bank_transfer
from billing.models import TopUp, TopUpMethod, TopUpStatus
from billing.services import top_ups
from core import clock
from core.errors import DomainError
from portal import paging
from portal.access import PortalRequest, operator_finance_required, operator_required
from portal.desk import queues
from portal.desk.queues import NOTHING_TYPED, Typed
from portal.forms import FilterForm, typed

VERBS: dict[str, Callable[..., Any]] = {
    "register": top_ups.register_transfer,
    "confirm": top_ups.confirm_transfer,
}


class TransferFilter(FilterForm):
    """Which transfers to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *TopUpStatus.choices]
    )
    remark = forms.CharField(label=gettext_lazy("Remark on the bank statement"), required=False, max_length=200)


@operator_required
def index(request: PortalRequest) -> HttpResponse:
    """List announced transfers; a remark copied from the bank statement finds its top-up."""
    return _show(request, NOTHING_TYPED)


def _show(request: PortalRequest, typed: Typed) -> HttpResponse:
    form = TransferFilter(request.GET)
    chosen = form.chosen()
    rows = TopUp.objects.filter(method=TopUpMethod.BANK_TRANSFER)
    if "status" in chosen:
        rows = rows.filter(status=chosen["status"])
    if "remark" in chosen:
        rows = rows.filter(bank_reference=bank_transfer.reference_in(chosen["remark"]))
    rows = rows.select_related("organization", "created_by", "registered_by", "confirmed_by")
    context = {"form": form, "page": paging.page(request, rows), "open": [TopUpStatus.CREATED, TopUpStatus.PENDING]}
    context |= {"query": request.GET.urlencode(), "typed": typed}
    return render(request, "portal/desk/transfers.html", context)


@require_POST
@operator_finance_required
def act(request: PortalRequest, top_up_id: UUID, verb: str) -> HttpResponse:
    """Register or confirm a transfer."""
    if verb not in VERBS:
        raise Http404
    try:
        VERBS[verb](top_up=_transfer(top_up_id), by=request.user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted."))
    return queues.back(request, "portal:transfers")


@operator_finance_required
@queues.sent_from("portal:transfers")
def close(request: PortalRequest, top_up_id: UUID) -> HttpResponse:
    """Close a transfer that did not come."""
    said = {"reason": typed(request, "reason")}
    try:
        top_ups.close_transfer(top_up=_transfer(top_up_id), by=request.user, at=clock.now(), **said)
    except DomainError as error:
        messages.error(request, error.detail)
        return _show(request, Typed(top_up_id, "close", said, str(error.detail)))
    messages.success(request, _("Noted."))
    return queues.back(request, "portal:transfers")


def _transfer(top_up_id: UUID) -> TopUp:
    return get_object_or_404(TopUp, pk=top_up_id, method=TopUpMethod.BANK_TRANSFER)
