"""Requests: one key, one effect, one answer."""

from datetime import timedelta
from hashlib import sha256

import pytest

from accounts.models import IdempotentRequest
from accounts.services import idempotency
from accounts.services.idempotency import Answer
from accounts.tasks import purge_idempotent_requests
from core import clock
from tests.market import scenes
from tests.market.scenes import AT


@pytest.fixture
def organization(db):
    return scenes.buyer()


def ask(
    organization, *, key="k", endpoint="POST /orders", body=b"{}", effect=lambda: Answer(201, b"done", "text/plain")
):
    return idempotency.answer_once(
        organization=organization, key=key, endpoint=endpoint, body=body, at=AT, effect=effect
    )


def test_the_first_answer_is_given_again(organization):
    first = ask(organization)
    again = ask(organization, effect=lambda: pytest.fail("the effect ran twice"))

    assert first == Answer(201, b"done", "text/plain")
    assert again == Answer(201, b"done", "text/plain", replayed=True)


@pytest.mark.parametrize("other", [{"body": b"{ }"}, {"endpoint": "POST /top-ups"}])
def test_a_key_belongs_to_one_request(organization, other):
    ask(organization)

    with pytest.raises(idempotency.KeyReused):
        ask(organization, **other)

    assert IdempotentRequest.objects.count() == 1


def test_what_is_kept_of_a_body_cannot_be_guessed_without_our_key(organization, settings):
    ask(organization, body=b'{"price_micro": 1900000}')

    kept = bytes(IdempotentRequest.objects.get().body_sha256)
    assert kept != sha256(b'{"price_micro": 1900000}').digest()
    settings.SECRET_KEY = "another"
    with pytest.raises(idempotency.KeyReused):
        ask(organization, body=b'{"price_micro": 1900000}')


def test_organizations_do_not_share_keys(organization):
    ask(organization)

    assert ask(scenes.buyer()).replayed is False


def test_a_bug_leaves_no_answer(organization):
    with pytest.raises(ZeroDivisionError):
        ask(organization, effect=lambda: 1 / 0)

    assert not IdempotentRequest.objects.exists()


def test_answers_are_kept_for_seven_days_and_forgotten_after_eight(organization):
    ask(organization)

    assert idempotency.purge(at=AT + timedelta(days=7)) == 0
    assert idempotency.purge(at=AT + timedelta(days=8, seconds=1)) == 1


def test_the_housekeeping_forgets_old_answers_only(organization):
    ask(organization)
    IdempotentRequest.objects.update(created_at=clock.now() - timedelta(days=9))
    ask(organization, key="young")
    IdempotentRequest.objects.filter(key="young").update(created_at=clock.now())

    purge_idempotent_requests()

    assert IdempotentRequest.objects.get().key == "young"
