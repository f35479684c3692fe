"""Play the simulations that wait against what firms really spent: state is the queue, one worker takes one."""

from collections.abc import Callable, Sequence
from datetime import datetime

from billing import past_spending
from vouchers.models import Simulation
from vouchers.services import simulations
from vouchers.simulation import PastSpending

AT_ONCE = 300  # orders; so few are played while the person waits


def play_waiting(*, clock: Callable[[], datetime], most: int = 10) -> int:
    """Play what waits, the oldest first, and return how many were; telling how far each is needs a running clock."""
    for played in range(most):
        taken = simulations.take(at=clock())
        if taken is None:
            return played
        _play(taken, clock)
    return most


def play_if_short(*, asked: Simulation, clock: Callable[[], datetime]) -> bool:
    """Play a simulation while the person waits, if it is short; tell whether it was."""
    if past_spending.orders_between(first_on=asked.first_on, closes_on=asked.closes_on) > AT_ONCE:
        return False
    taken = simulations.take(at=clock(), only=asked)
    if taken is None:
        return False
    _play(taken, clock)
    return True


def _play(taken: Simulation, clock: Callable[[], datetime]) -> None:
    spendings: Sequence[PastSpending] = past_spending.between(first_on=taken.first_on, closes_on=taken.closes_on)
    total = 2 * len(spendings)

    def progress(done: int) -> None:
        simulations.tell(taken=taken, done=done, total=total, at=clock())

    progress(0)
    outcome = simulations.play(taken=taken, spendings=spendings, progress=progress)
    simulations.finish(taken=taken, outcome=outcome, at=clock())
