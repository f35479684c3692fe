"""One clawback at the desk, from its suspicion to its last fen: time limits, sums, files, and what comes next."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.duties import Duty
from accounts.models import AuditEntry
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal import access, kept
from portal.access import PortalRequest, duty_required
from portal.desk import clawback_acts, clawback_queue, concerned, due_process, finding_acts, queues
from portal.desk.clawback_acts import CaseForm
from portal.fields import UploadField
from portal.forms import ConsoleForm, require_valid
from vouchers.models import Clawback, ClawbackDocument, ClawbackInstalment
from vouchers.models.clawback import CASES_OPEN, OWED
from vouchers.services import clawback_documents, clawbacks, demands, recoveries

MOST_EVENTS = 100

desk_required = duty_required(*clawback_queue.DUTIES)


class FileForm(ConsoleForm):
    """A file for the case."""

    file = UploadField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("PDF, PNG, JPEG, xlsx, OFD or XML."),
        error_messages={"required": gettext_lazy("Choose a file.")},
    )
    withheld_because = forms.CharField(
        label=gettext_lazy("Withheld from the debtor because"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("Without a ground the debtor sees the file from the notice on; it reads the ground."),
    )


@desk_required
def detail(request: PortalRequest, clawback_id: UUID) -> HttpResponse:
    """Show a case with its time limits, its sums and its files, and take what the person does."""
    case, at = _one(request, clawback_id), clock.now()
    suspected_fen = clawbacks.suspected_fen(case)
    first = {"notice": clawback_acts.draft_of(case, suspected_fen)}
    form = CaseForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        verb = request.POST.get("verb", "")
        try:
            clawback_acts.act(request, verb, case, form.cleaned_data)
        except DomainError as error:
            case = _one(request, clawback_id)
            show_refusal(form, error, clawback_acts.fields_of(verb))
        else:
            messages.success(request, _("Noted."))
            return redirect("portal:clawback", case.pk)
    context = _context(request, case, at) | {"form": form, "suspected_fen": suspected_fen}
    return render(request, "portal/desk/clawback.html", context)


def _shown(request: PortalRequest, case: Clawback, file_form: FileForm) -> HttpResponse:
    """Show a case with a file that was refused, and with the ground that was typed beside it."""
    suspected_fen = clawbacks.suspected_fen(case)
    form = CaseForm(initial={"notice": clawback_acts.draft_of(case, suspected_fen)})
    context = _context(request, case, clock.now()) | {"form": form, "suspected_fen": suspected_fen}
    return render(request, "portal/desk/clawback.html", context | {"file_form": file_form})


@desk_required
def add(request: PortalRequest, clawback_id: UUID) -> HttpResponse:
    """Add a file to a case."""
    case, form = _one(request, clawback_id), FileForm(request.POST, request.FILES)
    if request.method != "POST":
        return redirect("portal:clawback", case.pk)
    try:
        require_valid(form)
        _kept(request, case, form.cleaned_data)
    except DomainError as error:
        messages.error(request, error.detail)
        return _shown(request, case, form)
    messages.success(request, _("The file has been kept."))
    return redirect("portal:clawback", case.pk)


def _kept(request: PortalRequest, case: Clawback, said: dict[str, Any]) -> None:
    file = said["file"]
    who = {"withheld_because": said["withheld_because"], "actor": access.actor(request)}
    clawback_documents.add(clawback=case, name=file.name, content=file.read(), at=clock.now(), **who)


@desk_required
def document(request: PortalRequest, clawback_id: UUID, document_id: int) -> HttpResponse:
    """Hand out a file of a case."""
    rows = ClawbackDocument.objects.filter(clawback=_one(request, clawback_id)).select_related("file")
    found = get_object_or_404(rows, pk=document_id)
    return kept.download(found.file, name=found.name)


def _one(request: PortalRequest, clawback_id: UUID) -> Clawback:
    rows = clawback_queue.visible(request).select_related(
        *clawback_queue.SHOWN, "finding", "blacklisting", "appeal__statement", "appeal__decided_by"
    )
    instalments = Prefetch("instalments", ClawbackInstalment.objects.order_by("number"))
    return get_object_or_404(rows.prefetch_related(instalments), pk=clawback_id)


def _context(request: PortalRequest, case: Clawback, at: datetime) -> dict[str, Any]:
    acts = clawback_acts.offered(case, request, at)
    files = case.documents.select_related("file", "handed_in_by").defer("file__content").order_by("pk")
    events = AuditEntry.objects.filter(object_type=Clawback._meta.label_lower, object_id=str(case.pk))
    left, tone = queues.time_left(clawback_queue.clock_of(case), at)
    return {
        "case": case,
        "acts": acts,
        "needed": {name for act in acts.values() for name in act.needs},
        "may_add": finding_acts.writes(request) and Duty.FIND in request.rights.duties and case.status in CASES_OPEN,
        "file_form": FileForm(),
        "sums": case.calculation or demands.calculate(clawback=case, at=at),
        "decided": bool(case.calculation),
        "files": files,
        "answers": case.answers.filter(appeal=None).select_related("answered_by").order_by("pk"),
        "appeal": getattr(case, "appeal", None),
        "restitutions": case.restitutions.select_related("recorded_by").order_by("pk"),
        "recoveries": case.recoveries.select_related("recorded_by").order_by("pk"),
        "instalments": case.instalments.all(),
        "overdue_fen": recoveries.overdue_fen(case, at=at),
        "to_set_off_fen": recoveries.to_set_off_fen(case, at=at) if case.status in OWED else 0,
        "standing": concerned.standing(case.grant),
        "steps": due_process.steps(case),
        "events": events.select_related("actor").order_by("-pk")[:MOST_EVENTS],
        "left": left,
        "left_tone": tone,
    }
