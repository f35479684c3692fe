"""What a provider's settlements state of denials: what authorities have denied for good since the settlement before.

No net amount has them in it: a denial is posted against what the provider is still to get. What corrections have taken
off a denial is stated as it is now, which may be less later.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.models import Settlement
from billing.services import denials
from vouchers.models import ClaimLine, Refund
from vouchers.services.claims import denials as denied_lines


@dataclass(frozen=True, slots=True)
class Denied:
    """One line of a claim that was denied for good, and how much of it corrections have undone by now, in fen."""

    line: ClaimLine
    denied_at: datetime
    amount_fen: int
    undone_fen: int

    @property
    def borne_fen(self) -> int:
        """Return what its provider bears of it."""
        return self.amount_fen - self.undone_fen


def of(settlements: Sequence[Settlement]) -> Mapping[UUID, Sequence[Denied]]:
    """Return the denials that some settlements of one provider state, by settlement, the earliest first."""
    found: dict[UUID, list[Denied]] = defaultdict(list)
    if not settlements:
        return found
    provider_id = settlements[0].provider_id
    periods = list(
        Settlement.objects.filter(provider=provider_id).order_by("settled_at").values_list("settled_at", "pk")
    )
    ends, asked = [ends_at for ends_at, _pk in periods], {one.pk for one in settlements}
    for one in _denied(provider_id):
        place = bisect_left(ends, one.denied_at)
        if place < len(ends) and periods[place][1] in asked:
            found[periods[place][1]].append(one)
    return found


def _denied(provider_id: UUID) -> list[Denied]:
    lines = denied_lines.of_provider(provider_id).select_related("claim__programme", "buyer", "redemption")
    by_reference = {denied_lines.reference(line.pk): line for line in lines}
    refunds = list(Refund.objects.filter(reference__in=by_reference).order_by("refunded_at", "pk"))
    redemptions = [line.redemption for line in by_reference.values() if line.redemption is not None]
    undone = denials.undone(redemptions, provider_id)
    found = []
    for refund in refunds:
        undone_fen = min(undone[refund.redemption_id], refund.amount_fen)
        undone[refund.redemption_id] -= undone_fen
        found.append(Denied(by_reference[refund.reference], refund.refunded_at, refund.amount_fen, undone_fen))
    return found
