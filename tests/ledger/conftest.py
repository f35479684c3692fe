"""A bounded account with 1,000 fen and two without a floor."""

import pytest

from ledger.models import Account
from tests.ledger import scenes


@pytest.fixture
def wallet(db: None) -> Account:
    return scenes.wallet(fen=1000)


@pytest.fixture
def bank(db: None) -> Account:
    return scenes.source("bank")


@pytest.fixture
def sink(db: None) -> Account:
    return scenes.source("sink")
