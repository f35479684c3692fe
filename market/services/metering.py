"""Take in signed usage reports, each report and each event once, and meter the hours that they touch."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, SigningKey
from core.errors import DomainError
from market.models import UsageBatch
from market.services import usage_answers, usage_events, usage_intake, usage_store
from market.services.usage_answers import Fates, Reply
from market.services.usage_store import SeenBefore

DUE = """
SELECT id FROM market_meteredhour WHERE dirty ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
METER = """
WITH total AS (
    SELECT hours.id, coalesce(sum(usage.accelerator_ms), 0)::bigint AS accelerator_ms
    FROM market_meteredhour AS hours
    LEFT JOIN market_usage AS usage ON usage.reservation_id = hours.reservation_id
        AND usage.starts_at >= hours.hour AND usage.starts_at < hours.hour + interval '1 hour'
    WHERE hours.id = ANY(%(ids)s)
    GROUP BY hours.id
)
UPDATE market_meteredhour AS hours
SET dirty = false, accelerator_ms = total.accelerator_ms,
    version = hours.version + (hours.accelerator_ms <> total.accelerator_ms)::int,
    metered_at = CASE WHEN hours.accelerator_ms <> total.accelerator_ms THEN %(at)s ELSE hours.metered_at END
FROM total WHERE hours.id = total.id
"""
_encode = msgspec.json.Encoder().encode


class KeyReused(DomainError):
    """The idempotency key was used for another report."""

    code = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it came, its signature checked."""

    provider: Organization
    key: SigningKey
    signature: bytes
    signed_at: datetime
    idempotency_key: str
    body: bytes

    def digest(self) -> bytes:
        """Return what tells its body from any other."""
        return hashlib.sha256(self.body).digest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """A report that is in the books, and the answer to it as JSON; ``replayed`` if it had been taken in before."""

    batch: UsageBatch
    answer: bytes
    replayed: bool = False


def ingest(
    *,
    provider: Organization,
    key: SigningKey,
    signature: bytes,
    signed_at: datetime,
    idempotency_key: str,
    body: bytes,
    at: datetime,
) -> Receipt:
    """Take in a report whose signature was checked, and answer it; a repeated report gets the first answer.

    :raises KeyReused: if the idempotency key belongs to another body.
    :raises MalformedJson, NotABatch, TooManyEvents: if the body is not a batch.
    """
    report = Report(provider, key, signature, signed_at, idempotency_key, body)
    try:
        return _take(report, at=at, all_new=True)
    except SeenBefore:
        return _take(report, at=at, all_new=False)


@transaction.atomic
def _take(report: Report, *, at: datetime, all_new: bool) -> Receipt:
    """Take a report in, supposing or not that nothing of it was seen before.

    :raises SeenBefore: if ``all_new`` is not so.
    """
    earlier, number = usage_store.claim(provider=report.provider, idempotency_key=report.idempotency_key)
    if not all_new:  # now that we hold the key, look again
        earlier, number = usage_store.claim(provider=report.provider, idempotency_key=report.idempotency_key)
    if earlier is not None:
        return _repeated(earlier, report)
    events = usage_events.decode(report.body)
    writing = usage_intake.taking(events=events, provider=report.provider, batch_id=number, at=at, all_new=all_new)
    with writing as fates:  # what need not wait for PostgreSQL is done meanwhile
        reply = usage_answers.reply(events, number, fates)
        receipt = Receipt(_batch(report, reply, fates, at), _encode(reply))
    usage_store.keep(receipt.batch)
    return receipt


def _batch(report: Report, reply: Reply, fates: Fates, at: datetime) -> UsageBatch:
    return UsageBatch(
        id=reply.batch,
        provider=report.provider,
        idempotency_key=report.idempotency_key,
        body_sha256=report.digest(),
        signing_key=report.key,
        signed_at=report.signed_at,
        signature=report.signature,
        received_at=at,
        accepted=reply.accepted,
        duplicates=reply.duplicates,
        conflicts=reply.conflicts,
        rejected=reply.rejected,
        not_accepted=usage_answers.noted(fates),
    )


def _repeated(batch: UsageBatch, report: Report) -> Receipt:
    if bytes(batch.body_sha256) != report.digest():
        raise KeyReused(_("This Idempotency-Key was used for another report."))
    reply = usage_answers.reply(usage_events.decode(report.body), batch.pk, usage_answers.fates_of(batch))
    return Receipt(batch, _encode(reply), replayed=True)


@transaction.atomic
def meter(*, at: datetime, limit: int = 1_000) -> int:
    """Recompute up to ``limit`` hours that were reported on, and return how many; ``version`` counts new totals.

    Hours under someone's lock are left to the next run. The sum is a statement of its own: only a snapshot that is
    taken under the locks holds everything that was reported before them.
    """
    with connection.cursor() as cursor:
        cursor.execute(DUE, [limit])
        due = [row[0] for row in cursor.fetchall()]
        if due:
            cursor.execute(METER, {"ids": due, "at": at})
    return len(due)
