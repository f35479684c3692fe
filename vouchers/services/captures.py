"""Pay with what is held, give back what was not needed, and take refunds.

Every writer here locks grants first, then redemptions, then (through triggers) the year's counters and the ledger.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from core.constraints import refusing
from core.errors import Conflict, DomainError
from core.money import format_yuan
from ledger.models import Account
from ledger.services import posting
from ledger.services.posting import KeyReused, Leg
from vouchers import chart
from vouchers.chart import Kind
from vouchers.models import Capture, Grant, GrantStatus, ProgrammeVersion, Redemption, Refund
from vouchers.services import leftovers


class CaptureItem(NamedTuple):
    """A part of a redemption to capture for something used at ``used_at``; ``reference`` names it for the caller.

    ``provider_id`` is who delivered it, where the caller knows: it counts in that provider's share only.
    """

    redemption: Redemption
    reference: str
    amount_fen: int
    used_at: datetime
    provider_id: UUID | None = None


class RedemptionClosed(Conflict):
    """The redemption was released, or its grant revoked, before."""

    code = "redemption-closed"


class GrantFrozen(Conflict):
    """A frozen grant pays nothing until the freeze is lifted."""

    code = "grant-frozen"


class UsedAfterExpiry(Conflict):
    """A voucher pays nothing that was used after it expired."""

    code = "used-after-expiry"


class BeyondHold(Conflict):
    """More is captured than is still held."""

    code = "beyond-hold"


class BeyondCaptured(Conflict):
    """More is refunded than was captured."""

    code = "beyond-captured"


class DemandedBack(Conflict):
    """A clawback has demanded this value back: it does not come back a second time (``refundable_fen`` still may)."""

    code = "demanded-back"


class BadAmount(DomainError):
    """A capture or a refund is of more than nothing."""

    code = "bad-amount"


@transaction.atomic
def capture_many(*, items: Sequence[CaptureItem], at: datetime) -> list[Capture]:
    """Capture all items or none, in a few statements whatever their number; a repeated reference counts once.

    :raises UsedAfterExpiry: if something was used at or after its grant's expiry, or is captured then, if that counts.
    :raises RedemptionClosed: if a redemption holds nothing any more.
    :raises GrantFrozen: if a grant is frozen.
    :raises BeyondHold: if more is captured than is still held.
    :raises BadAmount: if an amount is not above zero.
    :raises KeyReused: if a reference stands for another capture.
    """
    redemptions = _locked({item.redemption.pk for item in items})
    captures = _captured_before(items)
    new = {item.reference: item for item in items if item.reference not in captures}
    too_late = _too_late(redemptions.values(), at)
    for item in new.values():
        _require_capturable(item, redemptions[item.redemption.pk], too_late)
    _require_held(new.values(), redemptions)
    captures |= _write(new, redemptions, at)
    for item in items:
        _require_same(item, captures[item.reference])
    return [captures[item.reference] for item in items]


def payable_fen(redemption: Redemption, *, at: datetime) -> int:
    """Return what a redemption can still pay: nothing after the expiry, where captures come before it."""
    return 0 if _too_late([redemption], at) else redemption.remaining_fen


@transaction.atomic
def release(*, redemption: Redemption, at: datetime) -> Redemption:
    """Close a redemption: what it did not capture returns to the grant, or to the programme once the grant is over.

    One that was closed before, by its grant's end perhaps, is left as it is.
    """
    redemption = leftovers.locked(redemption.pk)
    if redemption.is_held:
        leftovers.release(redemption=redemption, at=at)
    return redemption


@transaction.atomic
def refund(*, redemption: Redemption, reference: str, amount_fen: int, at: datetime) -> Refund:
    """Take captured value back: to the grant with its first expiry, or to the programme once the grant is over.

    ``vouchers.rules.refund_total_fen`` says how much of a refunded bill is the voucher's.

    :raises BeyondCaptured: if more comes back than was captured.
    :raises DemandedBack: if an upheld clawback has demanded a part of it back already.
    :raises BadAmount: if the amount is not above zero.
    :raises KeyReused: if the reference stands for another refund.
    """
    redemption = leftovers.locked(redemption.pk)
    earlier = Refund.objects.filter(reference=reference).first()
    if earlier:
        return _same_refund(earlier, redemption, amount_fen)
    if amount_fen <= 0:
        raise BadAmount(_("A refund is of more than nothing."))
    accounts = _accounts([redemption.grant])
    over = not redemption.grant.is_living(at)
    beyond = BeyondCaptured(_("More comes back than was captured."))
    within = amount_fen <= redemption.captured_fen - redemption.refunded_fen
    with refusing(
        redemption_refunded_within_captured=beyond,
        redemption_refunded_beside_clawback=_demanded_back(redemption) if within else beyond,
    ):
        made = Refund.objects.create(
            redemption=redemption, reference=reference, amount_fen=amount_fen, lapsed=over, refunded_at=at
        )
    legs = _legs(redemption.grant, accounts, -amount_fen)
    posting.post(key=f"refund/{reference}", kind=Kind.REFUND, legs=legs, at=at)
    leftovers.pass_on(grant=redemption.grant, amount_fen=amount_fen, key=f"refund/{reference}/passed-on", at=at)
    return made


def _demanded_back(redemption: Redemption) -> DemandedBack:
    left = {"amount": format_yuan(redemption.refundable_fen)}
    detail = _("A clawback has demanded this value back already; at most ¥%(amount)s can still be refunded.") % left
    return DemandedBack(detail, refundable_fen=redemption.refundable_fen)


def _same_refund(earlier: Refund, redemption: Redemption, amount_fen: int) -> Refund:
    if (earlier.redemption_id, earlier.amount_fen) != (redemption.pk, amount_fen):
        raise _reused(earlier.reference)
    return earlier


def _locked(ids: set[UUID]) -> dict[UUID, Redemption]:
    grant_ids = Redemption.objects.filter(pk__in=ids).values("grant_id")
    by_id = {grant.pk: grant for grant in Grant.objects.locked().filter(pk__in=grant_ids)}
    redemptions = {row.pk: row for row in Redemption.objects.locked().filter(pk__in=ids).select_related("hold")}
    for redemption in redemptions.values():
        redemption.grant = by_id[redemption.grant_id]
    return redemptions


def _captured_before(items: Sequence[CaptureItem]) -> dict[str, Capture]:
    earlier = Capture.objects.filter(reference__in=[item.reference for item in items])
    return {capture.reference: capture for capture in earlier}


def _too_late(redemptions: Iterable[Redemption], at: datetime) -> set[UUID]:
    """Return those of grants that are over whose versions count captures, not usage, before the expiry."""
    over = [one for one in redemptions if one.grant.expires_at is not None and one.grant.expires_at <= at]
    if not over:
        return set()
    strict = ProgrammeVersion.objects.cutting_captures().filter(programme__in={one.grant.programme_id for one in over})
    versions = set(strict.values_list("programme", "number"))
    return {one.pk for one in over if (one.grant.programme_id, one.grant.version) in versions}


def _require_capturable(item: CaptureItem, redemption: Redemption, too_late: set[UUID]) -> None:
    if item.amount_fen <= 0:
        raise BadAmount(_("A capture is of more than nothing."))
    if not redemption.is_held:
        raise RedemptionClosed(_("This redemption is closed."))
    if redemption.grant.status == GrantStatus.FROZEN:
        raise GrantFrozen(_("The voucher is frozen while a suspicion is looked into."))
    expires_at = redemption.grant.expires_at
    if expires_at is None or item.used_at >= expires_at:
        raise UsedAfterExpiry(_("A voucher pays nothing that was used after it expired."))
    if redemption.pk in too_late:
        raise UsedAfterExpiry(_("This voucher pays nothing once it has expired, whenever it was used."))


def _require_held(items: Iterable[CaptureItem], redemptions: dict[UUID, Redemption]) -> None:
    totals: dict[UUID, int] = defaultdict(int)
    for item in items:
        totals[item.redemption.pk] += item.amount_fen
        if totals[item.redemption.pk] > redemptions[item.redemption.pk].remaining_fen:
            raise BeyondHold(_("More is captured than is still held."))


def _write(items: dict[str, CaptureItem], redemptions: dict[UUID, Redemption], at: datetime) -> dict[str, Capture]:
    if not items:
        return {}
    rows = [
        Capture(
            redemption=redemptions[item.redemption.pk],
            reference=item.reference,
            provider_id=item.provider_id,
            amount_fen=item.amount_fen,
            used_at=item.used_at,
            captured_at=at,
        )
        for item in items.values()
    ]
    Capture.objects.bulk_create(rows)
    accounts = _accounts([redemption.grant for redemption in redemptions.values()])
    posting.capture_many(captures=[_posted(row, accounts, at) for row in rows])
    return {row.reference: row for row in rows}


def _posted(capture: Capture, accounts: dict[str, Account], at: datetime) -> posting.Capture:
    redemption = capture.redemption
    return posting.Capture(
        hold=redemption.hold,
        key=f"capture/{capture.reference}",
        kind=Kind.CAPTURE,
        legs=_legs(redemption.grant, accounts, capture.amount_fen),
        at=at,
    )


def _legs(grant: Grant, accounts: dict[str, Account], amount_fen: int) -> list[Leg]:
    """Return the legs of a payment out of a grant; a negative amount is a refund."""
    giver, taker = accounts[chart.grant(grant.pk)], accounts[chart.redeemed(grant.programme_id)]
    return [Leg(giver, -amount_fen), Leg(taker, amount_fen)]


def _accounts(grants: Iterable[Grant]) -> dict[str, Account]:
    floors: dict[str, int | None] = {}
    for grant in grants:
        floors |= {chart.grant(grant.pk): 0, chart.redeemed(grant.programme_id): None}
    return posting.open_accounts(floors=floors)


def _require_same(item: CaptureItem, capture: Capture) -> None:
    asked = (item.redemption.pk, item.amount_fen, item.used_at)
    if asked != (capture.redemption_id, capture.amount_fen, capture.used_at):
        raise _reused(item.reference)


def _reused(reference: str) -> KeyReused:
    return KeyReused(_("The reference %(key)s was used for something else.") % {"key": reference})
