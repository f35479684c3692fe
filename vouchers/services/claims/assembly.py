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
from django.db.models import Exists, F, OuterRef, QuerySet

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
from vouchers.services.claims import drafts, packs, terms

MOST_LINES = 2_000
TAKEN = (
    LineStatus.INCLUDED,
    LineStatus.ACCEPTED,
    LineStatus.REJECTED,
    LineStatus.DISPUTED,
    LineStatus.REVERSED,
)
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
            found += assemble(programme=programme, period=period, at=at)
    return found


@transaction.atomic
def assemble(
    *,
    programme: Programme,
    period: Period,
    at: datetime,
    actor: Actor = SYSTEM,
    among: Iterable[UUID] | None = None,
) -> list[Claim]:
    """Assemble what was redeemed before the end of a period, one claim or more for each provider; perhaps none.

    :param among: only these redemptions, for lines that are handed in again before their cycle comes round.
    """
    drafts.queue(programme)
    by_provider = _by_provider(_redemptions(programme, period, among))
    claims = []
    for provider, wanted in sorted(by_provider.items(), key=lambda item: item[0].pk):
        for first in range(0, len(wanted), MOST_LINES):
            part = wanted[first : first + MOST_LINES]
            if sum(one.amount_fen for one in part) > 0:
                claims.append(_write(programme, provider, period, part, actor=actor, at=at))
    return claims


def claimable(programme: Programme, period: Period) -> QuerySet[Redemption]:
    """Return the redemptions that would be in the claims of a period: never claimed, free again, or corrected."""
    lines = ClaimLine.objects.filter(redemption=OuterRef("pk"))
    own = Redemption.objects.filter(grant__programme=programme, status=RedemptionStatus.CAPTURED)
    closed = own.filter(closed_at__lt=midnight(period.ends_on))
    fresh = closed.filter(captured_fen__gt=F("refunded_fen")).exclude(Exists(lines.filter(status__in=TAKEN)))
    accepted = lines.filter(status=LineStatus.ACCEPTED, kind=LineKind.ENTRY, claim__status__in=SETTLED)
    changed = accepted.exclude(accepted_fen=OuterRef("captured_fen") - OuterRef("refunded_fen"))
    corrected = closed.filter(Exists(changed)).exclude(Exists(lines.filter(status=LineStatus.INCLUDED)))
    return fresh | corrected


def _redemptions(programme: Programme, period: Period, among: Iterable[UUID] | None) -> list[Redemption]:
    found = claimable(programme, period).values_list("pk", flat=True)
    if among is not None:
        found = found.filter(pk__in=list(among))
    locked = Redemption.objects.locked().filter(pk__in=list(found))
    return list(locked.select_related("grant__owner"))


def _by_provider(redemptions: Sequence[Redemption]) -> Mapping[Organization, list[_Wanted]]:
    providers = ports.deliveries().providers_of(redemptions)
    accepted = _accepted(redemptions)
    found: dict[Organization, list[_Wanted]] = defaultdict(list)
    for redemption in redemptions:
        provider = providers.get(redemption.pk)
        if provider is not None:
            found[provider] += _wanted(redemption, provider, accepted.get(redemption.pk, []))
    return found


def _accepted(redemptions: Sequence[Redemption]) -> Mapping[UUID, list[ClaimLine]]:
    lines = ClaimLine.objects.accepted().filter(redemption__in=redemptions).select_related("claim")
    found: dict[UUID, list[ClaimLine]] = defaultdict(list)
    for line in lines.order_by("generation", "pk"):
        if line.redemption_id:
            found[line.redemption_id].append(line)
    return found


def _wanted(redemption: Redemption, provider: Organization, accepted: Sequence[ClaimLine]) -> list[_Wanted]:
    """Return an entry of what a redemption has paid; if one was accepted, its reversal and a new entry (I13)."""
    net_fen = redemption.captured_fen - redemption.refunded_fen
    stands = sum(line.accepted_fen or 0 for line in accepted)
    if not accepted:
        return [_Wanted(redemption, provider, net_fen)]
    if stands == net_fen or any(line.claim.status not in SETTLED for line in accepted):
        return []
    last = max(line.generation for line in accepted if line.kind == LineKind.ENTRY)
    renewed = [_Wanted(redemption, provider, net_fen, generation=last + 1)] if net_fen else []
    return [_Wanted(redemption, provider, -stands, LineKind.REVERSAL, last), *renewed]


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
    _take_over([one.redemption.pk for one in wanted])
    lines = ClaimLine.objects.bulk_create(_line(claim, number, one) for number, one in enumerate(wanted, start=1))
    drafts.freeze(claim=claim, lines=lines, by=actor.person, at=at)
    packs.make(claim=claim, lines=lines, at=at)
    after: dict[str, Any] = {"lines": len(lines), "amount_fen": claim.amount_fen}
    audit.record(actor=actor, verb="claim.assembled", thing=claim, at=at, after=after)
    return claim


def _take_over(redemption_ids: Sequence[UUID]) -> None:
    """Close the lines of earlier claims that wait for this one."""
    for line in ClaimLine.objects.locked().filter(redemption__in=redemption_ids, status__in=WAITING):
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
