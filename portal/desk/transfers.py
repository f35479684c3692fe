"""Bank transfers of buyers: one person notes that the money is there, another confirms it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
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
from portal.forms import FilterForm

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
    form = TransferFilter(request.GET)
    chosen = form.chosen()
    rows = TopUp.objects.filter(method=TopUpMethod.BANK_TRANSFER)
    if "status" in chosen:
        rows = rows.filter(status=chosen["status"])
    if "remark" in chosen:
        rows = rows.filter(bank_reference=bank_transfer.reference_in(chosen["remark"]))
    rows = rows.select_related("organization", "created_by", "registered_by", "confirmed_by")
    context = {"form": form, "page": paging.page(request, rows), "open": [TopUpStatus.CREATED, TopUpStatus.PENDING]}
    return render(request, "portal/desk/transfers.html", context)


@require_POST
@operator_finance_required
def act(request: PortalRequest, top_up_id: UUID, verb: str) -> HttpResponse:
    """Register or confirm a transfer."""
    if verb not in VERBS:
        raise Http404
    top_up = get_object_or_404(TopUp, pk=top_up_id, method=TopUpMethod.BANK_TRANSFER)
    try:
        VERBS[verb](top_up=top_up, by=request.user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:transfers")
