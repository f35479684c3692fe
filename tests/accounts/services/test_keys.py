"""Keys: shown once, kept as a hash, useless once they are over."""

import base64
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import IntegrityError

from accounts.models import ApiKey, AuditEntry, SigningKey, User
from accounts.services import keys
from accounts.services.audit import SYSTEM, Actor
from tests.market import scenes
from tests.market.scenes import AT

NOBODY = UUID(int=0)
BODY = b'[{"id": "1"}]'


@pytest.fixture
def organization(db):
    return scenes.provider()


@pytest.fixture
def issued(organization):
    return keys.issue(organization=organization, name="agent", scopes=["read", "usage"], actor=SYSTEM, at=AT)


@pytest.fixture
def private_key():
    return Ed25519PrivateKey.generate()


@pytest.fixture
def signing_key(organization, private_key):
    public_key = private_key.public_key().public_bytes_raw()
    return keys.register_signing_key(organization=organization, public_key=public_key, actor=SYSTEM, at=AT)


def test_a_key_is_shown_once_and_kept_as_a_hash(issued):
    key, token = issued

    mark, prefix, secret = token.split("_", 2)
    assert (mark, prefix) == ("sy", key.prefix)
    assert len(secret) == 43
    stored = ApiKey.objects.get()
    assert secret not in "".join(str(value) for value in vars(stored).values())
    assert AuditEntry.objects.get().after == {"scopes": ["read", "usage"]}
    assert str(key) == f"agent ({key.prefix}…)"


def test_a_token_opens_its_organization(issued, organization):
    key, token = issued

    found = keys.authenticate(token=token, at=AT)

    assert (found, found.organization) == (key, organization)


def test_a_key_remembers_roughly_when_it_was_last_used(issued):
    _key, token = issued

    keys.authenticate(token=token, at=AT)
    keys.authenticate(token=token, at=AT + timedelta(seconds=59))
    assert ApiKey.objects.get().last_used_at == AT
    keys.authenticate(token=token, at=AT + timedelta(seconds=61))

    assert ApiKey.objects.get().last_used_at == AT + timedelta(seconds=61)


@pytest.mark.parametrize(
    "spoil", ["{0}x", "{0:.40}", "xx_{1}_{2}", "sy_{1}_", "sy_{1}", "sy__{2}", "", "\x00", "sy_\x00_{2}", "sy_é_{2}"]
)
def test_a_token_that_is_not_quite_right_opens_nothing(issued, spoil):
    _key, token = issued
    _mark, prefix, secret = token.split("_", 2)

    with pytest.raises(keys.BadKey):
        keys.authenticate(token=spoil.format(token, prefix, secret), at=AT)

    assert ApiKey.objects.get().last_used_at is None


def test_a_key_opens_nothing_from_its_expiry_on(organization):
    _key, token = keys.issue(
        organization=organization,
        name="brief",
        scopes=["read"],
        actor=SYSTEM,
        at=AT,
        expires_at=AT + timedelta(hours=1),
    )

    keys.authenticate(token=token, at=AT + timedelta(minutes=59))
    with pytest.raises(keys.BadKey):
        keys.authenticate(token=token, at=AT + timedelta(hours=1))


def test_a_revoked_key_opens_nothing_and_stays_revoked(issued):
    key, token = issued
    keys.revoke(key=key, actor=SYSTEM, at=AT)
    keys.revoke(key=key, actor=SYSTEM, at=AT + timedelta(days=1))

    with pytest.raises(keys.BadKey):
        keys.authenticate(token=token, at=AT)

    assert ApiKey.objects.get().revoked_at == AT
    assert AuditEntry.objects.filter(verb="api-key.revoked").count() == 1


