"""Bring offerings in from a file: upload, look, confirm; and send them out as a file."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock, sheets
from core.errors import DomainError
from core.forms import show_refusal
from core.sheets.limits import MOST_BYTES, MOST_ROWS
from core.sheets.writing import MEDIA_TYPES
from market.models import OfferingImport
from market.services import imports, kept_imports
from market.services.offering_columns import COLUMNS
from portal import access, exports
from portal.access import PortalRequest, seller_required, seller_trader_required
from portal.fields import SheetField
from portal.forms import ConsoleForm

SHOWN = 300


class FileForm(ConsoleForm):
    """A table of offerings."""

    file = SheetField(most_bytes=MOST_BYTES)


@seller_trader_required
def new(request: PortalRequest) -> HttpResponse:
    """Take a file and show what it would do."""
    sent = request.POST if request.method == "POST" else None
    form = FileForm(sent, request.FILES if sent is not None else None)
    if sent is not None and form.is_valid():
        file, at = form.cleaned_data["file"], clock.now()
        content = file.read()
        try:
            imports.preview(provider=request.organization, content=content, actor=access.actor(request), at=at)
        except DomainError as error:
            show_refusal(form, error)
        else:
            kept = kept_imports.keep(
                provider=request.organization, name=file.name, content=content, by=request.user, at=at
            )
            return redirect("portal:import", kept.pk)
    context = {"form": form, "columns": COLUMNS, "most": MOST_ROWS}
    return render(request, "portal/seller/import_new.html", context)


@seller_trader_required
def detail(request: PortalRequest, import_id: UUID) -> HttpResponse:
    """Show what a file would do now, and bring it in once it is confirmed."""
    kept = get_object_or_404(OfferingImport.objects.filter(provider=request.organization), pk=import_id)
    if request.method == "POST":
        return _confirm(request, kept)
    if kept.applied_at is not None:
        messages.info(request, _("This file was brought in before."))
        return redirect("portal:offerings")
    report = imports.preview(
        provider=request.organization, content=bytes(kept.content), actor=access.actor(request), at=clock.now()
    )
    # What has errors first: nothing comes in before they are gone.
    lines = sorted(report.lines, key=lambda line: not line.errors)
    context = {"kept": kept, "report": report, "lines": lines[:SHOWN], "more": max(len(lines) - SHOWN, 0)}
    return render(request, "portal/seller/import.html", context)


def _confirm(request: PortalRequest, kept: OfferingImport) -> HttpResponse:
    seen = request.POST.get("seen", "")
    try:
        report = kept_imports.confirm(kept=kept, seen=seen or "-", actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, str(error.detail))
        return redirect("portal:import", kept.pk)
    words = {"new": report.counts["create"], "changed": report.counts["change"]}
    messages.success(request, _("%(new)d offerings are drafted, %(changed)d are changed.") % words)
    return redirect("portal:offerings")


@seller_required
def export(request: PortalRequest, kind: str) -> HttpResponse:
    """Send out the offerings that are not archived."""
    if kind not in (sheets.CSV, sheets.XLSX):
        raise Http404
    content = imports.export(provider=request.organization, kind=kind)
    return exports.download(content, name=f"offerings.{kind}", media_type=MEDIA_TYPES[kind])
