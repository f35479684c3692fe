"""Usage that was made up: idle cards, the same job, the last hours, and a meter that says something else. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from uuid import UUID

from core.money import BP_WHOLE
from vouchers.fraud.facts import Granted, Job, Metered, Paid
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.fraud.thresholds import Thresholds


def idle_usage(metered: Iterable[Metered], *, limits: Thresholds) -> Iterator[Suspicion]:
    """Yield reservations that were billed whole while the cards did next to nothing."""
    for one in metered:
        if one.busy_bp is None or one.reserved_ms <= 0:
            continue
        billed_bp = one.billed_ms * BP_WHOLE // one.reserved_ms
        if one.busy_bp < limits.idle_utilisation_bp and billed_bp >= limits.idle_billed_bp:
            evidence = {"busy_bp": one.busy_bp, "billed_bp": billed_bp, "reserved_ms": one.reserved_ms}
            yield _about(one, Rule.IDLE_USAGE, Weight.MEDIUM, evidence)


def meter_mismatch(metered: Iterable[Metered], *, limits: Thresholds) -> Iterator[Suspicion]:
    """Yield reservations for which more or less was billed than the meter says."""
    for one in metered:
        difference = abs(one.billed_ms - one.metered_ms)
        if difference * BP_WHOLE > one.metered_ms * limits.meter_difference_bp:
            evidence = {"metered_ms": one.metered_ms, "billed_ms": one.billed_ms}
            yield _about(one, Rule.METER_MISMATCH, Weight.HIGH, evidence)


def same_job(jobs: Iterable[Job], *, limits: Thresholds) -> Iterator[Suspicion]:
    """Yield grants under which the same job ran again and again."""
    counted = Counter((job.grant_id, job.buyer_id, job.digest) for job in jobs)
    for (grant_id, buyer_id, digest), number in counted.items():
        if number >= limits.repeated_jobs:
            yield Suspicion(
                rule=Rule.SAME_JOB,
                severity=Weight.MEDIUM,
                key=f"{Rule.SAME_JOB}/{grant_id}/{digest}",
                evidence={"digest": digest, "times": number},
                subject_id=buyer_id,
                grant_id=grant_id,
            )


def last_hours(grants: Iterable[Granted], paid: Iterable[Paid], *, limits: Thresholds) -> Iterator[Suspicion]:
    """Yield grants of which too large a part was used in the last hours before the expiry."""
    by_grant: dict[UUID, list[Paid]] = defaultdict(list)
    for one in paid:
        by_grant[one.grant_id].append(one)
    for grant in grants:
        if grant.expires_at is None:
            continue
        since = grant.expires_at - timedelta(hours=limits.last_hours)
        late_fen = sum(one.amount_fen for one in by_grant[grant.grant_id] if since <= one.used_at < grant.expires_at)
        if late_fen * BP_WHOLE > grant.face_fen * limits.last_hours_share_bp:
            yield Suspicion(
                rule=Rule.LAST_HOURS,
                severity=Weight.LOW,
                key=f"{Rule.LAST_HOURS}/{grant.grant_id}",
                evidence={"hours": limits.last_hours, "used_fen": late_fen, "face_fen": grant.face_fen},
                subject_id=grant.owner_id,
                programme_id=grant.programme_id,
                grant_id=grant.grant_id,
                amount_fen=late_fen,
            )


def _about(one: Metered, rule: Rule, severity: Weight, evidence: dict[str, int]) -> Suspicion:
    return Suspicion(
        rule=rule,
        severity=severity,
        key=f"{rule}/{one.redemption_id}",
        evidence=evidence,
        subject_id=one.provider_id,
        counterparty_id=one.buyer_id,
        programme_id=one.programme_id,
        grant_id=one.grant_id,
        redemption_id=one.redemption_id,
        amount_fen=one.voucher_fen,
    )
