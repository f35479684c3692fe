"""Run a programme, or its next version, against past spending that the caller brings."""

from collections.abc import Iterable
from typing import Any

from vouchers import simulation
from vouchers.models import Programme
from vouchers.parameters import Parameters
from vouchers.simulation import PastSpending


def run(
    *, programme: Programme, spendings: Iterable[PastSpending], parameters: Parameters | None = None
) -> dict[str, Any]:
    """Return what a programme would have paid of past spending, as JSON; nothing is written.

    With other ``parameters`` return both outcomes and whom the change would cost what: ``before``, ``after``,
    ``cost_change_fen``, ``lost``, ``gained``, ``changed``. Providers are those on the programme's list.
    """
    listed = {str(pk) for pk in programme.providers.values_list("pk", flat=True)}
    if parameters is None:
        return simulation.simulate(parameters=programme.parameters, spendings=spendings, listed=listed)
    return simulation.compare(before=programme.parameters, after=parameters, spendings=spendings, listed=listed)
