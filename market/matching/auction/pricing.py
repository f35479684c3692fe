"""What a matched request pays per card-hour."""

from market.matching.auction.instance import BadInput

ALL_BP = 10_000


def contract_price_micro(*, ask_micro: int, limit_micro: int, k_bp: int = 0, voucher: bool = False) -> int:
    """Return the price of a card-hour: the ask, and of what the limit leaves above it ``k_bp`` basis points.

    A voucher pays the posted ask, because that is what its office reconciles. The share is rounded down, so that
    nobody pays more than his limit.

    :raises BadInput: if the ask is above the limit, or the share is no share.
    """
    if not 0 <= k_bp <= ALL_BP:
        raise BadInput(f"a share of {k_bp} basis points is not between 0 and {ALL_BP}")
    if not 0 <= ask_micro <= limit_micro:
        raise BadInput(f"an ask of {ask_micro} micro-yuan does not meet a limit of {limit_micro}")
    return ask_micro if voucher else ask_micro + (limit_micro - ask_micro) * k_bp // ALL_BP
