"""Every operation of the published schema, with made-up input: never a bug, and every refusal a problem document."""

import sys
from uuid import uuid4

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, strategies
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode

from accounts.services import keys
from accounts.services.audit import SYSTEM
from config.wsgi import application
from tests import tracing
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.billing.scenes import AT, CARD_HOUR_MS
from tests.market import scenes as markets

FITTING, UNFITTING = 4, 6
SCOPES = ["read", "orders", "offerings", "usage", "payments", "programmes"]


@pytest.fixture
def one_transaction(db):
    """Keep the connection of the test when a request ends, as Django's own test client does."""
    signals = [request_started, request_finished]
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def api_schema(one_transaction):
    return schemathesis.openapi.from_wsgi("/api/v1/schema", application)


@pytest.fixture
def tokens(db, set_clock):
    """Return a key of every kind of organisation, each with something of its own to be found."""
    set_clock(AT)
    provider, buyer = markets.provider(), scenes.funded_buyer()
    offering = markets.listed(provider, markets.accelerator("card"))
    programme = scenes.programme([provider])
    reservation = scenes.reserve(buyer, offering, voucher=scenes.grant(buyer, programme))
    scenes.meter(reservation, CARD_HOUR_MS)
    scenes.rate(reservation)
    return [
        keys.issue(organization=party, name="fuzz", scopes=SCOPES, actor=SYSTEM, at=AT)[1]
        for party in (buyer, provider, programme.authority)
    ]


@pytest.fixture
def coverage():
    """Pause while inputs are made up, which takes as long as answering them; return what traces."""
    tracer = sys.gettrace()
    with tracing.paused():
        yield tracer


def made_up(examples):
    return hypothesis_settings(
        max_examples=examples,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )


def test_fitting_input_of_every_party_is_answered_or_refused_in_our_words(api_schema, tokens, coverage):
    for operation in api_schema.get_all_operations():

        @made_up(FITTING)
        @given(case=operation.ok().as_strategy(generation_mode=GenerationMode.POSITIVE))
        def answered(case):
            for token in tokens:
                check(case, token, coverage)

        answered()


def test_unfitting_input_of_any_party_is_refused_in_our_words(api_schema, tokens, coverage):
    for operation in filter(takes_input, (found.ok() for found in api_schema.get_all_operations())):

        @made_up(UNFITTING)
        @given(
            case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
            token=strategies.sampled_from(tokens),
        )
        def answered(case, token):
            check(case, token, coverage)

        answered()


def takes_input(operation):
    """Tell whether there is anything to get wrong: what everybody may read without a key may take nothing at all."""
    return any(operation.iter_parameters()) or len(operation.body) > 0


def check(case, token, coverage):
    case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
    with tracing.resumed(coverage):
        answer = case.call()

    assert answer.status_code < 500, (case.method, case.path, case.body)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == ["application/problem+json"], (case.method, case.path)
        document = answer.json()
        assert document["status"] == answer.status_code
        assert document["code"]
        assert document["detail"]


def test_every_address_of_the_api_is_in_the_schema(api_schema):
    described = {operation.ok().path for operation in api_schema.get_all_operations()}

    assert {"/api/v1/orders", "/api/v1/usage/batches", "/api/v1/wallet", "/api/v1/grants"} <= described
