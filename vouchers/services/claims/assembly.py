"""Assemble what providers may claim: captured redemptions in no live claim, and corrections of those that were paid.

Whoever assembles stands in the programme's queue and holds the redemptions, so that nothing is claimed twice and
nothing is refunded between looking and writing; a unique constraint on live lines stands behind it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import SYSTEM, Actor
from core.periods import date_of, midnight
from vouchers import cycles, ports
from vouchers.cycles import Period
from vouchers.models import (
    Claim,
    ClaimantKind,
    ClaimLine,
    LineKind,
    LineStatus,
    Programme,
    Redemption,
    RedemptionStatus,
)
from vouchers.models.claim import SETTLED
from vouchers.services.claims import drafts, packs, terms, withholding

MOST_LINES = 2_000
TAKEN = (
    LineStatus.INCLUDED,
    LineStatus.ACCEPTED,
    LineStatus.REJECTED,
    LineStatus.DISPUTED,
    LineStatus.REVERSED,
)
HELD = (LineStatus.INCLUDED, LineStatus.ACCEPTED, LineStatus.REJECTED, LineStatus.DISPUTED)
WAITING = (LineStatus.RESUBMITTED, LineStatus.WITHHELD)


class _Wanted(NamedTuple):
    """A line to write: what a redemption has paid, or one half of a correction."""

    redemption: Redemption
    provider: Organization
    amount_fen: int
    kind: LineKind = LineKind.ENTRY
    generation: int = 0


def assemble_due(*, at: datetime) -> list[Claim]:
    """Assemble the claims of every programme whose latest period is closed."""
    found: list[Claim] = []
    for programme in Programme.objects.filter(published_at__isnull=False).order_by("pk"):
        rules = terms.of(programme)
        if rules.claimant == ClaimantKind.PROVIDER:
            period = cycles.closed_period(rules.cycle, date_of(at), cutoff_days=rules.claim_cutoff_days)
            found += assemble(programme=programme, period=period, at=at, once=True)
    return found


@transaction.atomic
def assemble(
    *,
    programme: Programme,
    period: Period,
    at: datetime,
    actor: Actor = SYSTEM,
    among: Iterable[UUID] | None = None,
    once: bool = False,
) -> list[Claim]:
    """Assemble what was redeemed before the end of a period, one claim or more for each provider; perhaps none.

    :param among: only these redemptions, for lines that are handed in again before their cycle comes round.
    :param once: leave out providers who have a claim of this period: what came late waits for the next one.
    """
    drafts.queue(programme)
    by_provider = _by_provider(_redemptions(programme, period, among))
    same = Claim.objects.filter(programme=programme, period_starts_on=period.starts_on)
    served = set(same.values_list("claimant", flat=True)) if once else set()
    claims = []
    for provider, wanted in sorted(by_provider.items(), key=lambda item: item[0].pk):
        if provider.pk in served:
            continue
        for first in range(0, len(wanted), MOST_LINES):
            part = wanted[first : first + MOST_LINES]
            if sum(one.amount_fen for one in part) > 0:
                claims.append(_write(programme, provider, period, part, actor=actor, at=at))
    return claims


def claimable(programme: Programme, period: Period) -> QuerySet[Redemption]:
    """Return the redemptions of which claims hold less or more than they have paid and not taken back."""
    lines = ClaimLine.objects.filter(redemption=OuterRef("pk"), status__in=HELD).order_by().values("redemption")
    held = Subquery(lines.annotate(fen=Sum(Coalesce("accepted_fen", "amount_fen"))).values("fen"))
    own = Redemption.objects.filter(grant__programme=programme, status=RedemptionStatus.CAPTURED)
    closed = own.filter(closed_at__lt=midnight(period.ends_on))
    return closed.annotate(held_fen=Coalesce(held, 0)).exclude(held_fen=F("captured_fen") - F("refunded_fen"))


def _redemptions(programme: Programme, period: Period, among: Iterable[UUID] | None) -> list[Redemption]:
    found = claimable(programme, period).values_list("pk", flat=True)
    if among is not None:
        found = found.filter(pk__in=list(among))
    locked = Redemption.objects.locked().filter(pk__in=list(found))
    return list(locked.select_related("grant__owner"))


def _by_provider(redemptions: Sequence[Redemption]) -> Mapping[Organization, list[_Wanted]]:
    shares = ports.deliveries().shares_of(redemptions)
    lines = _lines(redemptions)
    found: dict[Organization, list[_Wanted]] = defaultdict(list)
    for redemption in redemptions:
        for provider, amount_fen in shares.get(redemption.pk, []):
            found[provider] += _wanted(redemption, provider, amount_fen, lines[redemption.pk, provider.pk])
    return found


def _lines(redemptions: Sequence[Redemption]) -> Mapping[tuple[UUID | None, UUID | None], list[ClaimLine]]:
    rows = ClaimLine.objects.filter(redemption__in=redemptions, status__in=TAKEN).select_related("claim")
    found: dict[tuple[UUID | None, UUID | None], list[ClaimLine]] = defaultdict(list)
    for line in rows.order_by("generation", "pk"):
        found[line.redemption_id, line.provider_id].append(line)
    return found


def _wanted(redemption: Redemption, provider: Organization, net_fen: int, taken: Sequence[ClaimLine]) -> list[_Wanted]:
    """Return an entry of what a provider's share has paid; if one was accepted, its reversal and a new entry (I13)."""
    if not taken:
        return [_Wanted(redemption, provider, net_fen)] if net_fen > 0 else []
    stands = sum(line.accepted_fen or 0 for line in taken)
    if stands == net_fen or any(not _is_settled(line) for line in taken):
        return []
    last = max(line.generation for line in taken if line.kind == LineKind.ENTRY)
    renewed = [_Wanted(redemption, provider, net_fen, generation=last + 1)] if net_fen > 0 else []
    return [_Wanted(redemption, provider, -stands, LineKind.REVERSAL, last), *renewed]


