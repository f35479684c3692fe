"""What people did with a programme and its rounds, in words."""

from typing import Any, NamedTuple

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEntry
from vouchers import labels
from vouchers.models import Programme
from vouchers.parameters.differences import Difference

SHOWN = 12
VERBS: dict[str, Any] = {
    "programme.drafted": _("Programme drafted"),
    "programme.published": _("Programme published"),
    "programme.paused": _("Programme paused"),
    "programme.resumed": _("Programme resumed"),
    "programme.closed": _("Programme closed"),
    "programme.providers_listed": _("Providers listed"),
    "programme.provider_delisted": _("Provider taken off the list"),
    "programme.version_drafted": _("Version drafted"),
    "programme.version_published": _("Version published"),
    "programme.version_dropped": _("Version given up"),
    "programme.budget_lapsed": _("Rest of the budget lapsed with its year"),
    "programme.simulated": _("Rules played against the past"),
    "round.drafted": _("Round drafted"),
    "round.opened": _("Round opened"),
    "round.closed": _("Round closed"),
    "round.allocated": _("Round allocated"),
}


class Event(NamedTuple):
    """Something that was done, with what it changed."""

    entry: AuditEntry
    label: str
    lines: list[str]


def of(programme: Programme) -> list[Event]:
    """Return the latest that happened to a programme and its rounds."""
    mine = Q(object_type="vouchers.programme", object_id=str(programme.pk))
    rounds = [str(pk) for pk in programme.rounds.values_list("pk", flat=True)]
    rows = AuditEntry.objects.filter(mine | Q(object_type="vouchers.round", object_id__in=rounds))
    return [_event(one) for one in rows.select_related("actor").order_by("-pk")[:SHOWN]]


def _event(entry: AuditEntry) -> Event:
    after = entry.after or {}
    changes = [Difference(one["path"], one["before"], one["after"]) for one in after.get("changes", [])]
    lines = labels.sentences(changes) or [str(after[name]) for name in ("name",) if name in after]
    return Event(entry, str(VERBS.get(entry.verb, entry.verb)), lines)
