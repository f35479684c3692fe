"""Answers that span grants and the ledger: what is left of a grant, and where a budget is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from accounts.models import Organization
from accounts.selectors import Relatedness
from core.periods import date_of
from ledger.models import Balance
from vouchers import chart, integrity, judging, shared_caps
from vouchers.chart import Kind
from vouchers.models import EntityYear, Grant, GrantQuerySet, Programme, ProviderListing
from vouchers.rules import Limits, Terms

BY_KIND = """
SELECT transfer.kind, sum(posting.amount_fen)
FROM ledger_posting posting JOIN ledger_transfer transfer ON transfer.id = posting.transfer_id
WHERE posting.account_id = %s GROUP BY transfer.kind
"""

POSITIONS = """
WITH posted AS (
    SELECT account.code, sum(posting.amount_fen) AS fen
    FROM ledger_account account JOIN ledger_posting posting ON posting.account_id = account.id
    WHERE account.code ~ '^(appropriation|budget|redeemed|lapsed)/' GROUP BY account.code
), forgone AS (
    SELECT account.code, sum(posting.amount_fen) AS fen
    FROM ledger_account account JOIN ledger_posting posting ON posting.account_id = account.id
    JOIN ledger_transfer transfer ON transfer.id = posting.transfer_id AND transfer.kind = 'voucher.forgo'
    WHERE account.code ~ '^lapsed/' GROUP BY account.code
), granted AS (
    SELECT programme_id, sum(posted_fen - held_fen) AS available, sum(held_fen) AS held
    FROM vouchers_grant JOIN ledger_balance USING (account_id) GROUP BY programme_id
)
SELECT programme.id, programme.code, -coalesce(appropriated.fen, 0), coalesce(unallocated.fen, 0),
       coalesce(granted.available, 0), coalesce(granted.held, 0), coalesce(redeemed.fen, 0), coalesce(lapsed.fen, 0),
       coalesce(forgone.fen, 0)
FROM vouchers_programme programme
LEFT JOIN granted ON granted.programme_id = programme.id
LEFT JOIN posted appropriated ON appropriated.code = 'appropriation/' || programme.id
LEFT JOIN posted unallocated ON unallocated.code = 'budget/' || programme.id
LEFT JOIN posted redeemed ON redeemed.code = 'redeemed/' || programme.id
LEFT JOIN posted lapsed ON lapsed.code = 'lapsed/' || programme.id
LEFT JOIN forgone ON forgone.code = 'lapsed/' || programme.id
WHERE CASE WHEN %(ids)s::uuid[] IS NULL THEN programme.published_at IS NOT NULL ELSE programme.id = ANY (%(ids)s) END
ORDER BY programme.code
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A grant with its programme, and what limits its use at one moment."""

    grant: Grant
    limits: Limits
    providers_listed: bool
    ties: tuple[Relatedness, ...] = ()


class GrantBalance(NamedTuple):
    """Where the face value of a grant is, in fen: ``face = available + held + redeemed + expired + revoked``."""

    face_fen: int
    available_fen: int
    held_fen: int
    redeemed_fen: int
    expired_fen: int
    revoked_fen: int


class ProgrammePosition(NamedTuple):
    """Where a budget is, in fen: ``budget = unallocated + available + held + redeemed + expired``.

    ``forgone_fen`` is the part of what expired that nobody had been granted when the year of the budget was over.
    """

    programme_id: UUID
    code: str
    budget_fen: int
    unallocated_fen: int
    available_fen: int
    held_fen: int
    redeemed_fen: int
    expired_fen: int
    forgone_fen: int = 0

    @property
    def adds_up(self) -> bool:
        """Tell whether every fen of the budget is in exactly one place."""
        return self.budget_fen == sum(self[3:8])


def standing(*, grant_id: UUID, providers: Sequence[Organization], category: str, at: datetime) -> Standing:
    """Return what limits a grant, read without a lock: in one query, and one more where its programme shares caps."""
    year = EntityYear.objects.filter(
        programme=OuterRef("programme"), entity=OuterRef("owner"), year=date_of(at).year
    ).values("used_fen")
    listed = _listed(providers, category, date_of(at))
    counted = listed.order_by().values("programme").values(number=Count("pk"))
    grants = Grant.objects.select_related("programme", "account__balance").defer("programme__parameters")
    seen = {"used_fen": Subquery(year), "listed": Subquery(counted), **integrity.seen(providers=providers, at=at)}
    grant = grants.annotate(**seen).get(pk=grant_id)
    ties = integrity.ties(grant=grant, providers=providers, on=date_of(at))
    known = {provider.pk for provider in providers}
    limits = _limits(grant, related=any(integrity.denies(grant.programme, tie) for tie in ties), providers=known, at=at)
    listed_all = grant.programme.open_registry or 0 < len(known) == vars(grant)["listed"]
    return Standing(grant=grant, limits=limits, providers_listed=listed_all, ties=ties)


def _listed(providers: Sequence[Organization], category: str, on: date) -> QuerySet[Any]:
    """Return which of some providers are on the list of a programme, and for this category if the registry has them."""
    mine = ProviderListing.objects.filter(programme=OuterRef("programme"), provider=OuterRef("organization"))
    paid_for = Exists(mine.listed(on).covering(category))
    rows = Programme.providers.through.objects.filter(programme=OuterRef("programme"), organization__in=providers)
    return rows.filter(~Exists(mine.registered()) | paid_for)


def _limits(grant: Grant, *, related: bool, providers: set[UUID], at: datetime) -> Limits:
    used_fen: int | None = vars(grant)["used_fen"]
    cap_fen = grant.programme.entity_year_cap_fen
    limits = Limits(
        grant_available_fen=grant.account.balance.available_fen if grant.account else 0,
        entity_year_left_fen=None if cap_fen is None else cap_fen - (used_fen or 0),
        programme_open=grant.programme.pays,
        grant_usable=grant.is_usable(at),
        trusted=not vars(grant)["barred"],
        related=related,
    )
    judged_by = judging.by(grant.programme_id, grant.version)
    if judged_by.shares_caps:
        limits = shared_caps.within(limits, grant=grant, at=at)
    if judged_by.bounds_providers:
        limits = shared_caps.within_shares(limits, grant=grant, providers=providers)
    return limits


def terms(programme_id: UUID, version: int) -> Terms:
    """Return what decides awards under a published version of a programme."""
    return judging.by(programme_id, version).terms


def waits_until(grant: Grant, *, at: datetime) -> datetime | None:
    """Return until when what is set aside now waits for an order to get cards; None if for as long as it stands."""
    waits = judging.by(grant.programme_id, grant.version).waits
    return None if waits is None else at + waits


def platform_fee_bp(grant: Grant) -> int:
    """Return what the platform takes of what a grant pays, in basis points, under the grant's own version."""
    return judging.by(grant.programme_id, grant.version).platform_fee_bp


