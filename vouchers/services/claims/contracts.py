"""What a programme pays of each contract of a buyer: the caps per contract count it over all lines and claims."""

from collections import Counter

from django.db.models import Sum
from django.db.models.functions import Coalesce

from accounts.models import Organization
from vouchers import numbers, selectors
from vouchers.models import ClaimLine, Grant, Programme


class Contracts:
    """What is claimed of a buyer's contracts, by their numbers as they are compared; lines without one share one.

    What was refused counts as long as it may be handed in again. The caller stands in the programme's queue.
    """

    def __init__(self, programme: Programme, buyer: Organization, grant: Grant | None) -> None:
        self._fen: Counter[str] = Counter()
        terms = selectors.terms(programme.pk, grant.version) if grant else programme.terms
        if terms.contract_cap_fen is None:
            return
        lines = ClaimLine.objects.unsettled().filter(claim__programme=programme, buyer=buyer)
        sums = lines.order_by().values("contract_no").annotate(fen=Sum(Coalesce("accepted_fen", "amount_fen")))
        for contract_no, fen in sums.values_list("contract_no", "fen"):
            self.take(contract_no, int(fen))

    def used_fen(self, contract_no: str) -> int:
        """Return what is claimed of a contract so far."""
        return self._fen[numbers.key(contract_no)]

    def take(self, contract_no: str, fen: int) -> None:
        """Count a line more."""
        self._fen[numbers.key(contract_no)] += fen
