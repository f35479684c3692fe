"""Run a programme, or its next version, against past spending that the caller brings; ask for it and keep it."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, IllegalMove
from core.periods import date_of
from vouchers import complaints, simulation
from vouchers.models import Programme, ProgrammeVersion, Simulation, SimulationStatus
from vouchers.parameters import Parameters, codec
from vouchers.services import people
from vouchers.services.programmes import BadRules
from vouchers.simulation import PastSpending, Progress

MOST_DAYS = timedelta(days=1_100)
MOST_ATTEMPTS = 3


class BadPeriod(DomainError):
    """The period is empty, lies ahead, or is longer than three years."""

    code = "bad-simulation-period"


class TooManySimulations(Conflict):
    """So many simulations of the authority wait already that another would only wait behind them."""

    code = "too-many-simulations"


def run(
    *, programme: Programme, spendings: Iterable[PastSpending], parameters: Parameters | None = None
) -> dict[str, Any]:
    """Return what a programme would have paid of past spending, as JSON; nothing is written.

    With other ``parameters`` return both outcomes and whom the change would cost what: ``before``, ``after``,
    ``cost_change_fen``, ``lost``, ``gained``, ``changed``, and ``each`` firm. Providers are those on the programme's
    list.
    """
    if parameters is None:
        return simulation.simulate(parameters=programme.parameters, spendings=spendings, listed=_listed(programme))
    return _compared(programme, programme.parameters, parameters, spendings, lambda _done: None)


def _compared(
    programme: Programme, before: Parameters, after: Parameters, spendings: Iterable[PastSpending], progress: Progress
) -> dict[str, Any]:
    return simulation.compare(
        before=before, after=after, spendings=spendings, listed=_listed(programme), progress=progress
    )


def _listed(programme: Programme) -> set[str]:
    return {str(pk) for pk in programme.providers.values_list("pk", flat=True)}


@transaction.atomic
def ask(
    *,
    programme: Programme,
    parameters: Parameters,
    first_on: date,
    closes_on: date,
    actor: Actor,
    at: datetime,
    version: ProgrammeVersion | None = None,
) -> Simulation:
    """Write down that rules are to be played against a past period; a worker does it.

    :raises BadPeriod: if the period is empty, lies ahead, or is longer than three years.
    :raises BadRules: if the parameters contradict each other.
    :raises TooManySimulations: if as many of the authority wait as are kept waiting.
    """
    person = people.officer(actor, Duty.DRAFT, of=programme.authority)
    _require_past(first_on, closes_on, at)
    with complaints.refusing_bad(BadRules):
        codec.require_coherent(parameters)
    full = TooManySimulations(_("Five simulations wait already; let one of them end first."))
    with refusing(simulation_in_line=full):
        made = Simulation.objects.create(
            programme=programme,
            version=version,
            status=SimulationStatus.QUEUED,
            before=programme.parameters,
            parameters=parameters,
            first_on=first_on,
            closes_on=closes_on,
            asked_by=person,
            asked_at=at,
        )
    after = {"simulation": str(made.pk), "from": first_on.isoformat(), "until": closes_on.isoformat()}
    audit.record(actor=actor, verb="programme.simulated", thing=programme, at=at, after=after)
    return made


@transaction.atomic
def take(*, at: datetime, only: Simulation | None = None) -> Simulation | None:
    """Take the next simulation that no worker plays, or ``only`` one, so that no other worker does.

    One whose workers died three times has failed: its rules, or the period, are more than a worker can bear.
    """
    waiting = Simulation.objects.to_play(at) if only is None else Simulation.objects.to_play(at).filter(pk=only.pk)
    rows = waiting.select_for_update(skip_locked=True, of=("self",))
    found = rows.select_related("programme").order_by("asked_at", "pk").first()
    if found is None:
        return None
    if found.attempts >= MOST_ATTEMPTS:
        found.move_to(SimulationStatus.FAILED, finished_at=at)
        return take(at=at, only=only)
    found.move_to(SimulationStatus.RUNNING, told_at=at, attempts=found.attempts + 1, done=0)
    return found


def tell(*, taken: Simulation, done: int, total: int, at: datetime) -> None:
    """Say how far a simulation is, which also says that its worker is alive."""
    Simulation.objects.filter(pk=taken.pk, attempts=taken.attempts).update(done=done, total=total, told_at=at)


def play(*, taken: Simulation, spendings: Iterable[PastSpending], progress: Progress) -> dict[str, Any]:
    """Return the outcome of a simulation that was taken."""
    return _compared(taken.programme, taken.before, taken.parameters, spendings, progress)


def finish(*, taken: Simulation, outcome: dict[str, Any], at: datetime) -> bool:
    """Keep an outcome; tell whether it was the first, for a worker thought dead may come late."""
    total = taken.total or 1
    stamps: dict[str, Any] = {"outcome": outcome, "finished_at": at, "told_at": at, "done": total, "total": total}
    try:
        taken.move_to(SimulationStatus.DONE, **stamps)
    except IllegalMove:
        return False
    return True


def _require_past(first_on: date, closes_on: date, at: datetime) -> None:
    if first_on >= closes_on:
        text = _("The last day lies before the first.")
        raise BadPeriod(text, fields={"last_on": text})
    if closes_on > date_of(at) + timedelta(days=1):
        text = _("The period has to lie in the past.")
        raise BadPeriod(text, fields={"last_on": text})
    if closes_on - first_on > MOST_DAYS:
        text = _("A period is at most three years long.")
        raise BadPeriod(text, fields={"first_on": text})
