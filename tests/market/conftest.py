"""A provider with one offering and a buyer."""

import pytest

from accounts.models import Organization
from market.models import Accelerator, Offering
from tests import kept
from tests.market import scenes


@pytest.fixture
def provider(db: None) -> Organization:
    return kept.of("market provider", scenes.provider)


@pytest.fixture
def buyer(db: None) -> Organization:
    return kept.of("market buyer", scenes.buyer)


@pytest.fixture
def card(db: None) -> Accelerator:
    return kept.of("market card", lambda: scenes.accelerator("card"))


@pytest.fixture
def offering(provider: Organization, card: Accelerator) -> Offering:
    return kept.of("market offering", lambda: scenes.listed(provider, card))
