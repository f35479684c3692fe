"""Issue, check and revoke keys; check the signature of a usage report."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import ApiKey, Organization, SigningKey, User
from accounts.services import audit, keyring
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError

MARK = "sy"
LAST_USED_EVERY = timedelta(minutes=1)
SIGNATURE_TOLERANCE = timedelta(seconds=300)
PUBLIC_KEY_BYTES = 32


class BadKey(DomainError):
    """The bearer key is unknown, expired or revoked; which of them is not told."""

    code = "bad-api-key"
    status = 401


class BadSignature(DomainError):
    """The signature is missing, malformed, stale or does not fit the body."""

    code = "bad-signature"
    status = 401


class BadPublicKey(DomainError):
    """The bytes are not an Ed25519 public key."""

    code = "bad-public-key"


class KeyTaken(Conflict):
    """Another registration already has this public key."""

    code = "public-key-taken"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature header, checked: the key that made it, when, and its bytes."""

    key: SigningKey
    signed_at: datetime
    value: bytes


def _digest(secret: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), secret.encode(), hashlib.sha256).hexdigest()


@transaction.atomic
def issue(
    *,
    organization: Organization,
    name: str,
    scopes: Sequence[str],
    actor: Actor,
    at: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Issue a bearer key and return it with the token, which is shown this once and never stored."""
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        organization=organization,
        name=name,
        prefix=prefix,
        secret_hash=_digest(secret),
        scopes=list(scopes),
        created_by=actor.user,
        expires_at=expires_at,
    )
    audit.record(
        actor=actor,
        verb="api-key.issued",
        thing=key,
        at=at,
        after={"scopes": list(scopes)},
    )
    return key, f"{MARK}_{prefix}_{secret}"


@transaction.atomic
def revoke(*, key: ApiKey, actor: Actor, at: datetime) -> None:
    """Make a key useless from now on; revoking twice keeps the first time."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
        audit.record(actor=actor, verb="api-key.revoked", thing=key, at=at)


@transaction.atomic
def revoke_made_by(*, user: User, organization: Organization, actor: Actor, at: datetime) -> int:
    """Revoke the keys of an organisation that a person has made, who knows them; return how many there were."""
    live = list(ApiKey.objects.filter(created_by=user, organization=organization, revoked_at=None).order_by("pk"))
    for key in live:
        revoke(key=key, actor=actor, at=at)
    return len(live)


def authenticate(*, token: str, at: datetime) -> ApiKey:
    """Return the live key that a bearer token stands for.

    :raises BadKey: if there is none.
    """
    mark, _sep, rest = token.partition("_")
    prefix, _sep, secret = rest.partition("_")
    if not prefix.isprintable():
        raise BadKey(_("The API key is not valid."))
    key = keyring.live_key(prefix=prefix, at=at)
    known = key.secret_hash if key else _digest("")
    if not hmac.compare_digest(known, _digest(secret)) or key is None or mark != MARK:
        raise BadKey(_("The API key is not valid."))
    if key.last_used_at is None or at - key.last_used_at > LAST_USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)
    return key


@transaction.atomic
def register_signing_key(*, organization: Organization, public_key: bytes, actor: Actor, at: datetime) -> SigningKey:
    """Register a provider's public Ed25519 key.

    :raises BadPublicKey: if it is not 32 bytes of a key.
    :raises KeyTaken: if it is registered already.
    """
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise BadPublicKey(_("An Ed25519 public key has 32 bytes."))
    with refusing(signing_key_once=KeyTaken(_("This public key is registered already."))):
        key = SigningKey.objects.create(organization=organization, public_key=public_key)
    audit.record(actor=actor, verb="signing-key.registered", thing=key, at=at)
    return key


@transaction.atomic
def revoke_signing_key(*, key: SigningKey, actor: Actor, at: datetime) -> None:
    """Let a public key check nothing from now on; what it checked before stays evidence. Twice keeps the first time."""
    if SigningKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
        audit.record(actor=actor, verb="signing-key.revoked", thing=key, at=at)


def signed_bytes(*, stamp: int, idempotency_key: str, body: bytes) -> bytes:
    """Return what a provider signs: the Unix second, the idempotency key and the body, joined by dots."""
    return f"{stamp}.{idempotency_key}.".encode() + body


def verify_signature(
    *,
    organization: Organization,
    header: str,
    idempotency_key: str,
    body: bytes,
    at: datetime,
) -> Signature:
    """Check ``t=<unix>,kid=<uuid>,v1=<base64>`` against the organisation's registered keys.

    :raises BadSignature: if any part of it is missing or wrong, or it is older or newer than five minutes.
    """
    stamp, key_id, value = _parts(header)
    signed_at = datetime.fromtimestamp(stamp, UTC)
    if abs(at - signed_at) > SIGNATURE_TOLERANCE:
        raise BadSignature(_("The signature's time is more than five minutes away from ours."))
    key = keyring.live_signing_key(key_id=key_id, organization=organization)
    if key is None:
        raise BadSignature(_("The signing key is not known."))
    try:
        Ed25519PublicKey.from_public_bytes(bytes(key.public_key)).verify(
            value, signed_bytes(stamp=stamp, idempotency_key=idempotency_key, body=body)
        )
    except InvalidSignature as error:
        raise BadSignature(_("The signature does not fit the body.")) from error
    return Signature(key=key, signed_at=signed_at, value=value)


def _parts(header: str) -> tuple[int, UUID, bytes]:
    fields = dict(part.strip().partition("=")[::2] for part in header.split(","))
    try:
        stamp = int(fields["t"])
        datetime.fromtimestamp(stamp, UTC)
        return stamp, UUID(fields["kid"]), base64.b64decode(fields["v1"], validate=True)
    except (KeyError, ValueError, OverflowError, OSError, binascii.Error) as error:
        raise BadSignature(_("The Suanyi-Signature header is missing or malformed.")) from error
