"""What of the charges of a reservation comes back, from whom and to whom: pure, cumulative, exact."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.money import BP_WHOLE, round_half_up, share_fen


@dataclass(frozen=True, slots=True)
class Paid:
    """What the usage of a reservation was charged in all, in fen, and by whom it was paid.

    Of what the voucher paid ``kept_fen`` was demanded back already: it is not given back to the voucher once more.
    """

    amount_fen: int
    voucher_fen: int
    kept_fen: int = 0


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


def credit(*, paid: Paid, credit_bp: int, given: Credit, commission_bp: int, vat_bp: int) -> Credit:
    """Return the whole credit after one that was ``given``, never more than was paid.

    The voucher gets its share rounded up, so that public money never pays the odd fen, and no less than before unless
    less was paid. The platform gives back the commission on what the provider does not earn.
    """
    if paid.amount_fen <= 0:
        return Credit()
    amount = round_half_up(paid.amount_fen * credit_bp, BP_WHOLE)
    voucher = _voucher_fen(paid, amount, given)
    before = fees(paid.amount_fen, commission_bp, vat_bp)
    after = fees(paid.amount_fen - amount, commission_bp, vat_bp)
    return Credit(amount, voucher, before[0] - after[0], before[1] - after[1])


def credit_parts(
    *, paid: Sequence[Paid], credit_bp: int, given: Sequence[Credit], commission_bp: int, vat_bp: int
) -> list[Credit]:
    """Return the whole credit of each part of a reservation that was paid apart, after those that were ``given``.

    Amounts and fees are differences of what the parts so far are credited together, so that they add up to the fen;
    each part's voucher gets its own share.
    """
    made: list[Credit] = []
    together, before = Paid(0, 0), Credit()
    for part, earlier in zip(paid, given, strict=True):
        together = Paid(together.amount_fen + part.amount_fen, together.voucher_fen + part.voucher_fen)
        whole = credit(paid=together, credit_bp=credit_bp, given=Credit(), commission_bp=commission_bp, vat_bp=vat_bp)
        amount = whole.amount_fen - before.amount_fen
        commission, vat = whole.commission_fen - before.commission_fen, whole.vat_fen - before.vat_fen
        made.append(Credit(amount, _voucher_fen(part, amount, earlier), commission, vat))
        before = whole
    return made


def _voucher_fen(paid: Paid, amount_fen: int, given: Credit) -> int:
    share = -(-paid.voucher_fen * amount_fen // paid.amount_fen) if paid.amount_fen > 0 else 0
    return min(max(share, given.voucher_fen), amount_fen, max(paid.voucher_fen - paid.kept_fen, 0))


def fees(amount_fen: int, commission_bp: int, vat_bp: int) -> tuple[int, int]:
    """Return the commission on an amount and the VAT in it, as ``billing.rating`` charges them."""
    gross = share_fen(amount_fen=amount_fen, ratio_bp=commission_bp)
    net = round_half_up(gross * BP_WHOLE, BP_WHOLE + vat_bp)
    return net, gross - net
