"""The queue of findings: what is due first comes first; one is looked at beside its evidence, many are given out."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.duties import Duty
from accounts.models import AuditEntry, Organization
from core import clock
from core.errors import DomainError
from core.forms import about, show_refusal
from core.money import format_yuan
from core.periods import local_minute
from portal import csvs, evidence, paging
from portal.access import PortalRequest, duty_required
from portal.desk import concerned, finding_acts, finding_queue, queues, saved
from portal.desk.finding_acts import FindingForm
from portal.desk.finding_queue import FindingFilter
from portal.desk.queues import ORDERING
from portal.forms import ConsoleForm
from vouchers.models import Finding, FindingStatus, Grant, Programme, Severity, Tip

PAGE = "findings"
MOST_EVENTS = 50
# What people look for again and again, offered above the filters.
SHORTCUTS = (
    (gettext_lazy("Overdue"), "state=live&flag=overdue"),
    (gettext_lazy("Mine"), "state=live&whose=me"),
    (gettext_lazy("Nobody's"), "state=open"),
    (gettext_lazy("Tips"), "rule=TIP&state=live"),
    (gettext_lazy("Answered"), "state=assigned&flag=answered"),
)

desk_required = duty_required(*finding_queue.DUTIES)


class RaiseForm(ConsoleForm):
    """What a person found, in which programme, and whom it concerns."""

    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"))
    credit_code = forms.CharField(
        label=gettext_lazy("Unified social credit code of the firm"), max_length=18, required=False
    )
    severity = forms.ChoiceField(
        label=gettext_lazy("Severity"), choices=Severity.choices, initial=Severity.MEDIUM.value
    )
    text = forms.CharField(
        label=gettext_lazy("What you found"),
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("Facts, amounts, and where they can be seen."),
    )

    def __init__(self, *args: Any, request: PortalRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["programme"].queryset = finding_queue.programmes(request).order_by("name")

    def clean_credit_code(self) -> Organization | None:
        code = self.cleaned_data["credit_code"].strip().upper()
        found = Organization.objects.filter(credit_code=code).first() if code else None
        if code and found is None:
            raise forms.ValidationError(_("No firm is registered under this credit code."), code="unknown")
        return found


@desk_required
def index(request: PortalRequest) -> HttpResponse:
    """List the findings that the person sees, what is due first at the top."""
    return _queue(request, FindingForm(request=request), {})


def _queue(request: PortalRequest, act_form: FindingForm, ticked: dict[UUID, str]) -> HttpResponse:
    form, at = FindingFilter(request.GET, request), clock.now()
    page = paging.page(request, finding_queue.queue(request, form), ordering=ORDERING)
    context = {
        "form": form,
        "page": page,
        "rows": [(one, *_left(one, at)) for one in page.rows],
        "query": request.GET.urlencode(),
        "shortcuts": SHORTCUTS,
        "acts": finding_acts.for_many(request),
        "act_form": act_form,
        "ticked": ticked,
        "saved": saved.of(request, PAGE),
        "page_name": PAGE,
    }
    return render(request, "portal/desk/findings.html", context)


def _left(finding: Finding, at: Any) -> tuple[str, str]:
    """Say how much time is left to decide, or nothing once somebody has."""
    return queues.time_left(finding.due_at if finding.decided_at is None else None, at)


@desk_required
def export(request: PortalRequest) -> HttpResponseBase:
    """Stream what the filters leave as a CSV file."""
    header = [_("Found at"), _("Rule"), _("Severity"), _("State"), _("Firm"), _("Unified social credit code")]
    header += [_("Other party"), _("Programme"), _("Amount"), _("Assigned to"), _("Due"), _("Reason")]
    rows = finding_queue.queue(request, FindingFilter(request.GET, request)).order_by(*ORDERING)
    return csvs.response("findings", header, (_line(one) for one in rows.iterator(chunk_size=500)))


def _line(one: Finding) -> list[Any]:
    firm, other = one.subject, one.counterparty
    programme = one.programme or (one.grant.programme if one.grant else None)
    named = [firm.name if firm else "", firm.credit_code if firm else "", other.name if other else ""]
    judged = [one.get_rule_display(), one.get_severity_display(), FindingStatus(one.status).label]
    amount = csvs.number(format_yuan(one.amount_fen))
    who = str(one.assigned_to or "")
    return [
        local_minute(one.found_at),
        *judged,
        *named,
        programme.name if programme else "",
        amount,
        who,
        local_minute(one.due_at),
        one.reason,
    ]


@desk_required
@queues.sent_from("portal:findings")
def bulk(request: PortalRequest) -> HttpResponse:
    """Do the same with all chosen findings, each on its own; which were refused, and why, is said."""
    ticked = queues.ticked(request)
    form, verb = FindingForm(request.POST, request=request), request.POST.get("verb", "")
    if verb not in finding_acts.for_many(request):
        raise Http404
    if not ticked or not form.is_valid():
        messages.error(request, _("Choose at least one finding, and check what you entered."))
        return _queue(request, form, ticked)
    named = finding_queue.visible(request).filter(pk__in=ticked).select_related(*finding_queue.SHOWN)
    rows = queues.found(request, named.order_by("pk"))
    done = sum(_done(request, verb, one, ticked[one.pk], form) for one in rows)
    if not done:
        return _queue(request, form, ticked)
    messages.success(request, ngettext("%(done)d finding done.", "%(done)d findings done.", done) % {"done": done})
    return queues.back(request, "portal:findings")


def _done(request: PortalRequest, verb: str, finding: Finding, seen: str, form: FindingForm) -> bool:
    """Do it with one finding, unless it has moved on since the person saw it; say what refused it."""
    try:
        if finding.status != seen:
            messages.error(request, _("%(finding)s: somebody was faster.") % {"finding": finding})
            return False
        finding_acts.act(request, verb, finding, form.cleaned_data)
    except DomainError as error:
        messages.error(request, about(finding, error.detail))
        return False
    return True


@duty_required(Duty.FIND)
def new(request: PortalRequest) -> HttpResponse:
    """Raise a finding by hand; an auditor may do this and nothing else."""
    grant = _grant_named(request)
    first = {"programme": grant.programme_id, "credit_code": grant.owner.credit_code} if grant else {}
    first |= {"credit_code": request.GET["firm"][:18]} if "firm" in request.GET else {}
    form = RaiseForm(request.POST if request.method == "POST" else None, request=request, initial=first)
    if form.is_bound and form.is_valid():
        try:
            said = form.cleaned_data
            fits = grant if grant and grant.programme_id == said["programme"].pk else None
            finding = finding_acts.raised(request, programme=said["programme"], grant=fits, said=said)
        except DomainError as error:
            show_refusal(form, error, {"reason": "text"})
        else:
            messages.success(request, _("The finding is in the queue. Another person decides on it."))
            return redirect("portal:finding", finding.pk)
    return render(request, "portal/desk/finding_new.html", {"form": form, "grant": grant})


def _grant_named(request: PortalRequest) -> Grant | None:
    """Return the grant that the address names, if the person may see it."""
    if "grant" not in request.GET:
        return None
    try:
        key = UUID(request.GET["grant"])
    except ValueError as error:
        raise Http404 from error
    rows = Grant.objects.filter(programme__in=finding_queue.programmes(request))
    return get_object_or_404(rows.select_related("programme", "owner"), pk=key)


@desk_required
def detail(request: PortalRequest, finding_id: UUID) -> HttpResponse:
    """Show a finding beside its evidence, and take what the person decides; then comes the next one of the queue."""
    joined = (*finding_queue.SHOWN, "found_by", "decided_by", "grant__owner")
    finding = get_object_or_404(finding_queue.visible(request).select_related(*joined), pk=finding_id)
    form = FindingForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        verb = request.POST.get("verb", "")
        try:
            finding_acts.act(request, verb, finding, form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Noted."))
            return redirect(_onward(request, finding, verb))
    return render(request, "portal/desk/finding.html", _context(request, finding, form))


def _onward(request: PortalRequest, finding: Finding, verb: str) -> str:
    """Return the address of the next finding that the filters show once one is decided; else stay."""
    query = request.GET.urlencode()
    if verb not in ("uphold", "explain", "dismiss") or not query:
        return f"{reverse('portal:finding', args=[finding.pk])}?{query}"
    rest = finding_queue.queue(request, FindingFilter(request.GET, request)).filter(decided_at=None)
    following = rest.exclude(pk=finding.pk).order_by(*ORDERING).first()
    if following is None:
        return f"{reverse('portal:findings')}?{query}"
    return f"{reverse('portal:finding', args=[following.pk])}?{query}"


def _context(request: PortalRequest, finding: Finding, form: FindingForm) -> dict[str, Any]:
    left, tone = _left(finding, clock.now())
    acts = finding_acts.offered(finding, request)
    events = AuditEntry.objects.filter(object_type=Finding._meta.label_lower, object_id=str(finding.pk))
    may_open = finding_acts.writes(request) and Duty.FREEZE in request.rights.duties
    return {
        "finding": finding,
        "evidence": evidence.of(finding.evidence),
        "tip": Tip.objects.filter(finding=finding).first() if finding.rule == "TIP" else None,
        "acts": acts,
        "form": form,
        "may_open": may_open and finding.grant_id is not None and finding.status in ("open", "assigned", "upheld"),
        "events": events.select_related("actor").order_by("-pk")[:MOST_EVENTS],
        "left": left,
        "left_tone": tone,
        "query": request.GET.urlencode(),
        **concerned.of(finding),
    }
