"""Vouchers that pass to the firm into which their owner was merged: one person proposes, another decides."""

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

from accounts.duties import Duty
from accounts.models import Organization
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal import access, paging
from portal.access import PortalRequest, duty_required, reader_required
from portal.forms import ConsoleForm
from portal.grants import standings
from vouchers.models import Grant, Reissue
from vouchers.services import reissues

VERBS: dict[str, Callable[..., Any]] = {"approve": reissues.approve, "reject": reissues.reject}


class ReissueForm(ConsoleForm):
    """The firm to which a voucher passes, and why."""

    credit_code = forms.CharField(label=gettext_lazy("Unified social credit code of the successor"), max_length=18)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("For instance the decision on the merger and its number."),
    )

    def clean_credit_code(self) -> Organization:
        code = self.cleaned_data["credit_code"].strip().upper()
        successor = Organization.objects.buyers().filter(credit_code=code).first()
        if successor is None:
            raise forms.ValidationError(_("No buyer is registered under this credit code."), code="unknown")
        return successor


@reader_required
def index(request: PortalRequest) -> HttpResponse:
    """List what was proposed, the latest first."""
    rows = Reissue.objects.filter(grant__programme__authority=request.organization)
    named = rows.select_related("grant__owner", "grant__programme", "successor", "proposed_by", "decided_by", "issued")
    return render(request, "portal/desk/reissues.html", {"page": paging.page(request, named)})


@duty_required(Duty.PROPOSE)
def new(request: PortalRequest, grant_id: UUID) -> HttpResponse:
    """Propose that what is left of a voucher passes to a successor."""
    rows = Grant.objects.of_authority(request.organization).select_related("owner", "programme")
    grant = get_object_or_404(rows, pk=grant_id)
    sent = request.POST if request.method == "POST" else None
    form = ReissueForm(sent)
    if sent is not None and form.is_valid():
        said = {"successor": form.cleaned_data["credit_code"], "reason": form.cleaned_data["reason"]}
        try:
            reissues.propose(grant=grant, actor=access.actor(request), at=clock.now(), **said)
        except DomainError as error:
            show_refusal(form, error, {"successor": "credit_code"})
        else:
            messages.success(request, _("Proposed. Another person has to decide."))
            return redirect("portal:reissues")
    context = {"form": form, "grant": grant, "standing": standings([grant])[0]}
    return render(request, "portal/desk/reissue_new.html", context)


@require_POST
@duty_required(Duty.APPROVE)
def act(request: PortalRequest, reissue_id: UUID, verb: str) -> HttpResponse:
    """Approve or turn down."""
    if verb not in VERBS:
        raise Http404
    rows = Reissue.objects.filter(grant__programme__authority=request.organization)
    reissue = get_object_or_404(rows, pk=reissue_id)
    try:
        VERBS[verb](reissue=reissue, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:reissues")
