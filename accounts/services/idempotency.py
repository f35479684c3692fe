"""Answer a request once: the effect and the answer are one transaction, the key's lock dies with its connection."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import IdempotentRequest, Organization
from core.errors import Conflict, DomainError

KEPT = timedelta(days=8)


class InFlight(Conflict):
    """The same key is being answered at this moment."""

    code = "idempotency-in-flight"


class KeyReused(DomainError):
    """The key was used for another request."""

    code = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it was sent, and whether it is a repetition."""

    status: int
    body: bytes
    media_type: str
    replayed: bool = False


def try_lock(scope: str) -> bool:
    """Take a transaction's advisory lock on ``scope`` without waiting; tell whether it was free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [scope])
        row = cursor.fetchone()
    return bool(row and row[0])


@transaction.atomic
def answer_once(
    *,
    organization: Organization,
    key: str,
    endpoint: str,
    body: bytes,
    at: datetime,
    effect: Callable[[], Answer],
) -> Answer:
    """Return the stored answer to this key, or run ``effect`` and store its answer.

    :raises InFlight: if another request with the key is being answered.
    :raises KeyReused: if the key belongs to another endpoint or body.
    """
    if not try_lock(f"idempotency/{organization.pk}/{key}"):
        raise InFlight(_("A request with this Idempotency-Key is being answered; try again in a moment."))
    digest = _digest(body)
    earlier = IdempotentRequest.objects.filter(organization=organization, key=key).first()
    if earlier is None:
        return _store(
            organization=organization,
            key=key,
            endpoint=endpoint,
            digest=digest,
            at=at,
            answer=effect(),
        )
    if earlier.endpoint != endpoint or bytes(earlier.body_sha256) != digest:
        raise KeyReused(_("This Idempotency-Key was used for another request."))
    return Answer(
        earlier.response_status,
        bytes(earlier.response_body),
        earlier.response_type,
        replayed=True,
    )


def _digest(body: bytes) -> bytes:
    """Return what is kept of a body, under our key: whoever has the table could else try prices of sealed bids."""
    return hmac.new(settings.SECRET_KEY.encode(), body, hashlib.sha256).digest()


def _store(
    *,
    organization: Organization,
    key: str,
    endpoint: str,
    digest: bytes,
    at: datetime,
    answer: Answer,
) -> Answer:
    IdempotentRequest.objects.create(
        organization=organization,
        key=key,
        endpoint=endpoint,
        body_sha256=digest,
        response_status=answer.status,
        response_body=answer.body,
        response_type=answer.media_type,
        created_at=at,
    )
    return answer


def purge(*, at: datetime) -> int:
    """Forget answers older than eight days; return how many. Clients are promised seven."""
    deleted, _rows = IdempotentRequest.objects.filter(created_at__lt=at - KEPT).delete()
    return deleted
