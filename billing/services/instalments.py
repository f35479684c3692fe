"""Pay a block month by month: the first month is set aside when it is bought, each other a week before it begins.

What cannot be set aside is tried again until three days before the month, or the listing's notice if that is longer.
Then the block ends where the month would begin: with that notice its hours come back without a fee.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts.services import audit
from accounts.services.audit import Actor
from billing.models import Funding, Instalment, InstalmentPlan, InstalmentStatus, Supplement
from billing.services import checkout, early_ends, extending, holds, months, spending_limits
from billing.services.refusals import WalletTooLow
from core.errors import DomainError
from core.periods import HOUR, Period
from market.models import Order, Reservation
from market.services import orders, reservations
from market.services.orders import Demand
from vouchers.models import Grant

logger = logging.getLogger(__name__)

LEAD = timedelta(days=7)
NOTICE = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Next:
    """The next period of a plan: what it sets aside at most, from when on, and when it is missed."""

    starts_at: datetime
    ends_at: datetime
    estimate_fen: int
    tried_from: datetime
    missed_at: datetime


@transaction.atomic
def fund(*, order: Order, demand: Demand, grant: Grant | None, actor: Actor, at: datetime) -> Funding:
    """Set aside the first month of a block that is matched, and plan the others; the buyer's limit was asked for all.

    The first is rounded up like each other, so that together they are what was asked for.

    :raises WalletTooLow: if the wallet cannot bear the first month.
    """
    reservation = order.reservations.get()
    first = next(months.months_of(reservation.starts_at, reservation.ends_at))
    month = replace(demand, hours=(first.ends_at - first.starts_at) // HOUR)
    most_fen = total_fen(month)
    funding = checkout.fund(order=order, demand=month, grant=grant, actor=actor, at=at, most_fen=most_fen)
    if first.ends_at < reservation.ends_at:
        InstalmentPlan.objects.create(
            status=InstalmentStatus.ACTIVE,
            reservation=reservation,
            grant=grant,
            next_at=first.ends_at,
            to_come_fen=months.to_come_fen(reservation, first.ends_at, reservation.ends_at),
        )
    return funding


def total_fen(demand: Demand) -> int:
    """Return what all months of a block set aside together at most: each is rounded up by itself."""
    all_months = months.months_of(demand.start_min, demand.start_min + demand.hours * HOUR)
    hourly_micro = demand.count * demand.limit_micro
    return sum(holds.most_fen(hourly_micro * ((month.ends_at - month.starts_at) // HOUR)) for month in all_months)


def following(plan: InstalmentPlan) -> Next | None:
    """Return the next period of a plan; None if nothing is left to be set aside."""
    reservation = plan.reservation
    left = months.to_come(reservation, plan.next_at, reservation.ends_at)
    if plan.status != InstalmentStatus.ACTIVE or reservation.is_over or not left:
        return None
    (month, estimate_fen), notice = left[0], max(NOTICE, reservation.notice_hours * HOUR)
    starts_at = month.starts_at
    return Next(starts_at, month.ends_at, estimate_fen, starts_at - max(LEAD, notice), starts_at - notice)


def due(*, at: datetime, limit: int) -> list[UUID]:
    """Return the plans whose next period is to be set aside, or whose reservation is over, those tried last at the end.

    What cannot be paid stays due: however much of it there is, it keeps nobody else waiting.
    """
    plans = InstalmentPlan.objects.due(at, lead_hours=LEAD // HOUR)
    plans = plans.order_by(F("problem_at").asc(nulls_first=True), "next_at")
    return list(plans.values_list("pk", flat=True)[:limit])


@transaction.atomic
def step(*, plan_id: UUID, at: datetime) -> Supplement | None:
    """Set the next period of a plan aside if its time has come, or end the block if it is missed."""
    plan = _locked(plan_id)
    if plan.status != InstalmentStatus.ACTIVE:
        return None
    month = following(plan)
    if month is None:
        plan.move_to(InstalmentStatus.DONE, ended_at=at)
        return None
    if at < month.tried_from:
        return None
    try:
        return _pay(plan, month, at=at)
    except DomainError as error:
        _note(plan, error, at=at)
        if at >= month.missed_at:
            _miss(plan, month, error, at=at)
    return None


def _locked(plan_id: UUID) -> InstalmentPlan:
    """Return a plan, locked after its reservation, whose cards and hours say what is to come."""
    reservations.locked(Reservation.objects.get(instalment_plan=plan_id))
    InstalmentPlan.objects.locked().get(pk=plan_id)
    return InstalmentPlan.objects.select_related("reservation__order__buyer", "grant__programme").get(pk=plan_id)


@transaction.atomic
def _pay(plan: InstalmentPlan, month: Next, *, at: datetime) -> Supplement:
    """Set a month aside. It is no longer to come when the limit is asked, so that it counts once."""
    left = months.to_come_fen(plan.reservation, month.ends_at, plan.reservation.ends_at)
    values = {"periods": plan.periods + 1, "next_at": month.ends_at, "problem": "", "problem_detail": ""}
    InstalmentPlan.objects.filter(pk=plan.pk).update(**values, to_come_fen=left, problem_at=None)
    supplement = _set_aside(plan, month, at=at)
    Instalment.objects.create(supplement=supplement, plan=plan, number=plan.periods + 1, at=at)
    if month.ends_at >= plan.reservation.ends_at:
        plan.move_to(InstalmentStatus.DONE, ended_at=at)
    actor, after = Actor(organization=plan.reservation.order.buyer), {"estimate_fen": supplement.estimate_fen}
    audit.record(actor=actor, verb="instalment.set-aside", thing=plan, at=at, after=after)
    return supplement


def _set_aside(plan: InstalmentPlan, month: Next, *, at: datetime) -> Supplement:
    """Let the voucher pay its part as long as it can, and the wallet the rest, or all."""
    if plan.grant is not None:
        try:
            return _hold(plan, month, plan.grant, at=at)
        except (WalletTooLow, spending_limits.ApprovalNeeded):
            raise
        except DomainError as error:  # the voucher has expired, is frozen, or has nothing left
            logger.info("the voucher pays no more of %s: %s", plan.pk, error.code)
    return _hold(plan, month, None, at=at)


@transaction.atomic
def _hold(plan: InstalmentPlan, month: Next, grant: Grant | None, *, at: datetime) -> Supplement:
    hours = Period(month.starts_at, month.ends_at)
    return extending.set_aside(
        reservation=plan.reservation, hours=hours, estimate_fen=month.estimate_fen, grant=grant, at=at
    )


def _note(plan: InstalmentPlan, error: DomainError, *, at: datetime) -> None:
    """Keep what was in the way; it may be gone at the next try."""
    InstalmentPlan.objects.filter(pk=plan.pk).update(
        problem=error.code, problem_detail=str(error.detail)[:500], problem_at=at
    )


def _miss(plan: InstalmentPlan, month: Next, error: DomainError, *, at: datetime) -> None:
    actor = Actor(organization=plan.reservation.order.buyer)
    ends_at = max(month.starts_at, orders.hour_from(at + reservations.RESOLUTION))
    plan.move_to(InstalmentStatus.MISSED, ended_at=at)
    if ends_at < plan.reservation.ends_at:
        early_ends.end_unpaid(reservation=plan.reservation, ends_at=ends_at, actor=actor, at=at)
    after = {"ends_at": ends_at.isoformat(), "problem": error.code}
    audit.record(actor=actor, verb="instalment.missed", thing=plan, at=at, after=after)
