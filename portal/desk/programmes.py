"""An authority's programmes: their rules, where their budget is, and their publication by a second person."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from market.models import Category
from portal import access, paging
from portal.access import PortalRequest, authority_required, duty_required
from vouchers import selectors
from vouchers.models import Programme, ProgrammeStatus
from vouchers.services import programmes

MOVES: dict[str, Callable[..., Any]] = {
    "publish": programmes.publish,
    "pause": programmes.pause,
    "resume": programmes.resume,
    "close": programmes.close,
}
OFFERED = {
    ProgrammeStatus.DRAFT: ["publish"],
    ProgrammeStatus.PUBLISHED: ["pause", "close"],
    ProgrammeStatus.PAUSED: ["resume", "close"],
    ProgrammeStatus.CLOSED: [],
}


@authority_required
def index(request: PortalRequest) -> HttpResponse:
    """List the authority's programmes, the newest first."""
    rows = Programme.objects.of_authority(request.organization).select_related("drafted_by", "published_by")
    return render(request, "portal/desk/programmes.html", {"page": paging.page(request, rows)})


def _mine(request: PortalRequest, programme_id: UUID) -> Programme:
    rows = Programme.objects.of_authority(request.organization).select_related(
        "authority", "drafted_by", "published_by"
    )
    return get_object_or_404(rows, pk=programme_id)


@authority_required
def detail(request: PortalRequest, programme_id: UUID) -> HttpResponse:
    """Show a programme's rules and where its budget is."""
    programme = _mine(request, programme_id)
    names = dict(Category.choices)
    context = {
        "programme": programme,
        "position": selectors.programme_position(programme),
        "categories": [names.get(code, code) for code in programme.eligible_categories],
        "providers": programme.providers.order_by("name"),
        "verbs": OFFERED[ProgrammeStatus(programme.status)],
    }
    return render(request, "portal/desk/programme.html", context)


@require_POST
@duty_required(Duty.PUBLISH)
def move(request: PortalRequest, programme_id: UUID, verb: str) -> HttpResponse:
    """Publish, pause, resume or close a programme."""
    if verb not in MOVES:
        raise Http404
    programme = _mine(request, programme_id)
    try:
        MOVES[verb](programme=programme, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:programme", programme.pk)
