"""What the queues of the desk have in common: how much time a row has left, and which rows a person ticked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import DateTimeField, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core.periods import HOUR
from portal.access import PortalRequest

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MOST_AT_ONCE = 200
MOST_DIGITS = 18  # of a number that a key of the database may be
ORDERING = ("clock_at", "pk")


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed in the form of one row and refused, and why: the page shows it again in that row."""

    on: Any = None
    verb: str = ""
    said: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


NOTHING_TYPED = Typed()


def by_due(rows: QuerySet[Any], due: Any = "due_at") -> QuerySet[Any]:
    """Return rows with ``clock_at``, when each is due; those that never are come last."""
    dated: QuerySet[Any] = rows.annotate(clock_at=Coalesce(due, Value(NEVER, DateTimeField())))
    return dated


def time_left(due_at: datetime | None, at: datetime) -> tuple[str, str]:
    """Say how much time is left until an instant, with the tone in which to say it."""
    if due_at is None:
        return "", ""
    left = due_at - at
    if left <= timedelta():
        return _("%(time)s overdue") % {"time": _span(-left)}, "late"
    return _("%(time)s left") % {"time": _span(left)}, "soon" if left <= DAY else ""


def _span(span: timedelta) -> str:
    if span >= DAY:
        return _("%(days)d days") % {"days": span // DAY}
    return _("%(hours)d hours") % {"hours": max(span // HOUR, 1)}


def ticked(request: PortalRequest) -> dict[UUID, str]:
    """Return the keys of the rows that were ticked, each with the state in which the person saw it, if the page said.

    :raises Http404: if one is no key.
    """
    rows = (row.partition(":") for row in request.POST.getlist("case")[:MOST_AT_ONCE])
    try:
        return {UUID(key): seen for key, _colon, seen in rows}
    except ValueError as error:
        raise Http404 from error


def found(request: PortalRequest, rows: QuerySet[Any]) -> list[Any]:
    """Return the ticked rows, and say so if the person sees none of them any more."""
    there = list(rows)
    if not there:
        messages.error(request, _("None of what you chose is there any more."))
    return there


def sent_from(page: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Let a view take rows of a queue under the filters that it had, to show it again with what was typed.

    Filters and pages of what is shown again are addressed to the view: from there they lead back to the queue.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def taken(request: PortalRequest, *args: Any, **named: Any) -> HttpResponse:
            if request.method != "POST":
                return redirect(f"{reverse(page)}?{request.GET.urlencode()}")
            request.GET = QueryDict(request.POST.get("query", ""))
            return view(request, *args, **named)

        return taken

    return decorate


def back(request: PortalRequest, page: str) -> HttpResponse:
    """Go back to a queue with the filters that it had."""
    return redirect(f"{reverse(page)}?{QueryDict(request.POST.get('query', '')).urlencode()}")
