"""What each way of allocating a round would do, side by side, without locks and without any effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.money import BP_WHOLE
from vouchers import allocation
from vouchers.allocation import Award, Method
from vouchers.models import Application, Round
from vouchers.services.applications import amounts, moves, rounds

WAYS = (Method.BATCH, Method.RANKED, Method.PRO_RATA, Method.LOTTERY)
EXAMPLE_SEED = "example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Who would get what by one way.

    ``cut_off`` is the last place that gets anything; ``factor_bp`` the share of what could be had that is given. A
    lottery is drawn with a seed of its own, so that it shows how many are served, not who.
    """

    method: Method
    rows: Sequence[tuple[Application, Award, int]]
    budget_fen: int

    @property
    def served(self) -> int:
        """Return how many would get something."""
        return sum(award.amount_fen > 0 for _one, award, _could in self.rows)

    @property
    def in_part(self) -> int:
        """Return how many of them would get less than they could."""
        return sum(0 < award.amount_fen < could for _one, award, could in self.rows)

    @property
    def total_fen(self) -> int:
        """Return what would be proposed in all."""
        return sum(award.amount_fen for _one, award, _could in self.rows)

    @property
    def left_fen(self) -> int:
        """Return what would be left of the budget."""
        return self.budget_fen - self.total_fen

    @property
    def cut_off(self) -> int:
        """Return the last place that would get something; 0 if nobody would."""
        return max((award.place for _one, award, _could in self.rows if award.amount_fen), default=0)

    @property
    def factor_bp(self) -> int | None:
        """Return which share of what could be had would be given, rounded down."""
        could_fen = sum(could for _one, _award, could in self.rows)
        return self.total_fen * BP_WHOLE // could_fen if could_fen else None


def of_each(*, procedure: Round, at: datetime) -> dict[Method, Preview]:
    """Return what each way would propose to those who have passed, the round's own way first.

    Ranking needs scores: without experts on its panel a round is not ranked.
    """
    waiting = list(procedure.applications.waiting().select_related(*moves.RELATED))
    bounded = amounts.within_caps(waiting, at=at)
    left_fen = rounds.left_fen(procedure, at=at)
    ways = [way for way in WAYS if way is not Method.RANKED or procedure.panel_size]
    ways.sort(key=lambda way: way != procedure.method)
    return {way: _preview(procedure, way, waiting, bounded, left_fen) for way in ways}


def _preview(
    procedure: Round, way: Method, waiting: Sequence[Application], bounded: Mapping[UUID, int], left_fen: int
) -> Preview:
    terms = rounds.terms(procedure, left_fen=left_fen, seed=EXAMPLE_SEED, method=way)
    named = {str(one.pk): one for one in waiting}
    awards = allocation.allocate(terms, rounds.candidates(waiting, bounded))
    rows = [(named[award.key], award, bounded[named[award.key].pk]) for award in awards]
    return Preview(method=way, rows=rows, budget_fen=left_fen)