def _is_settled(line: ClaimLine) -> bool:
    return line.status == LineStatus.ACCEPTED and line.claim.status in SETTLED


def _write(
    programme: Programme,
    provider: Organization,
    period: Period,
    wanted: Sequence[_Wanted],
    *,
    actor: Actor,
    at: datetime,
) -> Claim:
    rules = terms.of(programme)
    claim = drafts.open_claim(programme=programme, claimant=provider, terms=rules, period=period)
    _take_over(provider, [one.redemption.pk for one in wanted])
    lines = ClaimLine.objects.bulk_create(_line(claim, number, one) for number, one in enumerate(wanted, start=1))
    drafts.freeze(claim=claim, lines=lines, by=actor.person, at=at)
    packs.make(claim=claim, lines=lines, at=at)
    withholding.suspect(programme, lines, at)
    after: dict[str, Any] = {"lines": len(lines), "amount_fen": claim.amount_fen}
    audit.record(actor=actor, verb="claim.assembled", thing=claim, at=at, after=after)
    return claim


def _take_over(provider: Organization, redemption_ids: Sequence[UUID]) -> None:
    """Close the lines of earlier claims that wait for this one."""
    waiting = ClaimLine.objects.locked().filter(provider=provider, redemption__in=redemption_ids, status__in=WAITING)
    for line in waiting:
        line.move_to(LineStatus.FREED)


def _line(claim: Claim, number: int, wanted: _Wanted) -> ClaimLine:
    redemption = wanted.redemption
    return ClaimLine(
        claim=claim,
        number=number,
        status=LineStatus.INCLUDED,
        kind=wanted.kind,
        generation=wanted.generation,
        redemption=redemption,
        buyer=redemption.grant.owner,
        provider=wanted.provider,
        eligible_fen=redemption.eligible_fen,
        amount_fen=wanted.amount_fen,
    )
