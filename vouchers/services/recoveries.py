"""Get back what a clawback demands: repayments, offsets against payments, instalments, and in the end a referral."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import User
from accounts.services import audit
from accounts.services.audit import SYSTEM, Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from core.money import format_yuan
from core.periods import date_of, midnight
from ledger.services import posting
from ledger.services.posting import KeyReused, Leg
from vouchers import chart
from vouchers.chart import Kind
from vouchers.fraud import sums
from vouchers.models import (
    Clawback,
    ClawbackInstalment,
    ClawbackRecovery,
    ClawbackStatus,
    PaymentOffset,
    RecoveryKind,
)
from vouchers.models.clawback import OWED
from vouchers.services import freezing, integrity_terms, people

KINDS = {RecoveryKind.REPAYMENT: Kind.RECOVER, RecoveryKind.OFFSET: Kind.OFFSET}


class NothingOwed(Conflict):
    """Nothing is owed: the case is not decided, dismissed, or paid."""

    code = "nothing-owed"


class MoreThanOwed(Conflict):
    """More came back than is owed; ``outstanding_fen`` is what is."""

    code = "more-than-owed"


class NoReference(DomainError):
    """What came back is told apart by a reference."""

    code = "no-reference"


class BadPlan(DomainError):
    """The instalments are not what is owed, or not on days to come in their order."""

    code = "bad-plan"


class Withheld(Conflict):
    """A payment on its way withholds what is being repaid; ``reserved_fen`` is how much."""

    code = "withheld-by-a-payment"


@transaction.atomic
def recover(*, clawback: Clawback, amount_fen: int, reference: str, actor: Actor, at: datetime) -> ClawbackRecovery:
    """Write down that a part of what is owed was repaid, once a reference; the last fen closes the case.

    An offset nobody writes down by hand: the payment that withholds it does (``set_off``).

    :raises NoReference: if it has none.
    :raises NothingOwed: if nothing is owed.
    :raises MoreThanOwed: if more came back, or nothing did.
    :raises Withheld: if a payment on its way withholds that part already.
    :raises KeyReused: if the reference stands for another recovery.
    """
    if not reference.strip():
        needed = _("Name the reference.")
        raise NoReference(needed, fields={"reference": needed})
    clawback = _locked(clawback)
    recorded_by = None if actor == SYSTEM else people.officer(actor, Duty.PAY, of=clawback.grant.programme.authority)
    earlier = ClawbackRecovery.objects.filter(clawback=clawback, reference=reference).first()
    if earlier:
        return _same(earlier, amount_fen)
    _require_owed(clawback, amount_fen)
    facts = {"reference": reference, "amount_fen": amount_fen, "recorded_by": recorded_by}
    return _count(clawback, facts | {"kind": RecoveryKind.REPAYMENT}, actor=actor, at=at)


@transaction.atomic
def set_off(*, part: PaymentOffset, reference: str, by: User, at: datetime) -> ClawbackRecovery:
    """Count what a payment that is paid has withheld for a case; the last fen closes it."""
    clawback = _locked(part.clawback)
    facts = {"kind": RecoveryKind.OFFSET, "reference": reference, "amount_fen": part.amount_fen, "recorded_by": by}
    return _count(clawback, facts | {"payment_offset": part}, actor=Actor(user=by), at=at)


def to_set_off_fen(clawback: Clawback, *, at: datetime) -> int:
    """Return what payments to the debtor set off now: all that is owed, or what is overdue where a plan was agreed."""
    if clawback.suspended_at or not integrity_terms.sanctions(clawback.grant.programme).offset_allowed:
        return 0
    if clawback.instalments.all():
        return min(overdue_fen(clawback, at=at), clawback.outstanding_fen)
    return clawback.outstanding_fen


def _count(clawback: Clawback, facts: dict[str, Any], *, actor: Actor, at: datetime) -> ClawbackRecovery:
    with refusing(clawback_recovery_beside_offsets=withheld(clawback)):
        made = ClawbackRecovery.objects.create(clawback=clawback, recovered_at=at, **facts)
    _post(clawback, made, at)
    clawback.refresh_from_db(fields=["recovered_fen", "offset_fen"])
    if clawback.outstanding_fen == 0:
        clawback.move_to(ClawbackStatus.RECOVERED, closed_at=at)
    after = {"kind": made.kind, "amount_fen": made.amount_fen, "outstanding_fen": clawback.outstanding_fen}
    audit.record(actor=actor, verb="clawback.recovered", thing=clawback, at=at, after=after)
    return made


@transaction.atomic
def plan(
    *, clawback: Clawback, parts: Sequence[tuple[date, int]], actor: Actor, at: datetime
) -> list[ClawbackInstalment]:
    """Let what is owed be paid in parts by later days; a plan is made once, of what no appeal may change any more.

    :raises NothingOwed: if nothing is owed, or an appeal waits for its decision.
    :raises BadPlan: if the parts are not exactly what is owed, on days to come in their order, or a plan was made.
    """
    clawback = _locked(clawback)
    people.officer(actor, Duty.CLAW_BACK, of=clawback.grant.programme.authority)
    if clawback.suspended_at is not None:
        raise NothingOwed(_("An appeal waits for its decision."))
    if clawback.status not in OWED:
        raise NothingOwed(_("Nothing is owed."))
    days = [day for day, _fen in parts]
    in_order = days == sorted(set(days)) and all(day > date_of(at) for day in days)
    total_fen = sum(fen for _day, fen in parts)
    fits = all(fen > 0 for _day, fen in parts) and total_fen == clawback.outstanding_fen
    owed = {"amount": format_yuan(clawback.outstanding_fen)}
    bad = BadPlan(_("Name days to come, in their order, and parts that add up to ¥%(amount)s; once.") % owed)
    if not (in_order and fits) or clawback.instalments.exists():
        raise bad
    made = [
        ClawbackInstalment(clawback=clawback, number=number, due_at=midnight(day), amount_fen=fen)
        for number, (day, fen) in enumerate(parts, start=1)
    ]
    audit.record(actor=actor, verb="clawback.planned", thing=clawback, at=at, after={"parts": len(made)})
    with refusing(clawback_plan_is_what_is_owed=bad):
        return ClawbackInstalment.objects.bulk_create(made)


@transaction.atomic
def refer(*, clawback: Clawback, to: str, actor: Actor, at: datetime) -> Clawback:
    """Hand a demand that was not paid in time to a court or to the credit system; it stays owed.

    :raises NothingOwed: if nothing is owed, there is still time to pay, or an appeal waits for its decision.
    """
    clawback = _locked(clawback)
    people.officer(actor, Duty.CLAW_BACK, of=clawback.grant.programme.authority)
    if clawback.suspended_at is not None:
        raise NothingOwed(_("An appeal waits for its decision."))
    if clawback.pay_by is None or at < clawback.pay_by:
        raise NothingOwed(_("There is still time to pay."))
    clawback.move_to(ClawbackStatus.REFERRED, referred_to=freezing.said(to))
    audit.record(actor=actor, verb="clawback.referred", thing=clawback, at=at, after={"to": to})
    return clawback


def overdue_fen(clawback: Clawback, *, at: datetime) -> int:
    """Return what should have come back by now, under the plan if there is one, and has not."""
    if clawback.status not in OWED or clawback.pay_by is None or clawback.suspended_at is not None:
        return 0
    parts = [(date_of(one.due_at), one.amount_fen) for one in clawback.instalments.all()]
    if not parts:
        return clawback.outstanding_fen if at >= clawback.pay_by else 0
    before_plan = clawback.demand_fen - sum(fen for _day, fen in parts)
    return sums.overdue_fen(parts, came_back_fen=clawback.settled_fen - before_plan, on=date_of(at))


def _require_owed(clawback: Clawback, amount_fen: int) -> None:
    if clawback.status not in OWED:
        raise NothingOwed(_("Nothing is owed."))
    if not 0 < amount_fen <= clawback.outstanding_fen:
        owed = {"amount": format_yuan(clawback.outstanding_fen)}
        detail = _("At most ¥%(amount)s is owed, and something has to come back.") % owed
        raise MoreThanOwed(detail, outstanding_fen=clawback.outstanding_fen)


def withheld(clawback: Clawback) -> Withheld:
    """Return the refusal that says how much payments on their way withhold of a demand."""
    parts = PaymentOffset.objects.reserved().filter(clawback=clawback)
    reserved_fen = int(parts.aggregate(fen=Sum("amount_fen"))["fen"] or 0)
    detail = _("Payments on their way withhold ¥%(amount)s of it already.") % {"amount": format_yuan(reserved_fen)}
    return Withheld(detail, reserved_fen=reserved_fen)


def _post(clawback: Clawback, made: ClawbackRecovery, at: datetime) -> None:
    owed = posting.open_account(code=chart.clawback(clawback.pk), floor_fen=0)
    back = posting.open_account(code=chart.recovered(clawback.grant.programme_id), floor_fen=None)
    legs = [Leg(owed, -made.amount_fen), Leg(back, made.amount_fen)]
    posting.post(key=f"recovery/{made.pk}", kind=KINDS[RecoveryKind(made.kind)], legs=legs, at=at)


def _same(earlier: ClawbackRecovery, amount_fen: int) -> ClawbackRecovery:
    if (earlier.kind, earlier.amount_fen) != (RecoveryKind.REPAYMENT, amount_fen):
        raise KeyReused(_("The reference %(key)s was used for something else.") % {"key": earlier.reference})
    return earlier


def _locked(clawback: Clawback) -> Clawback:
    joined = ("grant__programme__authority", "debtor")
    return Clawback.objects.locked().select_related(*joined).get(pk=clawback.pk)
