"""The queue of grants: one person proposes, another approves."""

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
from core.periods import date_of
from portal import access, paging
from portal.access import PortalRequest, duty_required, reader_required
from portal.fields import YuanField
from portal.forms import ConsoleForm, FilterForm
from portal.grants import standings
from vouchers.models import Grant, GrantStatus, Programme
from vouchers.services import extensions, grants

MOVES: dict[str, Callable[..., Any]] = {
    "approve": grants.approve,
    "reject": grants.reject,
    "revoke": grants.revoke,
}
FILTERS = {"status": "status", "owner": "owner__name__icontains"}
FIELD_OF = {"face_fen": "face"}


class GrantFilter(FilterForm):
    """Which grants to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *GrantStatus.choices]
    )
    owner = forms.CharField(label=gettext_lazy("Firm"), required=False, max_length=120)


class ProposalForm(ConsoleForm):
    """A voucher for one firm, found by its credit code."""

    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"))
    credit_code = forms.CharField(label=gettext_lazy("Unified social credit code of the firm"), max_length=18)
    face = YuanField(label=gettext_lazy("Face value (¥)"))
    district = forms.CharField(
        label=gettext_lazy("District"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("Names the pool of the budget, where the programme has pools."),
    )

    def __init__(self, *args: Any, authority: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Programme.objects.of_authority(authority).granting(date_of(clock.now()))
        self.fields["programme"].queryset = rows.order_by("name")

    def clean_credit_code(self) -> Organization:
        code = self.cleaned_data["credit_code"].strip().upper()
        owner = Organization.objects.buyers().filter(credit_code=code).first()
        if owner is None:
            raise forms.ValidationError(_("No buyer is registered under this credit code."), code="unknown")
        return owner


@reader_required
def index(request: PortalRequest) -> HttpResponse:
    """List the authority's grants, the newest first."""
    form = GrantFilter(request.GET)
    chosen = {FILTERS[name]: value for name, value in form.chosen().items()}
    rows = Grant.objects.of_authority(request.organization).filter(**chosen)
    page = paging.page(request, rows.select_related("programme", "owner", "proposed_by", "approved_by"))
    may_end_later = extensions.extendable(page.rows, clock.now())
    context = {"form": form, "page": page, "standings": standings(page.rows), "extendable": may_end_later}
    return render(request, "portal/desk/grants.html", context)


@duty_required(Duty.PROPOSE)
def new(request: PortalRequest) -> HttpResponse:
    """Propose a grant for a second person to approve."""
    sent = request.POST if request.method == "POST" else None
    form = ProposalForm(sent, authority=request.organization)
    if sent is not None and form.is_valid():
        try:
            programme = form.cleaned_data["programme"]
            grants.propose(
                programme=programme,
                pool=programme.parameters.money.pool_of(form.cleaned_data["district"].strip()),
                owner=form.cleaned_data["credit_code"],
                face_fen=form.cleaned_data["face"],
                actor=access.actor(request),
                at=clock.now(),
            )
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
        else:
            messages.success(request, _("The grant is proposed. Another person has to approve it."))
            return redirect("portal:grants")
    return render(request, "portal/desk/grant_new.html", {"form": form})


@require_POST
@duty_required(Duty.PROPOSE, Duty.APPROVE)
def move(request: PortalRequest, grant_id: UUID, verb: str) -> HttpResponse:
    """Approve, reject or revoke a grant."""
    if verb not in MOVES:
        raise Http404
    grant = get_object_or_404(Grant.objects.of_authority(request.organization), pk=grant_id)
    try:
        MOVES[verb](grant=grant, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:grants")
