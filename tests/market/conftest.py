"""A provider with one offering and a buyer."""

import pytest

from accounts.models import Organization
from market.models import Accelerator, Offering
from tests.market import scenes


@pytest.fixture
def provider(db: None) -> Organization:
    return scenes.provider()


@pytest.fixture
def buyer(db: None) -> Organization:
    return scenes.buyer()


@pytest.fixture
def card(db: None) -> Accelerator:
    return scenes.accelerator("card")


@pytest.fixture
def offering(provider: Organization, card: Accelerator) -> Offering:
    return scenes.listed(provider, card)
