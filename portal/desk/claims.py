"""The desk of claims: the operator checks, the authority audits a sample and decides by line, finance takes over."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from core.forms import about, show_refusal
from core.money import format_yuan
from core.periods import local_minute
from portal import exports, paging
from portal.access import PortalRequest, duty_required
from portal.desk import claim_acts, claim_checks, claim_papers, claim_queue, claim_said, queues, saved
from portal.desk.claim_acts import SaidForm
from portal.desk.claim_queue import ClaimFilter
from portal.desk.claim_said import NOTHING, Said
from portal.desk.queues import ORDERING
from portal.forms import require_valid
from portal.templatetags.desk import day_before
from vouchers.models import Claim, ClaimStatus, LineStatus, Reason
from vouchers.models.claim import WITH_APPROVER
from vouchers.services.claims import proofs

PAGE = "claims"
claims_required = duty_required(Duty.READ, Duty.CHECK_CLAIMS)


@claims_required
def index(request: PortalRequest) -> HttpResponse:
    """List the claims, what is due first at the top."""
    return _queue(request, SaidForm(request=request), {})


def _queue(request: PortalRequest, said: SaidForm, ticked: dict[UUID, str]) -> HttpResponse:
    form, at = ClaimFilter(request.GET, request), clock.now()
    page = paging.page(request, claim_queue.queue(request, form), ordering=ORDERING)
    context = {
        "form": form,
        "page": page,
        "rows": [(one, *queues.time_left(one.due_at, at)) for one in page.rows],
        "query": request.GET.urlencode(),
        "acts": claim_acts.for_many(request),
        "said": said,
        "ticked": ticked,
        "saved": saved.of(request, PAGE),
        "page_name": PAGE,
    }
    return render(request, "portal/desk/claims.html", context)


@claims_required
def export(request: PortalRequest, kind: str) -> HttpResponse:
    """Return what the filters leave as CSV or xlsx."""
    rows = claim_queue.queue(request, ClaimFilter(request.GET, request)).order_by(*ORDERING)[: exports.MOST_ROWS]
    header = [
        _("Number"),
        _("Claimant"),
        _("Unified social credit code"),
        _("Programme"),
        _("From"),
        _("Last day"),
        _("State"),
        _("Claimed (¥)"),
        _("Approved (¥)"),
        _("Assigned to"),
        _("Due"),
    ]
    return exports.response(kind, "claims", header, map(_line, rows))


def _line(one: Claim) -> list[Any]:
    approved = "" if one.approved_fen is None else format_yuan(one.approved_fen)
    names = [one.display_number, one.claimant.name, one.claimant.credit_code, one.programme.name]
    period = [one.period_starts_on.isoformat(), day_before(one.period_ends_on).isoformat()]
    amounts = [format_yuan(one.amount_fen), approved]
    return [*names, *period, ClaimStatus(one.status).label, *amounts, one.assigned_to or "", local_minute(one.due_at)]


@claims_required
@queues.sent_from("portal:claims-desk")
def bulk(request: PortalRequest) -> HttpResponse:
    """Do the same to all chosen claims, each on its own; who was refused, and why, is said."""
    ticked = queues.ticked(request)
    form, verb = SaidForm(request.POST, request=request), request.POST.get("verb", "")
    if verb not in claim_acts.ACTS:
        raise Http404
    if not ticked or not form.is_valid():
        messages.error(request, _("Choose at least one case, and check what you entered."))
        return _queue(request, form, ticked)
    rows = queues.found(request, claim_queue.visible(request).filter(pk__in=ticked).order_by("pk"))
    done = sum([_tried(request, verb, claim, form.cleaned_data, ticked[claim.pk]) for claim in rows])
    if not done:
        return _queue(request, form, ticked)
    messages.success(request, ngettext("%(done)d case done.", "%(done)d cases done.", done) % {"done": done})
    return queues.back(request, "portal:claims-desk")


def _tried(request: PortalRequest, verb: str, claim: Claim, said: dict[str, Any], seen: str) -> bool:
    try:
        claim_acts.run(request, verb, claim, said, seen=seen)
    except DomainError as error:
        messages.error(request, about(claim.claimant.name, error.detail))
        return False
    return True


@claims_required
def detail(request: PortalRequest, claim_id: UUID) -> HttpResponse:
    """Show a claim beside its papers: checklist, lines, what happened to it, and what the person may do."""
    return shown(request, claim_id, SaidForm(request=request))


def shown(request: PortalRequest, claim_id: UUID, said: SaidForm, of_lines: Said = NOTHING) -> HttpResponse:
    """Show a claim, with what was typed where it was refused."""
    rows = claim_checks.seen(claim_queue.visible(request).select_related("assigned_to"))
    claim = get_object_or_404(rows, pk=claim_id)
    left, tone = queues.time_left(claim.due_at, clock.now())
    papers = claim_papers.of(claim)
    paper = next((one for one in papers if one.key == request.GET.get("paper")), next(iter(papers), None))
    context = {
        "claim": claim,
        "papers": papers,
        "shown": paper,
        "said": said,
        "acts": claim_acts.offered(claim, request),
        "left": left,
        "left_tone": tone,
    }
    return render(request, "portal/desk/claim.html", context | _judging(request, claim) | _lines(claim, of_lines))


def _judging(request: PortalRequest, claim: Claim) -> dict[str, Any]:
    """Return what the person may say of single lines."""
    duties = request.rights.duties
    with_approver = claim.status in WITH_APPROVER
    return {
        "deciding": with_approver and Duty.APPROVE_CLAIMS in duties,
        "auditing": with_approver and bool(duties & {Duty.APPROVE_CLAIMS, Duty.CHECK_CLAIMS}),
        "resolving": Duty.APPROVE_CLAIMS in duties,
        "reasons": Reason.choices,
        "included": LineStatus.INCLUDED,
    }


def _lines(claim: Claim, said: Said) -> dict[str, Any]:
    named = claim.lines.select_related("buyer", "provider", "sampled_by", "redemption__grant")
    lines, invoices = list(named.order_by("number")), list(proofs.of(claim))
    same = Claim.objects.filter(programme=claim.programme_id, claimant=claim.claimant_id)
    return {
        "rows": claim_said.rows(lines, said),
        "invoices": invoices,
        "checks": claim_checks.of(claim, lines, invoices, clock.now()),
        "others": same.filter(period_starts_on=claim.period_starts_on).exclude(pk=claim.pk).order_by("number"),
        "events": claim.events.select_related("by").order_by("-pk"),
    }


@xframe_options_sameorigin
@claims_required
def paper(request: PortalRequest, claim_id: UUID, key: str) -> HttpResponseBase:
    """Hand out a paper of a claim: beside the claim where browsers show its kind, else as a download."""
    claim = get_object_or_404(claim_queue.visible(request), pk=claim_id)
    return claim_papers.answer(claim, key, inline="inline" in request.GET)


@duty_required(Duty.CHECK_CLAIMS, Duty.APPROVE_CLAIMS, Duty.PAY)
def act(request: PortalRequest, claim_id: UUID, verb: str) -> HttpResponse:
    """Take a step with a claim; where it is refused the claim is there again, with what was typed."""
    if request.method != "POST":
        return redirect(f"{reverse('portal:claim-desk', args=[claim_id])}?{request.GET.urlencode()}")
    claim = get_object_or_404(claim_queue.visible(request), pk=claim_id)
    form = SaidForm(request.POST, request=request)
    if verb not in claim_acts.ACTS:
        raise Http404
    try:
        require_valid(form)
        claim_acts.run(request, verb, claim, form.cleaned_data, seen=request.POST.get("stage", ""))
    except DomainError as error:
        messages.error(request, error.detail)
        if form.is_valid():
            show_refusal(form, error, claim_said.FIELD_OF)
        return shown(request, claim.pk, form)
    messages.success(request, _("Noted."))
    return redirect("portal:claim-desk", claim.pk)
