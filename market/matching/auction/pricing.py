"""What a matched request pays per card-hour."""

from collections.abc import Sequence

from market.matching.auction.instance import BadInput

ALL_BP = 10_000


def contract_price_micro(*, ask_micro: int, limit_micro: int, k_bp: int = 0, voucher: bool = False) -> int:
    """Return the price of a card-hour: the ask, and of what the limit leaves above it ``k_bp`` basis points.

    A voucher pays the posted ask, because that is what its office reconciles. The share is rounded down, so that
    nobody pays more than his limit.

    :raises BadInput: if the ask is above the limit, or the share is no share.
    """
    return contract_prices_micro([ask_micro], limit_micro=limit_micro, k_bp=k_bp, voucher=voucher)[0]


def contract_prices_micro(
    asks_micro: Sequence[int], *, limit_micro: int, k_bp: int = 0, voucher: bool = False
) -> tuple[int, ...]:
    """Return the price of a card in each hour of an order: the asks, and the same share above them in every hour.

    The limit is for the hours together: one of them may ask more, if others ask less.

    :raises BadInput: if all asks together are above the limit, or the share is no share.
    """
    if not 0 <= k_bp <= ALL_BP:
        raise BadInput(f"a share of {k_bp} basis points is not between 0 and {ALL_BP}")
    left = limit_micro * len(asks_micro) - sum(asks_micro)
    if left < 0 or min(asks_micro) < 0:
        asks = ", ".join(map(str, asks_micro))
        raise BadInput(f"an ask of {asks} micro-yuan does not meet a limit of {limit_micro}")
    above = 0 if voucher else left * k_bp // (ALL_BP * len(asks_micro))
    return tuple(ask + above for ask in asks_micro)
