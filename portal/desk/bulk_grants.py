"""Many vouchers from a sheet: a template, a look without effect, a proposal, and another person's approval."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from accounts.models import Organization
from core import clock, sheets
from core.errors import DomainError
from core.forms import show_refusal
from core.periods import date_of
from portal import access, exports, paging
from portal.access import PortalRequest, duty_required
from portal.desk import looked_at
from portal.fields import SheetField
from portal.forms import ConsoleForm
from vouchers.models import GrantBatch, GrantStatus, Programme
from vouchers.services import bulk_grants

SALT = "portal.bulk_grants"
MOST_BYTES = 1_000_000
SHOWN = 500
ROWS = 100
HEADER = ("统一社会信用代码", "面额（元）", "区县", "备注")
bulk_required = duty_required(Duty.PROPOSE, Duty.APPROVE)


class SheetForm(ConsoleForm):
    """A sheet of firms and face values for a programme."""

    programme = forms.ModelChoiceField(Programme.objects.none(), label=gettext_lazy("Programme"))
    name = forms.CharField(label=gettext_lazy("Name of the batch"), max_length=120)
    file = SheetField(most_bytes=MOST_BYTES)

    def __init__(self, *args: Any, authority: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Programme.objects.of_authority(authority).granting(date_of(clock.now()))
        self.fields["programme"].queryset = rows.order_by("name")


@bulk_required
def index(request: PortalRequest) -> HttpResponse:
    """Take a sheet and show what it would do, line by line, without any effect; and the batches so far."""
    sent = request.POST if request.method == "POST" else None
    form = SheetForm(sent, request.FILES if sent is not None else None, authority=request.organization)
    shown: dict[str, Any] = {}
    if sent is not None and form.is_valid():
        try:
            shown = _looked_at(request, form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
    batches = GrantBatch.objects.filter(programme__authority=request.organization)
    named = batches.select_related("programme", "proposed_by").annotate(
        waiting=Count("lines", filter=Q(lines__grant__status=GrantStatus.PROPOSED))
    )
    context = {"form": form, "page": paging.page(request, named), "most_rows": SHOWN} | shown
    return render(request, "portal/desk/bulk_grants.html", context)


def _looked_at(request: PortalRequest, said: dict[str, Any]) -> dict[str, Any]:
    """Return what a sheet would do, and the sheet signed, so that what is proposed is what was looked at."""
    access.require_duty(request, Duty.PROPOSE)
    content = said["file"].read()
    report = bulk_grants.preview(programme=said["programme"], content=content, at=clock.now())
    kept = {"programme": str(said["programme"].pk), "name": said["name"], "content": content}
    return {
        "report": report,
        "lines": report.lines[:SHOWN],
        "wrong": sum(1 for line in report.lines if line.errors),
        "sheet": looked_at.sealed(request, salt=SALT, **kept) if report.sound else "",
    }


@require_POST
@duty_required(Duty.PROPOSE)
def propose(request: PortalRequest) -> HttpResponse:
    """Propose the grants of a sheet that was looked at."""
    kept = looked_at.opened(request, salt=SALT)
    if kept is None:
        messages.error(request, _("Choose the sheet again."))
        return redirect("portal:grants-sheet")
    programmes = Programme.objects.of_authority(request.organization)
    programme = get_object_or_404(programmes, pk=kept["programme"])
    terms = {"name": kept["name"], "content": kept["content"], "actor": access.actor(request)}
    try:
        batch = bulk_grants.propose(programme=programme, at=clock.now(), **terms)
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("portal:grants-sheet")
    messages.success(request, _("The grants are proposed. Another person has to approve them."))
    return redirect("portal:grants-batch", batch.pk)


@bulk_required
def template(_request: PortalRequest) -> HttpResponse:
    """Hand out an empty sheet with the columns that are read."""
    return exports.response(sheets.XLSX, "grants", HEADER, [])


@bulk_required
def detail(request: PortalRequest, batch_id: UUID) -> HttpResponse:
    """Show a batch row by row, and let another person than its maker approve all that waits."""
    batch = _mine(request, batch_id)
    page = paging.page(request, batch.lines.select_related("grant__owner"), ordering=("line",), size=ROWS)
    waiting = batch.lines.filter(grant__status=GrantStatus.PROPOSED).count()
    context = {"batch": batch, "page": page, "waiting": waiting, "mine": batch.proposed_by == request.user}
    return render(request, "portal/desk/grant_batch.html", context)


@require_POST
@duty_required(Duty.APPROVE)
def approve(request: PortalRequest, batch_id: UUID) -> HttpResponse:
    """Approve every grant of a batch that waits, all or none."""
    batch = _mine(request, batch_id)
    try:
        approved = bulk_grants.approve(batch=batch, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("%(number)d grants are approved.") % {"number": len(approved)})
    return redirect("portal:grants-batch", batch.pk)


def _mine(request: PortalRequest, batch_id: UUID) -> GrantBatch:
    rows = GrantBatch.objects.filter(programme__authority=request.organization)
    return get_object_or_404(rows.select_related("programme", "proposed_by"), pk=batch_id)
