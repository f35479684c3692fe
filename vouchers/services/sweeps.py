"""Run every rule over the facts of each programme, and write down what is found: nightly, and on demand."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from uuid import UUID

from accounts import selectors as register
from accounts.models import Trait, TraitKind
from core.periods import date_of
from vouchers.fraud import document_rules, price_rules, trade_rules, usage_rules
from vouchers.fraud.facts import Granted, Paid
from vouchers.fraud.ports import Market
from vouchers.fraud.suspicions import Suspicion
from vouchers.models import Capture, Grant, Programme
from vouchers.services import evidence_facts, findings, integrity_terms

LOOK_BACK = timedelta(days=400)


def sweep(*, market: Market, at: datetime, programme: Programme | None = None) -> int:
    """Look at every programme that was published, or at one, and return how many findings are new."""
    rows = Programme.objects.filter(published_at__isnull=False).order_by("pk")
    if programme is not None:
        rows = rows.filter(pk=programme.pk)
    found = chain.from_iterable(_of_programme(one, market, at) for one in rows)
    twice = chain(
        document_rules.duplicates(evidence_facts.documents()), trade_rules.both_sides(evidence_facts.claimed())
    )
    return findings.record(suspicions=chain(found, twice), at=at)


def _of_programme(programme: Programme, market: Market, at: datetime) -> Iterator[Suspicion]:
    since, limits = at - LOOK_BACK, integrity_terms.thresholds(programme)
    granted = list(_granted(programme))
    spent = list(market.subsidised(programme_id=programme.pk, since=since))
    meters = list(market.metered(programme_id=programme.pk, since=since))
    related_to = partial(_related_to, at=at, least_bp=limits.related_share_bp, known={})
    yield from trade_rules.circular_trade(spent, market.sales(since=since), related_to=related_to, limits=limits)
    yield from trade_rules.splitting(granted, limits=limits)
    yield from trade_rules.fresh_entity(granted, spent, limits=limits)
    yield from trade_rules.kickback(spent, market.paybacks(since=since), related_to=related_to, limits=limits)
    yield from price_rules.price_outlier(spent, limits=limits)
    yield from price_rules.price_raised(market.price_changes(since=since), granted, spent, limits=limits)
    yield from usage_rules.idle_usage(meters, limits=limits)
    yield from usage_rules.meter_mismatch(meters, limits=limits)
    yield from usage_rules.same_job(market.jobs(programme_id=programme.pk, since=since), limits=limits)
    yield from usage_rules.last_hours(granted, _paid(programme, since), limits=limits)


def _granted(programme: Programme) -> Iterator[Granted]:
    """Yield a programme's grants. A firm counts as founded when the platform first knew it: nothing says better."""
    rows = Grant.objects.filter(programme=programme, approved_at__isnull=False).select_related("owner")
    behind = _controllers(rows.values_list("owner_id", flat=True))
    for grant in rows.order_by("pk"):
        if grant.approved_at is not None:
            yield Granted(
                grant_id=grant.pk,
                programme_id=programme.pk,
                owner_id=grant.owner_id,
                face_fen=grant.face_fen,
                on=date_of(grant.approved_at),
                founded_on=date_of(grant.owner.created_at),
                controllers=frozenset(behind.get(grant.owner_id, ())),
                most_fen=programme.entity_year_cap_fen,
                expires_at=grant.expires_at,
            )


def _controllers(owners: Iterable[UUID]) -> dict[UUID, set[str]]:
    kinds = (TraitKind.CONTROLLER, TraitKind.REPRESENTATIVE)
    found: dict[UUID, set[str]] = {}
    rows = Trait.objects.filter(organization__in=owners, kind__in=kinds, valid_to=None, shared=False)
    for owner_id, value in rows.values_list("organization_id", "value"):
        found.setdefault(owner_id, set()).add(value)
    return found


def _paid(programme: Programme, since: datetime) -> Iterator[Paid]:
    rows = Capture.objects.of_programme(programme).filter(captured_at__gte=since)
    for grant_id, used_at, fen in rows.values_list("redemption__grant_id", "used_at", "amount_fen").iterator():
        yield Paid(grant_id=grant_id, used_at=used_at, amount_fen=fen)


def _related_to(one_id: UUID, *, at: datetime, least_bp: int, known: dict[UUID, frozenset[UUID]]) -> frozenset[UUID]:
    if one_id not in known:
        known[one_id] = frozenset(register.related_ids(one_id=one_id, on=date_of(at), least_bp=least_bp))
    return known[one_id]
