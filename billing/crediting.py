"""What of the charges of a reservation comes back, from whom and to whom: pure, cumulative, exact."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from billing import commission
from billing.commission import Fees, Public, Taken
from core.money import BP_WHOLE, round_half_up


@dataclass(frozen=True, slots=True)
class Paid:
    """What the usage of a reservation, or a part of it, was charged in all, in fen, and by whom it was paid.

    Of what the voucher paid ``kept_fen`` was demanded back already: it is not given back to the voucher once more. What
    corrections have taken off it just now is ``returned_fen``. The platform took its commission by ``fees``.
    """

    amount_fen: int
    voucher_fen: int
    fees: Fees
    kept_fen: int = 0
    returned_fen: int = 0


@dataclass(frozen=True, slots=True)
class Credit:
    """What is given back in all, in fen: amount = voucher + wallet = provider + commission + VAT."""

    amount_fen: int = 0
    voucher_fen: int = 0
    commission_fen: int = 0
    vat_fen: int = 0

    @property
    def wallet_fen(self) -> int:
        """Return what goes back to the wallet."""
        return self.amount_fen - self.voucher_fen

    @property
    def provider_fen(self) -> int:
        """Return what the provider bears."""
        return self.amount_fen - self.commission_fen - self.vat_fen


def credit(*, paid: Sequence[Paid], credit_bp: int, given: Sequence[Credit]) -> list[Credit]:
    """Return the whole credit of each part of a reservation that was paid apart, after those that were ``given``.

    Never more than was paid. The voucher of a part gets its share rounded up, so that public money never pays the odd
    fen, and keeps what it got but for what it paid less: it cannot be made to pay once more. Amounts are differences of
    what the parts so far are credited together, so that they add up to the fen, unless a voucher keeps a fen more; the
    platform gives back the difference between its commission on what they were charged and on what is left of it.
    """
    made: list[Credit] = []
    charged_fen, credited_fen, returned = 0, 0, Taken()
    spent = left = Public()
    for part, earlier, total_fen in zip(paid, given, _credited_so_far(paid, credit_bp), strict=True):
        charged_fen += part.amount_fen
        amount_fen = max(total_fen - credited_fen, _least_fen(part, earlier))
        credited_fen += amount_fen
        voucher_fen = _voucher_fen(part, amount_fen, earlier)
        spent = spent.plus(part.voucher_fen, part.fees.on_voucher_bp)
        left = left.plus(part.voucher_fen - voucher_fen, part.fees.on_voucher_bp)
        kept = commission.of(charged_fen - credited_fen, part.fees, left)
        back = commission.of(charged_fen, part.fees, spent).minus(kept)
        more = back.minus(returned)
        made.append(Credit(amount_fen, voucher_fen, more.commission_fen, more.vat_fen))
        returned = back
    return made


def _credited_so_far(paid: Sequence[Paid], credit_bp: int) -> list[int]:
    """Return what the parts up to each are credited together.

    Where a correction left a part a fen below nothing, since the bill is rounded over all parts, none gets more than
    what comes after it leaves, and that one nothing.
    """
    charged = accumulate(part.amount_fen for part in paid)
    credited = [round_half_up(max(fen, 0) * credit_bp, BP_WHOLE) for fen in charged]
    return list(accumulate(reversed(credited), min))[::-1]


def _least_fen(paid: Paid, given: Credit) -> int:
    """Return what a part is credited at least, since its voucher has it already; no part gets more than it paid."""
    return max(min(given.voucher_fen - paid.returned_fen, paid.amount_fen), 0)


def _voucher_fen(paid: Paid, amount_fen: int, given: Credit) -> int:
    share = -(-paid.voucher_fen * amount_fen // paid.amount_fen) if paid.amount_fen > 0 else 0
    return min(max(share, given.voucher_fen), amount_fen, max(paid.voucher_fen - paid.kept_fen, 0))
