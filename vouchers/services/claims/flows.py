"""How a line becomes paid value: at once it is already, granted first it is held, reimbursed it gets a virtual grant.

So caps, ledger, log and audit are the same code for all three.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.constraints import refusing
from core.errors import DomainError
from core.periods import date_of, midnight
from ledger.models import Balance
from ledger.services import posting
from ledger.services.posting import Leg, Overdrawn
from vouchers import chart, pools, ports, shared_caps
from vouchers.chart import Kind
from vouchers.models import Claim, ClaimLine, Grant, GrantStatus, Redemption
from vouchers.parameters import Facts
from vouchers.services import captures, grants, leftovers, redemptions
from vouchers.services.claims import denials, least_spending, spending, terms
from vouchers.services.claims.terms import Flow
from vouchers.services.redemptions import CaptureItem, Claimed
from vouchers.services.refusals import NotPaidFor, Short


class _NothingStands(Exception):
    """A grant was for nothing: it is undone, so that it counts nowhere."""


class BudgetShort(DomainError):
    """The budget has less left than a claim asks for."""

    code = "budget-exhausted"
    status = 409

    def __init__(self, programme: object) -> None:
        super().__init__(_("The budget of %(name)s has less left than this claim asks for.") % {"name": programme})


def redeem(*, claim: Claim, lines: Sequence[ClaimLine], approver: User, at: datetime) -> dict[int, int]:
    """Redeem what is about to be accepted, and return how much of each line, by its number, stands in the end.

    What was deducted at once has been redeemed long ago. A cap may leave less of a reimbursement, or nothing.
    """
    flow = terms.of(claim.programme).flow
    if flow is Flow.GRANT_THEN_CLAIM:
        _capture([line for line in lines if line.redemption is not None and line.redemption.is_held], at=at)
    if flow is Flow.REIMBURSE:
        return _reimburse(claim, lines, approver=approver, at=at)
    return {line.number: line.amount_fen for line in lines}


def give_back(*, line: ClaimLine, at: datetime) -> int:
    """Undo the redemption behind a line that is refused for good, and return what came back of it, in fen.

    A correction may have taken back a part of it since the line was written: the redemption is locked before it counts.
    """
    if line.redemption is None:
        return 0
    redemption = leftovers.locked(line.redemption.pk)
    if redemption.is_held:
        captures.release(redemption=redemption, at=at)
        return 0
    amount_fen = int(min(line.amount_fen, _live_fen(line, redemption)))
    if amount_fen > 0:
        captures.refund(redemption=redemption, reference=denials.reference(line.pk), amount_fen=amount_fen, at=at)
    return max(amount_fen, 0)


def _live_fen(line: ClaimLine, redemption: Redemption) -> int:
    """Return what may come back for a line: of its own provider's part, not of what another delivered."""
    refundable_fen = redemption.refundable_fen
    if line.provider is None:
        return refundable_fen
    delivered_fen = ports.deliveries().live_fen(redemption=redemption, provider=line.provider)
    return refundable_fen if delivered_fen is None else min(refundable_fen, delivered_fen)


def close_out(*, claim: Claim, at: datetime) -> None:
    """After the last claim of a contract, give what its grant has left back to the budget."""
    if not claim.final or terms.of(claim.programme).flow is not Flow.GRANT_THEN_CLAIM:
        return
    used = Grant.objects.locked().filter(redemptions__claim_lines__claim=claim)
    for grant in {grant.pk: grant for grant in used}.values():
        _return_rest(grant, claim, at=at)


def _capture(lines: Sequence[ClaimLine], *, at: datetime) -> None:
    items = []
    for line in lines:
        assert line.redemption is not None, "what is held has a redemption"
        reference = f"claim-line/{line.pk}"
        items.append(CaptureItem(line.redemption, reference, line.amount_fen, _used_at(line), line.provider_id))
    if items:
        redemptions.capture_many(items=items, at=at)
    for line in lines:
        assert line.redemption is not None, "what was captured has a redemption"
        line.redemption = captures.release(redemption=line.redemption, at=at)


def _used_at(line: ClaimLine) -> datetime:
    """Return when the last of what a line paid for was used: just before the end of the last day it names."""
    return midnight(date.fromisoformat(line.spending["used_until"]) + timedelta(days=1)) - timedelta(milliseconds=1)


def _reimburse(claim: Claim, lines: Sequence[ClaimLine], *, approver: User, at: datetime) -> dict[int, int]:
    """Redeem from a virtual grant what is not redeemed yet; where nothing of it stands, there was no grant.

    A claim that is looked at again has lines that are redeemed: no more of them stands than was paid.
    """
    stands = {
        line.number: min(line.amount_fen, line.redemption.borne_fen) for line in lines if line.redemption is not None
    }
    fresh = [line for line in lines if line.redemption is None]
    face_fen = _face_fen(claim, fresh, at)
    if face_fen <= 0:
        return stands
    facts = least_spending.facts(claim, sum(line.eligible_fen for line in lines))
    with suppress(_NothingStands), transaction.atomic():
        grant = _virtual_grant(claim, face_fen, approver=approver, at=at)
        stands |= _use_up(claim, fresh, grant, facts, at=at)
    return stands


