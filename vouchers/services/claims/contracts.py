"""What a programme pays of each contract of a buyer, over all lines and claims, and of each order, over its lines.

An order has lines, and a cap is on all of them. In a claim it is what one invoice bills of one contract: an invoice is
in one live claim, so what is asked for beside a line is all that there is of its order.
"""

from collections import Counter
from typing import NamedTuple

from django.db.models import Sum
from django.db.models.functions import Coalesce

from accounts.models import Organization
from vouchers import numbers, selectors
from vouchers.models import ClaimLine, Grant, Programme


class Used(NamedTuple):
    """What is claimed of the order and of the contract of a line, in fen, without the line."""

    order_fen: int
    contract_fen: int


class Contracts:
    """What is claimed of a buyer's contracts, by their numbers as they are compared; lines without one share one.

    What was refused counts as long as it may be handed in again. The caller stands in the programme's queue.
    """

    def __init__(self, programme: Programme, buyer: Organization, grant: Grant | None) -> None:
        self._contracts: Counter[str] = Counter()
        self._orders: Counter[tuple[str, str]] = Counter()
        terms = selectors.terms(programme.pk, grant.version) if grant else programme.terms
        if terms.contract_cap_fen is None:
            return
        lines = ClaimLine.objects.unsettled().filter(claim__programme=programme, buyer=buyer)
        sums = lines.order_by().values("contract_no").annotate(fen=Sum(Coalesce("accepted_fen", "amount_fen")))
        for contract_no, fen in sums.values_list("contract_no", "fen"):
            self._contracts[numbers.key(contract_no)] += int(fen)

    def used(self, contract_no: str, invoice_no: str) -> Used:
        """Return what is claimed so far of the order and the contract that a line names."""
        contract, invoice = numbers.key(contract_no), numbers.key(invoice_no)
        return Used(self._orders[contract, invoice], self._contracts[contract])

    def take(self, contract_no: str, invoice_no: str, fen: int) -> None:
        """Count a line more."""
        contract, invoice = numbers.key(contract_no), numbers.key(invoice_no)
        self._orders[contract, invoice] += fen
        self._contracts[contract] += fen
