"""Where the programmes of an authority stand, to the fen, and what waits for a person in each of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from vouchers import selectors, tranches
from vouchers.models import ClaimStatus, Programme
from vouchers.models.application import RESERVING, REVIEWS, UNDECIDED
from vouchers.models.claim import WITH_APPROVER, WITH_FINANCE, WITH_OPERATOR
from vouchers.models.finding import LIVE

WAITING = """
SELECT programme.id,
    coalesce((SELECT held_fen FROM ledger_balance balance JOIN ledger_account account ON account.id = balance.account_id
              WHERE account.code = 'budget/' || programme.id), 0),
    coalesce(claim.claimed, 0), coalesce(claim.paid, 0) - coalesce(withheld.fen, 0), coalesce(withheld.fen, 0),
    coalesce(application.reviewed, 0), coalesce(application.decided, 0), coalesce(application.late, 0),
    coalesce(application.undecided, 0),
    coalesce(claim.operator, 0), coalesce(claim.approver, 0), coalesce(claim.finance, 0),
    (SELECT count(*) FROM vouchers_finding finding WHERE finding.status = ANY (%(live)s)
     AND (finding.programme_id = programme.id
          OR finding.grant_id IN (SELECT id FROM vouchers_grant WHERE programme_id = programme.id))),
    (SELECT count(*) FROM vouchers_round round WHERE round.programme_id = programme.id AND round.status = 'open')
FROM vouchers_programme programme
LEFT JOIN (
    SELECT programme_id,
           count(*) FILTER (WHERE status = ANY (%(reviews)s)) AS reviewed,
           count(*) FILTER (WHERE status = ANY (%(reserving)s)) AS decided,
           count(*) FILTER (WHERE status = ANY (%(reviews)s) AND due_at <= %(at)s) AS late,
           count(*) FILTER (WHERE status = ANY (%(undecided)s) AND decided_at IS NULL AND decide_by <= %(at)s)
               AS undecided
    FROM vouchers_application WHERE programme_id = ANY (%(ids)s) GROUP BY 1
) application ON application.programme_id = programme.id
LEFT JOIN (
    SELECT programme_id,
           sum(coalesce(approved_fen, CASE claimant_kind WHEN 'provider' THEN amount_fen ELSE 0 END))
               FILTER (WHERE status = ANY (%(claimed)s)) AS claimed,
           sum(approved_fen) FILTER (WHERE paid_at IS NOT NULL) AS paid,
           count(*) FILTER (WHERE status = ANY (%(operator)s)) AS operator,
           count(*) FILTER (WHERE status = ANY (%(approver)s)) AS approver,
           count(*) FILTER (WHERE status = ANY (%(finance)s)) AS finance
    FROM vouchers_claim WHERE programme_id = ANY (%(ids)s) GROUP BY 1
) claim ON claim.programme_id = programme.id
LEFT JOIN (
    SELECT claim.programme_id, sum(payment.offset_fen) AS fen
    FROM vouchers_payment payment JOIN vouchers_claim claim ON claim.id = payment.claim_id
    WHERE claim.programme_id = ANY (%(ids)s) AND payment.status = 'paid' GROUP BY 1
) withheld ON withheld.programme_id = programme.id
WHERE programme.id = ANY (%(ids)s)
"""
CLAIMED = (*WITH_OPERATOR, *WITH_APPROVER, *WITH_FINANCE, ClaimStatus.INSTRUCTED, ClaimStatus.RETURNED)


class Dashboard(NamedTuple):
    """One programme: where its budget is, and how many cases wait.

    ``claimed_fen`` is what was redeemed and is claimed but not paid, so that a claim of a buyer counts from the
    approval on: before that, its value is held. ``paid_fen`` arrived at payees, ``set_off_fen`` was not paid out since
    they owed as much after clawbacks. ``overdue`` are stages of review, ``undecided`` whole cases, whose days are over.
    """

    position: selectors.ProgrammePosition
    reserved_fen: int
    claimed_fen: int
    paid_fen: int
    set_off_fen: int
    in_review: int
    to_decide: int
    overdue: int
    undecided: int
    with_operator: int
    with_approver: int
    with_finance: int
    findings: int
    open_rounds: int
    unreleased_fen: int = 0

    @property
    def parts(self) -> dict[str, int]:
        """Return the budget by where it is; the parts add up to it."""
        position = self.position
        paid = min(max(self.paid_fen, 0), position.redeemed_fen)
        set_off = min(max(self.set_off_fen, 0), position.redeemed_fen - paid)
        claimed = min(max(self.claimed_fen, 0), position.redeemed_fen - paid - set_off)
        reserved = min(self.reserved_fen, position.unallocated_fen)
        unreleased = min(self.unreleased_fen, max(position.unallocated_fen - reserved, 0))
        later = {"unreleased": unreleased} if self.unreleased_fen else {}
        return {
            "paid": paid,
            "set-off": set_off,
            "claimed": claimed,
            "redeemed": position.redeemed_fen - paid - set_off - claimed,
            "held": position.held_fen,
            "available": position.available_fen,
            "expired": position.expired_fen,
            "reserved": reserved,
            "unallocated": max(position.unallocated_fen - reserved - unreleased, 0),
            **later,
        }


def of(*, programmes: Sequence[Programme], at: datetime) -> dict[UUID, Dashboard]:
    """Return the dashboards of these programmes, in two queries."""
    if not programmes:
        return {}
    positions = {one.programme_id: one for one in selectors.programme_positions(programmes=programmes)}
    values: dict[str, Any] = {
        "at": at,
        "ids": [one.pk for one in programmes],
        "live": list(LIVE),
        "reviews": list(REVIEWS),
        "undecided": list(UNDECIDED),
        "reserving": list(RESERVING),
        "claimed": list(CLAIMED),
        "operator": list(WITH_OPERATOR),
        "approver": list(WITH_APPROVER),
        "finance": list(WITH_FINANCE),
    }
    with connection.cursor() as cursor:
        cursor.execute(WAITING, values)
        rows = cursor.fetchall()
    later = {one.pk: tranches.unreleased_fen(one, at=at) for one in programmes}
    return {row[0]: _dashboard(positions[row[0]], row, later[row[0]]) for row in rows}


def _dashboard(position: selectors.ProgrammePosition, row: Sequence[Any], unreleased_fen: int) -> Dashboard:
    return Dashboard(position, *map(int, row[1:]))._replace(unreleased_fen=unreleased_fen)