def test_the_key_of_a_person_who_may_not_sign_in_opens_nothing_meanwhile(organization):
    maker = User.objects.create(username="keymaker")
    by = Actor(user=maker, organization=organization)
    _key, token = keys.issue(organization=organization, name="agent", scopes=["read"], actor=by, at=AT)

    User.objects.filter(pk=maker.pk).update(is_active=False)
    with pytest.raises(keys.BadKey):
        keys.authenticate(token=token, at=AT)
    User.objects.filter(pk=maker.pk).update(is_active=True)

    assert keys.authenticate(token=token, at=AT).organization == organization


def test_a_key_that_may_do_nothing_is_not_issued(organization):
    with pytest.raises(IntegrityError, match="api_key_has_scopes"):
        keys.issue(organization=organization, name="idle", scopes=[], actor=SYSTEM, at=AT)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_public_key_has_32_bytes(organization, length):
    with pytest.raises(keys.BadPublicKey):
        keys.register_signing_key(organization=organization, public_key=bytes(length), actor=SYSTEM, at=AT)

    assert not SigningKey.objects.exists()


def test_a_public_key_is_registered_once(organization, signing_key):
    with pytest.raises(keys.KeyTaken):
        keys.register_signing_key(
            organization=scenes.provider(), public_key=bytes(signing_key.public_key), actor=SYSTEM, at=AT
        )

    assert SigningKey.objects.get().organization == organization


def header(private_key, key_id, *, at=AT, body=BODY, idempotency_key="k"):
    stamp = int(at.timestamp())
    signed = keys.signed_bytes(stamp=stamp, idempotency_key=idempotency_key, body=body)
    value = base64.b64encode(private_key.sign(signed)).decode()
    return f"t={stamp},kid={key_id},v1={value}"


def verify(organization, text, *, body=BODY, idempotency_key="k", at=AT):
    return keys.verify_signature(
        organization=organization, header=text, idempotency_key=idempotency_key, body=body, at=at
    )


def test_a_signature_that_fits_tells_its_key_and_its_time(organization, signing_key, private_key):
    signature = verify(organization, header(private_key, signing_key.pk))

    assert (signature.key, signature.signed_at, len(signature.value)) == (signing_key, AT, 64)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_of_difference_are_borne(organization, signing_key, private_key, seconds):
    verify(organization, header(private_key, signing_key.pk), at=AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_old_or_early_signature_is_refused(organization, signing_key, private_key, seconds):
    with pytest.raises(keys.BadSignature):
        verify(organization, header(private_key, signing_key.pk), at=AT + timedelta(seconds=seconds))


def test_a_signature_of_another_body_or_key_is_refused(organization, signing_key, private_key):
    good = header(private_key, signing_key.pk)

    for changed in ({"body": BODY + b" "}, {"idempotency_key": "other"}):
        with pytest.raises(keys.BadSignature):
            verify(organization, good, **changed)
    with pytest.raises(keys.BadSignature):
        verify(organization, header(Ed25519PrivateKey.generate(), signing_key.pk))
    with pytest.raises(keys.BadSignature):
        verify(organization, header(private_key, uuid4()))
    with pytest.raises(keys.BadSignature):
        verify(scenes.provider(), good)


def test_a_revoked_signing_key_signs_nothing(organization, signing_key, private_key):
    keys.revoke_signing_key(key=signing_key, actor=SYSTEM, at=AT)
    keys.revoke_signing_key(key=signing_key, actor=SYSTEM, at=AT + timedelta(days=1))

    with pytest.raises(keys.BadSignature):
        verify(organization, header(private_key, signing_key.pk))
    assert SigningKey.objects.get().revoked_at == AT
    assert AuditEntry.objects.filter(verb="signing-key.revoked").count() == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "t=1",
        "t=x,kid=y,v1=z",
        "t=1,kid=00000000-0000-0000-0000-000000000000,v1=!",
        f"t={10**20},kid={NOBODY},v1=AA==",
        f"t=1,kid={NOBODY}",
        "garbage",
    ],
)
def test_a_malformed_header_is_refused(organization, text):
    with pytest.raises(keys.BadSignature):
        verify(organization, text)
