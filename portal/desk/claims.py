"""The desk of claims: the operator checks, the authority audits a sample and decides by line, finance takes over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from accounts.models import OrganizationKind
from core import clock
from core.errors import DomainError
from portal import access, paging
from portal.access import PortalRequest, duty_required
from portal.desk import cases, saved
from portal.forms import FilterForm
from vouchers.models import Claim, ClaimLine, ClaimStatus, LineStatus, Reason
from vouchers.models.claim import WITH_APPROVER, WITH_FINANCE, WITH_OPERATOR
from vouchers.services.claims import decisions, steps
from vouchers.services.claims.decisions import Refusal

PAGE = "claims"
S = ClaimStatus
TURNS = {
    "operator": (gettext_lazy("With the operator"), WITH_OPERATOR),
    "approver": (gettext_lazy("To be decided"), WITH_APPROVER),
    "finance": (gettext_lazy("With finance"), WITH_FINANCE),
}
claims_required = duty_required(Duty.READ, Duty.CHECK_CLAIMS)


class ClaimFilter(FilterForm):
    """Which claims to show."""

    q = forms.CharField(label=gettext_lazy("Claimant"), required=False, max_length=120)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[
            ("", gettext_lazy("Any")),
            *((code, label) for code, (label, _statuses) in TURNS.items()),
            *S.choices,
        ],
    )
    late = forms.BooleanField(label=gettext_lazy("Overdue"), required=False)

    def narrow(self, rows: QuerySet[Claim]) -> QuerySet[Claim]:
        """Keep the rows that the filters ask for."""
        chosen = self.chosen()
        if "q" in chosen:
            code = Q(claimant__credit_code__iexact=chosen["q"].strip())
            rows = rows.filter(Q(claimant__name__icontains=chosen["q"]) | code)
        if "state" in chosen:
            _label, statuses = TURNS.get(chosen["state"], ("", (chosen["state"],)))
            rows = rows.filter(status__in=statuses)
        return rows.filter(due_at__lt=clock.now()) if "late" in chosen else rows


@dataclass(frozen=True, slots=True)
class Act:
    """A step of a claim: who may take it, in which states, and how."""

    label: Any
    duties: frozenset[Duty]
    statuses: frozenset[str]
    run: Callable[[Claim, str, dict[str, Any]], Any]
    tone: str = ""


def _plain(service: Callable[..., Any]) -> Callable[[Claim, str, dict[str, Any]], Any]:
    return lambda claim, _note, who: service(claim=claim, **who)


def _noted(service: Callable[..., Any]) -> Callable[[Claim, str, dict[str, Any]], Any]:
    return lambda claim, note, who: service(claim=claim, note=note, **who)


CHECKING, APPROVING, PAYING = (frozenset({duty}) for duty in (Duty.CHECK_CLAIMS, Duty.APPROVE_CLAIMS, Duty.PAY))
ACTS: dict[str, Act] = {
    "check": Act(
        gettext_lazy("Take up for checking"), CHECKING, frozenset({S.SUBMITTED}), _plain(steps.check), "primary"
    ),
    "sample": Act(
        gettext_lazy("Complete: draw the sample"),
        CHECKING,
        frozenset({S.OPERATOR_CHECK}),
        _plain(steps.sample),
        "primary",
    ),
    "send-back": Act(
        gettext_lazy("Return to the claimant"), CHECKING, frozenset(WITH_OPERATOR), _noted(steps.send_back)
    ),
    "return": Act(gettext_lazy("Return to the claimant"), APPROVING, frozenset(WITH_APPROVER), _noted(steps.send_back)),
    "take-over": Act(
        gettext_lazy("Take over for payment"),
        PAYING,
        frozenset({S.APPROVED, S.PARTLY_APPROVED, S.PAYMENT_FAILED}),
        _plain(steps.take_over),
        "primary",
    ),
    "reconsider": Act(
        gettext_lazy("Have it looked at again"),
        APPROVING | PAYING,
        frozenset({S.APPROVED, S.PARTLY_APPROVED, S.FINANCE_REVIEW}),
        _noted(decisions.reconsider),
    ),
}


def visible(request: PortalRequest) -> QuerySet[Claim]:
    """Return the claims that were handed in: the operator's are all, an authority's its own."""
    rows = Claim.objects.exclude(status__in=[S.OPEN, S.ASSEMBLED]).with_names()
    if request.organization.kind == OrganizationKind.OPERATOR:
        return rows
    return rows.of_authority(request.organization)


@claims_required
def index(request: PortalRequest) -> HttpResponse:
    """List the claims, the latest first."""
    form, at = ClaimFilter(request.GET), clock.now()
    page = paging.page(request, form.narrow(visible(request)).select_related("assigned_to"))
    context = {
        "form": form,
        "page": page,
        "rows": [(one, *cases.time_left(one.due_at, at)) for one in page.rows],
        "query": request.GET.urlencode(),
        "saved": saved.of(request, PAGE),
        "page_name": PAGE,
    }
    return render(request, "portal/desk/claims.html", context)


@claims_required
def detail(request: PortalRequest, claim_id: UUID) -> HttpResponse:
    """Show a claim, its lines and what happened to it, with what the person may do."""
    claim = get_object_or_404(visible(request), pk=claim_id)
    left, tone = cases.time_left(claim.due_at, clock.now())
    duties = request.rights.duties
    context = {
        "claim": claim,
        "lines": claim.lines.select_related("buyer", "provider", "sampled_by").order_by("number"),
        "invoices": claim.invoices.order_by("issued_on", "pk"),
        "packs": claim.packs.order_by("kind"),
        "events": claim.events.select_related("by").order_by("-pk"),
        "acts": {verb: act for verb, act in ACTS.items() if claim.status in act.statuses and act.duties & duties},
        "deciding": claim.status in WITH_APPROVER and Duty.APPROVE_CLAIMS in duties,
        "auditing": claim.status in WITH_APPROVER and bool(duties & (APPROVING | CHECKING)),
        "reasons": Reason.choices,
        "included": LineStatus.INCLUDED,
        "left": left,
        "left_tone": tone,
    }
    return render(request, "portal/desk/claim.html", context)


@require_POST
@duty_required(Duty.CHECK_CLAIMS, Duty.APPROVE_CLAIMS, Duty.PAY)
def act(request: PortalRequest, claim_id: UUID, verb: str) -> HttpResponse:
    """Take a step with a claim."""
    claim = get_object_or_404(visible(request), pk=claim_id)
    if verb not in ACTS:
        raise Http404
    note = request.POST.get("note", "").replace("\x00", "")[:1_000]
    return _said(request, claim, lambda who: ACTS[verb].run(claim, note, who))


@require_POST
@duty_required(Duty.CHECK_CLAIMS, Duty.APPROVE_CLAIMS)
def audit(request: PortalRequest, claim_id: UUID, number: int) -> HttpResponse:
    """Write down what the audit of a line of the sample found."""
    claim = get_object_or_404(visible(request), pk=claim_id)
    line = get_object_or_404(ClaimLine.objects.select_related("claim"), claim=claim, number=number)
    passed, note = request.POST.get("passed") == "yes", request.POST.get("note", "").replace("\x00", "")[:1_000]
    return _said(request, claim, lambda who: decisions.audit_line(line=line, passed=passed, note=note, **who))


@require_POST
@duty_required(Duty.APPROVE_CLAIMS)
def decide(request: PortalRequest, claim_id: UUID) -> HttpResponse:
    """Accept the lines of a claim but those for which a reason was chosen."""
    claim = get_object_or_404(visible(request), pk=claim_id)
    note = request.POST.get("note", "").replace("\x00", "")[:1_000]
    refusals = {
        int(name.removeprefix("line-")): Refusal(Reason(code), note)
        for name, code in request.POST.items()
        if name.startswith("line-") and name.removeprefix("line-").isdecimal() and code in Reason.values
    }
    return _said(request, claim, lambda who: decisions.decide(claim=claim, refusals=refusals, **who))


def _said(request: PortalRequest, claim: Claim, service: Callable[[dict[str, Any]], Any]) -> HttpResponse:
    try:
        service({"actor": access.actor(request), "at": clock.now()})
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:claim-desk", claim.pk)
