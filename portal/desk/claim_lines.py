"""Single lines of a claim: the audit of the sample, the decision on all of them together, answers to disputes."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from portal import access
from portal.access import PortalRequest, duty_required
from portal.desk import claim_acts, claim_queue, claim_said, claims
from portal.desk.claim_acts import SaidForm
from portal.desk.claim_said import LineForm, Said
from portal.forms import require_valid
from vouchers.models import ClaimLine
from vouchers.services.claims import answers, decisions

View = Callable[..., HttpResponse]


def _back_from(view: View) -> View:
    """Lead whoever follows a link of a claim that is shown again to the claim itself."""

    @wraps(view)
    def taken(request: PortalRequest, claim_id: UUID, **named: int) -> HttpResponse:
        if request.method != "POST":
            return redirect(f"{reverse('portal:claim-desk', args=[claim_id])}?{request.GET.urlencode()}")
        return view(request, claim_id, **named)

    return taken


@duty_required(Duty.CHECK_CLAIMS, Duty.APPROVE_CLAIMS)
@_back_from
def audit(request: PortalRequest, claim_id: UUID, number: int) -> HttpResponse:
    """Write down what the audit of a line of the sample found."""
    return _answered(request, claim_id, number, "passed", decisions.audit_line)


@duty_required(Duty.APPROVE_CLAIMS)
@_back_from
def resolve(request: PortalRequest, claim_id: UUID, number: int) -> HttpResponse:
    """Answer a claimant who contests a refusal: the line may be claimed again, or stays refused."""
    return _answered(request, claim_id, number, "granted", answers.resolve)


def _answered(
    request: PortalRequest, claim_id: UUID, number: int, verb: str, service: Callable[..., Any]
) -> HttpResponse:
    claim = get_object_or_404(claim_queue.visible(request), pk=claim_id)
    line = get_object_or_404(ClaimLine.objects.select_related("claim"), claim=claim, number=number)
    form = LineForm(request.POST, verb=verb)
    try:
        require_valid(form)
        said = {verb: form.cleaned_data[verb] == "yes", "note": form.cleaned_data["opinion"]}
        service(line=line, **said, **_who(request))
    except DomainError as error:
        messages.error(request, error.detail)
        again = Said(number=number, note=request.POST.get("opinion", ""), error=str(error.detail))
        return claims.shown(request, claim_id, SaidForm(request=request), again)
    messages.success(request, _("Noted."))
    return redirect("portal:claim-desk", claim_id)


@duty_required(Duty.APPROVE_CLAIMS)
@_back_from
def decide(request: PortalRequest, claim_id: UUID) -> HttpResponse:
    """Accept the lines of a claim but those for which a reason was chosen."""
    claim = get_object_or_404(claim_queue.visible(request), pk=claim_id)
    form, chosen = SaidForm(request.POST, request=request), claim_said.grounds(request, claim)
    try:
        require_valid(form)
        claim_acts.require_seen(claim, request.POST.get("stage", ""))
        refused = claim_said.refusals(chosen, form.cleaned_data["opinion"])
        decisions.decide(claim=claim, refusals=refused, **_who(request))
    except DomainError as error:
        messages.error(request, error.detail)
        return claims.shown(request, claim_id, form, Said(grounds=chosen))
    messages.success(request, _("Noted."))
    return redirect("portal:claim-desk", claim_id)


def _who(request: PortalRequest) -> dict[str, Any]:
    return {"actor": access.actor(request), "at": clock.now()}
