"""A programme that lists one provider, and somebody who knows what that provider delivered."""

import pytest

from tests import kept
from tests.vouchers import claims, scenes
from vouchers import ports


@pytest.fixture
def courier():
    before = ports.deliveries()
    yield claims.courier()
    ports.register(before)


@pytest.fixture
def provider(db):
    return kept.of("claims provider", scenes.provider)


@pytest.fixture
def quarter(courier, provider):
    """Return a programme of 30 % with a grant of 60,000 yuan, and S23's three redemptions of 50,000 yuan in all."""

    def make():
        programme = scenes.published(providers=[provider])
        grant = scenes.grant(programme, face_fen=6_000_000)
        for eligible_fen in (1_234_567, 7_000_000, 8_432_100):
            claims.captured(grant, eligible_fen, courier, provider)
        return programme, courier.providers

    programme, courier.providers = kept.of("claims quarter", make)
    return programme