def usable_grants(*, owner: Organization, at: datetime) -> GrantQuerySet:
    """Return the grants that a firm may use at checkout now, those that expire first at the front."""
    mine = Grant.objects.of_owner(owner).usable(at).at_checkout()
    grants = mine.select_related("programme", "account__balance")
    return grants.order_by("expires_at", "pk")


def grant_balance(grant: Grant) -> GrantBalance:
    """Return where the face value of a grant is, read from its ledger account."""
    if grant.account_id is None:
        return GrantBalance(grant.face_fen, 0, 0, 0, 0, 0)
    by_kind = _fen_by_kind(grant.account_id)
    balance = Balance.objects.get(pk=grant.account_id)
    return GrantBalance(
        face_fen=grant.face_fen,
        available_fen=balance.available_fen,
        held_fen=balance.held_fen,
        redeemed_fen=-by_kind.get(Kind.CAPTURE, 0) - by_kind.get(Kind.REFUND, 0),
        expired_fen=-by_kind.get(Kind.LAPSE, 0),
        revoked_fen=-by_kind.get(Kind.REVOKE, 0),
    )


def _fen_by_kind(account_id: int) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(BY_KIND, [account_id])
        return {kind: int(fen) for kind, fen in cursor.fetchall()}


def programme_positions(*, programmes: Sequence[Programme] | None = None) -> list[ProgrammePosition]:
    """Return where the budgets of these programmes, or of all that were ever published, are."""
    with connection.cursor() as cursor:
        cursor.execute(POSITIONS, {"ids": None if programmes is None else [programme.pk for programme in programmes]})
        return [ProgrammePosition(row[0], row[1], *map(int, row[2:])) for row in cursor.fetchall()]


def reserved_fen(programme: Programme) -> int:
    """Return what of a programme's budget is reserved for awards that are proposed, in fen; it is not granted yet."""
    balance = Balance.objects.filter(account__code=chart.budget(programme.pk)).first()
    return balance.held_fen if balance else 0
