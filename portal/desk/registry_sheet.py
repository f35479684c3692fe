"""The registry from a sheet: a template, a look without effect, and an entry that another person lists."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from core import clock, sheets
from core.errors import DomainError
from core.forms import show_refusal
from portal import access, exports
from portal.access import PortalRequest, duty_required
from portal.desk import looked_at
from portal.desk.registry_forms import SheetForm, programmes
from vouchers.services import bulk_listings

SALT = "portal.registry_sheet"
HEADER = ("统一社会信用代码", "服务事项", "名录批次", "起始日期", "截止日期")
entering_required = duty_required(Duty.PROPOSE, Duty.LIST_PROVIDERS)


@entering_required
def index(request: PortalRequest) -> HttpResponse:
    """Take a sheet and show what entering it would do, line by line, without any effect."""
    sent = request.POST if request.method == "POST" else None
    form = SheetForm(sent, request.FILES if sent is not None else None, authority=request.organization)
    shown: dict[str, Any] = {}
    if sent is not None and form.is_valid():
        try:
            shown = _looked_at(request, form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
    return render(request, "portal/desk/registry_sheet.html", {"form": form} | shown)


def _looked_at(request: PortalRequest, said: dict[str, Any]) -> dict[str, Any]:
    """Return what a sheet would do, and the sheet signed, so that what is entered is what was looked at."""
    content = said["file"].read()
    terms = {"programme": said["programme"], "content": content, "actor": access.actor(request)}
    lines = bulk_listings.preview(at=clock.now(), **terms)
    wrong = sum(1 for line in lines if line.error)
    kept = {"programme": str(said["programme"].pk), "content": content}
    sheet = looked_at.sealed(request, salt=SALT, **kept) if lines and not wrong else ""
    return {"looked": True, "lines": lines, "wrong": wrong, "sheet": sheet}


@require_POST
@entering_required
def enter(request: PortalRequest) -> HttpResponse:
    """Enter the providers of a sheet that was looked at."""
    kept = looked_at.opened(request, salt=SALT)
    if kept is None:
        messages.error(request, _("Choose the sheet again."))
        return redirect("portal:registry-sheet")
    programme = get_object_or_404(programmes(request.organization), pk=kept["programme"])
    content, actor = kept["content"], access.actor(request)
    try:
        number = bulk_listings.enter(programme=programme, content=content, actor=actor, at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("portal:registry-sheet")
    messages.success(
        request, _("%(number)d providers are entered. Another person has to list them.") % {"number": number}
    )
    return redirect("portal:registry")


@entering_required
def template(_request: PortalRequest) -> HttpResponse:
    """Hand out an empty sheet with the columns that are read."""
    return exports.response(sheets.XLSX, "registry", HEADER, [])
