"""The queue of applications: what is due first comes first; one case is judged beside its documents, many at once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin

from core import clock
from core.errors import DomainError
from core.forms import about, show_refusal
from core.money import format_yuan
from core.periods import local_minute
from portal import csvs, explanations, exports, files, paging
from portal.access import PortalRequest, duty_required
from portal.desk import cases, checklist, queues, saved, verdicts
from portal.desk.cases import CaseFilter
from portal.desk.queues import ORDERING, Typed
from portal.desk.verdicts import VerdictForm
from vouchers.models import Application, ApplicationDocument, ApplicationStatus
from vouchers.models.application import REVIEWS

PAGE = "applications"
FIELD_OF = {"amount_fen": "amount", "reason": "opinion"}

desk_required = duty_required(*cases.DUTIES)


@desk_required
def index(request: PortalRequest) -> HttpResponse:
    """List the applications that the person sees, what is due first at the top."""
    return _queue(request, VerdictForm(reviewers=cases.reviewers(request)), {})


def _queue(request: PortalRequest, verdict: VerdictForm, ticked: dict[UUID, str]) -> HttpResponse:
    form, at = CaseFilter(request.GET, request), clock.now()
    page = paging.page(request, cases.queue(request, form), ordering=ORDERING)
    context = {
        "form": form,
        "page": page,
        "rows": [(one, *_clocks(one, at)) for one in page.rows],
        "query": request.GET.urlencode(),
        "acts": verdicts.for_many(request),
        "verdict": verdict,
        "ticked": ticked,
        "saved": saved.of(request, PAGE),
        "page_name": PAGE,
    }
    return render(request, "portal/desk/applications.html", context)


def _clocks(application: Application, at: datetime) -> tuple[str, str, str, str]:
    """Say what is left for the stage and for the decision, each with its tone."""
    return *queues.time_left(application.due_at, at), *queues.time_left(application.undecided_by, at)


@desk_required
def export(request: PortalRequest) -> HttpResponseBase:
    """Stream what the filters leave as a CSV file."""
    names = [_("Firm"), _("Unified social credit code"), _("Round"), _("District"), _("State"), _("Asked")]
    header = [*names, _("Due"), _("To be decided before")]
    rows = cases.queue(request, CaseFilter(request.GET, request)).order_by(*ORDERING)
    return csvs.response("applications", header, (_line(one) for one in rows.iterator(chunk_size=500)))


def _line(one: Application) -> list[Any]:
    asked = csvs.number(format_yuan(one.asked_fen))
    due = local_minute(one.due_at)
    names = [one.applicant.name, one.applicant.credit_code, one.round.name, one.district]
    return [*names, ApplicationStatus(one.status).label, asked, due, local_minute(one.undecided_by)]


@desk_required
@queues.sent_from("portal:applications")
def bulk(request: PortalRequest) -> HttpResponse:
    """Do the same to all chosen cases, each on its own; who was refused, and why, is said."""
    ticked = queues.ticked(request)
    form = VerdictForm(request.POST, reviewers=cases.reviewers(request))
    if not ticked or not form.is_valid():
        messages.error(request, _("Choose at least one case, and check what you entered."))
        return _queue(request, form, ticked)
    named = cases.visible(request).filter(pk__in=ticked).select_related(*cases.SHOWN)
    rows = queues.found(request, named.order_by("pk"))
    done = sum([_done(request, one, ticked[one.pk], form) for one in rows])
    if not done:
        return _queue(request, form, ticked)
    messages.success(request, ngettext("%(done)d case done.", "%(done)d cases done.", done) % {"done": done})
    return queues.back(request, "portal:applications")


def _done(request: PortalRequest, application: Application, seen: str, form: VerdictForm) -> bool:
    """Do it with one case, in the state in which the person saw it; say what refused it."""
    application.status = seen  # services refuse what has moved on
    try:
        verdicts.act(request, request.POST.get("verb", ""), application, form.cleaned_data)
    except DomainError as error:
        messages.error(request, about(application.applicant.name, error.detail))
        return False
    return True


@desk_required
def detail(request: PortalRequest, application_id: UUID) -> HttpResponse:
    """Show a case beside its documents, and take what the person decides; then comes the next one of the queue."""
    application = get_object_or_404(cases.visible(request).select_related(*cases.SHOWN), pk=application_id)
    form = VerdictForm(request.POST or None, reviewers=cases.reviewers(request))
    if request.method == "POST" and form.is_valid():
        application.status = request.POST.get("stage", application.status)
        try:
            verdicts.act(request, request.POST.get("verb", ""), application, form.cleaned_data)
        except DomainError as error:
            application.refresh_from_db(fields=["status"])
            show_refusal(form, error, FIELD_OF)
        else:
            messages.success(request, _("Noted."))
            return redirect(_onward(request, application))
    return render(request, "portal/desk/application.html", _context(request, application, form))


def shown(request: PortalRequest, application_id: UUID, typed: Typed) -> HttpResponse:
    """Show a case with what was typed about a complaint, and why it was refused."""
    application = get_object_or_404(cases.visible(request).select_related(*cases.SHOWN), pk=application_id)
    context = _context(request, application, VerdictForm(reviewers=cases.reviewers(request)))
    return render(request, "portal/desk/application.html", context | {"typed": typed})


def _onward(request: PortalRequest, application: Application) -> str:
    """Return the address of the next case that the filters show, or of the queue."""
    query = request.GET.urlencode()
    rest = cases.queue(request, CaseFilter(request.GET, request)).filter(status__in=REVIEWS)
    following = rest.exclude(pk=application.pk).order_by(*ORDERING).first() if query else None
    if following is None:
        return f"{reverse('portal:applications')}?{query}"
    return f"{reverse('portal:application-desk', args=[following.pk])}?{query}"


def _context(request: PortalRequest, application: Application, form: VerdictForm) -> dict[str, Any]:
    documents = list(application.documents.filter(withdrawn_at=None).order_by("kind", "uploaded_at"))
    shown = next((one for one in documents if str(one.pk) == request.GET.get("document")), next(iter(documents), None))
    left, tone, decision_left, decision_tone = _clocks(application, clock.now())
    return {
        "application": application,
        "documents": documents,
        "shown": shown,
        "inline": shown is not None and shown.media_type in exports.SHOWN_INLINE,
        "checks": checklist.of(application, documents),
        "steps_of_award": explanations.voucher_steps(application.explanation) if application.explanation else [],
        "reviews": application.reviews.select_related("reviewer").order_by("pk"),
        "steps": application.steps.select_related("by").order_by("-pk"),
        "objections": application.objections.order_by("raised_at"),
        "appeals": application.appeals.select_related("raised_by").order_by("raised_at"),
        "acts": verdicts.offered(application, request),
        "scored": application.status == "panel",
        "form": form,
        "left": left,
        "left_tone": tone,
        "decision_left": decision_left,
        "decision_tone": decision_tone,
        "query": request.GET.urlencode(),
    }


@xframe_options_sameorigin
@desk_required
def document(request: PortalRequest, application_id: UUID, document_id: UUID) -> HttpResponseBase:
    """Hand out a document of a case: beside the case where browsers show its kind, else as a download."""
    rows = ApplicationDocument.objects.filter(application__in=cases.visible(request), application=application_id)
    found = get_object_or_404(rows, pk=document_id)
    answer = files.download(found.place, name=found.name, media_type=found.media_type)
    shown = "inline" in request.GET and found.media_type in exports.SHOWN_INLINE
    return exports.beside(answer) if shown else answer
