"""The platform's commission on what a buyer pays, and the fee on what public money pays: pure, cumulative, exact.

Each part × its rate is exact in fen × basis points. Only their sum over a reservation is rounded, once, down to the
fen; the VAT is in it. What is taken of a charge, and what a correction or a credit gives back, are differences of such
sums: so no more ever comes back than was taken.
"""

from dataclasses import dataclass

from core.money import BP_WHOLE, round_half_up


@dataclass(frozen=True, slots=True)
class Fees:
    """The platform's share of what is paid, and the VAT that it includes, in basis points.

    ``voucher_bp`` is what the voucher's programme lets it take of public money. Where none is said all is one rate.
    """

    commission_bp: int
    vat_bp: int
    voucher_bp: int | None = None

    @property
    def on_voucher_bp(self) -> int:
        """Return the rate on what the voucher pays."""
        return self.commission_bp if self.voucher_bp is None else self.voucher_bp


@dataclass(frozen=True, slots=True)
class Public:
    """What vouchers pay in all, in fen, and the fees on it, in fen × basis points: each by its own programme's rate."""

    paid_fen: int = 0
    fees_bp_fen: int = 0

    def plus(self, paid_fen: int, rate_bp: int) -> "Public":
        """Return what vouchers pay with a part more."""
        return Public(self.paid_fen + paid_fen, self.fees_bp_fen + paid_fen * rate_bp)


NOTHING_PUBLIC = Public()


@dataclass(frozen=True, slots=True)
class Taken:
    """A commission in fen, and the VAT on it."""

    commission_fen: int = 0
    vat_fen: int = 0

    def minus(self, other: "Taken") -> "Taken":
        """Return what is taken beyond another."""
        return Taken(self.commission_fen - other.commission_fen, self.vat_fen - other.vat_fen)


def of(amount_fen: int, fees: Fees, public: Public = NOTHING_PUBLIC) -> Taken:
    """Return what the platform takes of an amount of which vouchers pay a part.

    Where a voucher had to leave more than the amount came to be, since a clawback has demanded it back, the fees count
    in proportion: they are never on more than the amount.
    """
    if amount_fen <= 0:
        return Taken()
    own_fen = amount_fen - public.paid_fen
    if own_fen >= 0:
        gross_fen = (own_fen * fees.commission_bp + public.fees_bp_fen) // BP_WHOLE
    else:
        gross_fen = public.fees_bp_fen * amount_fen // (public.paid_fen * BP_WHOLE)
    net_fen = round_half_up(gross_fen * BP_WHOLE, BP_WHOLE + fees.vat_bp)
    return Taken(net_fen, gross_fen - net_fen)
