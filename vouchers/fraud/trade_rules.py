"""Circles, splits and new firms: what the pattern of trades and grants says. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from uuid import UUID

from core.money import BP_WHOLE
from vouchers.fraud.facts import Claimed, Granted, Payback, Sale, Subsidised
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.fraud.thresholds import Thresholds

Group = Callable[[UUID], frozenset[UUID]]


def circular_trade(
    spent: Iterable[Subsidised], sales: Iterable[Sale], *, related_to: Group, limits: Thresholds
) -> Iterator[Suspicion]:
    """Yield buyers who sold compute to their provider or its related parties within some days of a voucher's use."""
    sold: dict[UUID, list[Sale]] = defaultdict(list)
    for sale in sales:
        sold[sale.seller_id].append(sale)
    for one in spent:
        circle = related_to(one.provider_id) | {one.provider_id}
        back = [sale for sale in sold[one.buyer_id] if sale.buyer_id in circle]
        back = [sale for sale in back if abs((sale.on - one.on).days) <= limits.circular_days]
        if back:
            yield Suspicion(
                rule=Rule.CIRCULAR_TRADE,
                severity=Weight.HIGH,
                key=f"{Rule.CIRCULAR_TRADE}/{one.redemption_id}",
                evidence={
                    "sold_back": [
                        {"to": str(sale.buyer_id), "on": sale.on.isoformat(), "amount_fen": sale.amount_fen}
                        for sale in back
                    ],
                    "within_days": limits.circular_days,
                },
                subject_id=one.buyer_id,
                counterparty_id=one.provider_id,
                programme_id=one.programme_id,
                grant_id=one.grant_id,
                redemption_id=one.redemption_id,
                amount_fen=one.voucher_fen,
            )


def splitting(grants: Iterable[Granted], *, limits: Thresholds) -> Iterator[Suspicion]:
    """Yield controllers under whom several new firms have grants of one programme."""
    under: dict[tuple[UUID, str], dict[UUID, Granted]] = defaultdict(dict)
    for grant in grants:
        new = (grant.on - grant.founded_on).days <= limits.splitting_founded_days
        for controller in grant.controllers if new else ():
            under[grant.programme_id, controller][grant.owner_id] = grant
    for (programme_id, controller), firms in under.items():
        if len(firms) >= limits.splitting_entities:
            yield Suspicion(
                rule=Rule.SPLITTING,
                severity=Weight.HIGH,
                key=f"{Rule.SPLITTING}/{programme_id}/{controller}/{len(firms)}",
                evidence={
                    "firms": [
                        {"id": str(owner_id), "founded_on": one.founded_on.isoformat(), "face_fen": one.face_fen}
                        for owner_id, one in sorted(firms.items())
                    ]
                },
                programme_id=programme_id,
                amount_fen=sum(one.face_fen for one in firms.values()),
            )


def fresh_entity(grants: Iterable[Granted], spent: Iterable[Subsidised], *, limits: Thresholds) -> Iterator[Suspicion]:
    """Yield new firms with nearly the largest grant there is that spend it at one provider only."""
    providers: dict[UUID, set[UUID]] = defaultdict(set)
    for one in spent:
        providers[one.grant_id].add(one.provider_id)
    for grant in grants:
        age = (grant.on - grant.founded_on).days
        large = grant.most_fen is not None and grant.face_fen * BP_WHOLE >= grant.most_fen * limits.fresh_grant_bp
        if age <= limits.fresh_days and large and len(providers[grant.grant_id]) == 1:
            (provider_id,) = providers[grant.grant_id]
            yield Suspicion(
                rule=Rule.FRESH_ENTITY,
                severity=Weight.MEDIUM,
                key=f"{Rule.FRESH_ENTITY}/{grant.grant_id}",
                evidence={"age_days": age, "face_fen": grant.face_fen, "most_fen": grant.most_fen},
                subject_id=grant.owner_id,
                counterparty_id=provider_id,
                programme_id=grant.programme_id,
                grant_id=grant.grant_id,
                amount_fen=grant.face_fen,
            )


def both_sides(claims: Iterable[Claimed]) -> Iterator[Suspicion]:
    """Yield trades for which buyer and provider both claim."""
    by_trade: dict[str, dict[str, Claimed]] = defaultdict(dict)
    for claim in claims:
        by_trade[claim.trade][claim.side] = claim
    for trade, sides in by_trade.items():
        if len(sides) > 1:
            first, second = (sides[side] for side in sorted(sides)[:2])
            yield Suspicion(
                rule=Rule.BOTH_SIDES,
                severity=Weight.HIGH,
                key=f"{Rule.BOTH_SIDES}/{trade}",
                evidence={"trade": trade, "sides": {side: one.amount_fen for side, one in sorted(sides.items())}},
                subject_id=first.claimant_id,
                counterparty_id=second.claimant_id,
                programme_id=first.programme_id,
                amount_fen=min(first.amount_fen, second.amount_fen),
            )


def kickback(
    spent: Iterable[Subsidised], paybacks: Iterable[Payback], *, related_to: Group, limits: Thresholds
) -> Iterator[Suspicion]:
    """Yield money that came to a buyer from its provider, or from a related party of it, after a voucher's use."""
    came: dict[UUID, list[Payback]] = defaultdict(list)
    for payback in paybacks:
        came[payback.buyer_id].append(payback)
    for one in spent:
        circle = related_to(one.provider_id) | {one.provider_id}
        until: date = one.on + timedelta(days=limits.kickback_days)
        for payback in came[one.buyer_id]:
            if payback.payer_id in circle and one.on <= payback.on <= until:
                yield Suspicion(
                    rule=Rule.KICKBACK,
                    severity=Weight.HIGH,
                    key=f"{Rule.KICKBACK}/{one.redemption_id}/{payback.reference}",
                    evidence={
                        "reference": payback.reference,
                        "on": payback.on.isoformat(),
                        "amount_fen": payback.amount_fen,
                    },
                    subject_id=one.buyer_id,
                    counterparty_id=payback.payer_id,
                    programme_id=one.programme_id,
                    grant_id=one.grant_id,
                    redemption_id=one.redemption_id,
                    amount_fen=payback.amount_fen,
                )
