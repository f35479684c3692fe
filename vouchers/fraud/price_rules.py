"""Prices that only public money would pay. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from core.money import BP_WHOLE
from vouchers.fraud.facts import Granted, PriceChange, Subsidised
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.fraud.thresholds import Thresholds


def price_outlier(spent: Iterable[Subsidised], *, limits: Thresholds) -> Iterator[Suspicion]:
    """Yield prices more than so much above the provider's own list price, or above the median of the market."""
    for one in spent:
        compared = {"list_micro": one.list_micro, "median_micro": one.median_micro}
        above = {name: micro for name, micro in compared.items() if micro and _above_bp(one.price_micro, micro)}
        far = {
            name: micro for name, micro in above.items() if _above_bp(one.price_micro, micro) > limits.price_outlier_bp
        }
        if far:
            yield Suspicion(
                rule=Rule.PRICE_OUTLIER,
                severity=Weight.MEDIUM,
                key=f"{Rule.PRICE_OUTLIER}/{one.redemption_id}",
                evidence={"price_micro": one.price_micro, "limit_bp": limits.price_outlier_bp, **far},
                subject_id=one.buyer_id,
                counterparty_id=one.provider_id,
                programme_id=one.programme_id,
                grant_id=one.grant_id,
                redemption_id=one.redemption_id,
                amount_fen=one.voucher_fen,
            )


def price_raised(
    changes: Iterable[PriceChange], grants: Iterable[Granted], spent: Iterable[Subsidised], *, limits: Thresholds
) -> Iterator[Suspicion]:
    """Yield list prices that rose within days of a grant whose owner then bought from that provider."""
    granted = {grant.grant_id: grant for grant in grants}
    bought: dict[UUID, dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    for one in spent:
        bought[one.provider_id][one.grant_id] += one.voucher_fen
    for change in changes:
        rise_bp = _above_bp(change.after_micro, change.before_micro)
        if rise_bp < limits.price_raised_bp:
            continue
        for grant_id, voucher_fen in bought[change.provider_id].items():
            grant = granted.get(grant_id)
            if grant is None or not 0 <= (change.on - grant.on).days <= limits.price_raised_days:
                continue
            yield Suspicion(
                rule=Rule.PRICE_RAISED,
                severity=Weight.MEDIUM,
                key=f"{Rule.PRICE_RAISED}/{grant_id}/{change.product}/{change.on}",
                evidence={
                    "product": change.product,
                    "on": change.on.isoformat(),
                    "granted_on": grant.on.isoformat(),
                    "before_micro": change.before_micro,
                    "after_micro": change.after_micro,
                    "rise_bp": rise_bp,
                },
                subject_id=change.provider_id,
                counterparty_id=grant.owner_id,
                programme_id=grant.programme_id,
                grant_id=grant_id,
                amount_fen=voucher_fen,
            )


def _above_bp(price_micro: int | None, base_micro: int) -> int:
    """Return by how many basis points a price is above another, rounded down; 0 if it is not."""
    if price_micro is None or base_micro <= 0:
        return 0
    return max((price_micro - base_micro) * BP_WHOLE // base_micro, 0)
