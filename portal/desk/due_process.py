"""The steps of due process in a clawback: those taken, and those to come with the end of their time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from portal.desk.clawback_queue import APPEAL_WITHIN, DECIDE_WITHIN, NOTICE_WITHIN
from portal.timeline import AHEAD, DONE, ENDED, STOPPED
from vouchers.models import Clawback, ClawbackStatus

S = ClawbackStatus


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what, when it was taken, until when it is due, and whether it was taken."""

    title: str
    at: datetime | None
    due_at: datetime | None
    tone: str


def steps(case: Clawback) -> list[Step]:
    """Return the steps of a case in their order."""
    return [
        Step(_("Suspected"), case.raised_at, None, DONE),
        _step(_("Value frozen"), case.held_at, None),
        _step(_("Notice to the debtor"), case.notified_at, case.raised_at + NOTICE_WITHIN),
        _step(_("Answer of the debtor"), case.responded_at, case.response_due_at),
        *_after_answer(case),
    ]


def _after_answer(case: Clawback) -> Iterator[Step]:
    if case.status == S.DISMISSED:
        yield Step(_("Case dropped"), case.decided_at, None, ENDED)
        return
    ripe_at = case.responded_at + DECIDE_WITHIN if case.responded_at else case.response_due_at
    yield _step(_("Decision of another person"), case.decided_at, ripe_at)
    yield from _appeal(case)
    barred = case.blacklisting
    if barred is not None and barred.lifted_at is None:
        yield Step(_("Debtor barred from vouchers"), barred.starts_at, barred.ends_at, DONE)
    if case.referred_to:
        yield Step(_("Referred to %(whom)s") % {"whom": case.referred_to}, None, None, STOPPED)
    if case.status == S.QUASHED:
        return
    back = ENDED if case.status == S.RECOVERED else AHEAD
    yield Step(_("Repayment or offset"), case.closed_at, case.pay_by, back)


def _appeal(case: Clawback) -> Iterator[Step]:
    """Return the debtor's time to appeal, or its appeal and what became of that."""
    found = getattr(case, "appeal", None)
    if found is None:
        if case.appeal_until is not None and case.status != S.QUASHED:
            yield Step(_("Appeal of the debtor"), None, case.appeal_until, AHEAD)
        return
    lodged_at = found.statement.answered_at
    yield Step(_("Appeal of the debtor"), lodged_at, None, DONE)
    if found.decided_at is None:
        yield Step(_("Decision on the appeal"), None, lodged_at + APPEAL_WITHIN, AHEAD)
        return
    yield Step(found.get_outcome_display(), found.decided_at, None, ENDED if case.status == S.QUASHED else DONE)


def _step(title: str, at: datetime | None, due_at: datetime | None) -> Step:
    return Step(title, at, None if at else due_at, DONE if at else AHEAD)
