"""Which rehearsal a database holds: one database, one rehearsal, played once."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.management import CommandError

from accounts.models import AuditEntry, Organization
from accounts.services import audit
from config.demo.scenario import Scenario

SEED = 20260401
BEGUN = "rehearsal.begun"
FINISHED = "rehearsal.finished"


@dataclass(frozen=True, slots=True)
class Played:
    """What an earlier run left: which scenario, and what it measured; ``seconds`` is None if it was interrupted."""

    title: str
    seconds: dict[str, int] | None
    said: dict[str, int]


def title(scenario: Scenario) -> str:
    """Name a scenario with everything that makes it what it is."""
    return f"{scenario.name} {scenario.month.starts_on:%Y-%m} seed {scenario.seed}"


def refuse_in_production() -> None:
    """Stop: a rehearsal invents organisations and money.

    :raises CommandError: in production.
    """
    if settings.PRODUCTION:
        raise CommandError("A rehearsal invents organisations and money; production has its own.")


def played() -> Played | None:
    """Return the rehearsal that the database holds, if any."""
    begun = AuditEntry.objects.filter(verb=BEGUN).order_by("-pk").first()
    if begun is None or begun.after is None:
        return None
    finished = AuditEntry.objects.filter(verb=FINISHED, pk__gt=begun.pk).first()
    after = finished.after if finished and finished.after else {}
    return Played(begun.after["title"], after.get("seconds"), after.get("said", {}))


def begin(*, scenario: Scenario, operator: Organization, at: datetime) -> None:
    """Note that a rehearsal starts."""
    audit.record(actor=audit.SYSTEM, verb=BEGUN, thing=operator, at=at, after={"title": title(scenario)})


def finish(*, operator: Organization, seconds: dict[str, int], said: dict[str, int], at: datetime) -> None:
    """Note that the rehearsal is over, and what it measured."""
    after = {"seconds": seconds, "said": said}
    audit.record(actor=audit.SYSTEM, verb=FINISHED, thing=operator, at=at, after=after)
