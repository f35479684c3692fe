"""Move many rows at once along the same table of moves as ``Stateful.move_to``."""

from typing import Any, TypeVar

from core.models import EntityQuerySet, Stateful

S = TypeVar("S", bound=Stateful)


class StatefulQuerySet(EntityQuerySet[S]):
    """Rows with a status, which moves for all of them in one statement."""

    def move_all(self, target: str, **stamps: Any) -> int:
        """Move the rows whose status allows it, set ``stamps``, and return how many moved; the others stay."""
        sources = [status for status, targets in self.model.MOVES.items() if target in targets]
        return self.filter(status__in=sources).update(status=target, **stamps)