def _use_up(claim: Claim, lines: Sequence[ClaimLine], grant: Grant, facts: Facts, *, at: datetime) -> dict[int, int]:
    """Hold and capture each line, and give the rest of the grant back to the budget."""
    stands = {}
    for line in lines:
        redemption = _hold(claim, line, grant, facts, at=at)
        if redemption is None:
            continue
        line.redemption = redemption
        item = CaptureItem(redemption, f"claim-line/{line.pk}", redemption.amount_fen, at, line.provider_id)
        redemptions.capture_many(items=[item], at=at)
        captures.release(redemption=redemption, at=at)
        stands[line.number] = int(redemption.amount_fen)
    if not stands:
        raise _NothingStands
    _return_rest(grant, claim, at=at)
    return stands


def _hold(claim: Claim, line: ClaimLine, grant: Grant, facts: Facts, *, at: datetime) -> Redemption | None:
    try:
        return redemptions.hold(
            grant=grant,
            owner=claim.claimant,
            reference=f"claim-line/{line.pk}",
            category=line.spending["category"],
            providers=[line.provider] if line.provider else [],
            amount_fen=line.spending["amount_fen"],
            at=at,
            case=spending.case_of(line.spending, facts),
            claimed=Claimed(spending.contracted_on(line.spending), most_fen=line.amount_fen),
        )
    except (Short, NotPaidFor):  # a cap leaves nothing, or what was refused beside it was needed for the least spending
        return None


def _face_fen(claim: Claim, lines: Sequence[ClaimLine], at: datetime) -> int:
    """Return what lines come to, within what their firm may still be granted this year."""
    asked_fen = int(sum(line.amount_fen for line in lines))
    left_fen = shared_caps.granted_left_fen(programme=claim.programme, owner=claim.claimant, at=at)
    return asked_fen if left_fen is None else min(asked_fen, left_fen)


def _virtual_grant(claim: Claim, face_fen: int, *, approver: User, at: datetime) -> Grant:
    """Grant what a claim is worth, out of the budget, to be used up in the same transaction.

    :raises BudgetShort: if the budget has less left, the pool of the claimant's district, or what was released of it.
    :raises SupportedEnough: if the firm had all the grants, or years of them, that one firm gets.
    """
    assert claim.checked_by is not None, "a claim is checked before it is approved"
    grant = Grant.objects.create(
        programme=claim.programme,
        owner=claim.claimant,
        face_fen=face_fen,
        pool=_pool(claim),
        status=GrantStatus.PROPOSED,
        proposed_by=claim.checked_by,
    )
    account = posting.open_account(code=chart.grant(grant.pk), floor_fen=0)
    ends = midnight(date_of(at) + timedelta(days=1))
    pools.lock_budget(grant)
    short = BudgetShort(claim.programme)
    with refusing(award_within_pool=short, award_within_released=short, **grants.supported_enough()):
        grant.move_to(GrantStatus.ACTIVE, approved_by=approver, approved_at=at, expires_at=ends, account=account)
    budget = posting.open_account(code=chart.budget(grant.programme_id), floor_fen=0)
    legs = [Leg(budget, -face_fen), Leg(account, face_fen)]
    try:
        posting.post(key=f"grant/{grant.pk}/approve", kind=Kind.GRANT, legs=legs, at=at)
    except Overdrawn as error:
        raise BudgetShort(claim.programme) from error
    return grant


def _pool(claim: Claim) -> str:
    """Return the pool of the district that the claimant last named in an application to the programme, if in any."""
    named = claim.programme.applications.of_applicant(claim.claimant).exclude(district="").order_by("-created_at")
    district = named.values_list("district", flat=True).first() or ""
    return str(claim.programme.parameters.money.pool_of(district))


def _return_rest(grant: Grant, claim: Claim, *, at: datetime) -> None:
    left_fen = Balance.objects.get(pk=grant.account_id).available_fen
    if left_fen:
        codes: dict[str, int | None] = {chart.grant(grant.pk): 0, chart.budget(claim.programme_id): 0}
        accounts = posting.open_accounts(floors=codes)
        legs = [
            Leg(accounts[chart.grant(grant.pk)], -left_fen),
            Leg(accounts[chart.budget(claim.programme_id)], left_fen),
        ]
        posting.post(key=f"grant/{grant.pk}/rest", kind=Kind.REVOKE, legs=legs, at=at)
