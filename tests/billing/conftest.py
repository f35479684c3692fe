"""A provider with one offering of eight cards at ¥2.00, a buyer with ¥1,000, and a voucher that pays half."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Organization
from market.models import Accelerator, Offering
from tests import kept
from tests.billing import scenes
from tests.market import scenes as markets
from vouchers.models import Grant, Programme


@pytest.fixture
def provider(db: None) -> Organization:
    return kept.of("billing provider", lambda: markets.provider("Shenzhen Centre"))


@pytest.fixture
def card(db: None) -> Accelerator:
    return kept.of("billing card", lambda: markets.accelerator("card"))


@pytest.fixture
def offering(provider: Organization, card: Accelerator) -> Offering:
    return kept.of("billing offering", lambda: markets.listed(provider, card, price_micro=2_000_000))


@pytest.fixture
def buyer(db: None) -> Organization:
    return kept.of("billing buyer", lambda: scenes.funded_buyer(name="Startup"))


@pytest.fixture
def programme(provider: Organization) -> Programme:
    return kept.of("billing programme", lambda: scenes.programme([provider]))


@pytest.fixture
def grant(buyer: Organization, programme: Programme) -> Grant:
    return kept.of("billing grant", lambda: scenes.grant(buyer, programme))


@pytest.fixture
def set_clock(settings: Any, tmp_path: Path) -> Callable[[datetime], None]:
    """Let the interfaces live at another instant."""
    clock = tmp_path / "clock"
    settings.REHEARSAL_CLOCK = str(clock)

    def set_clock(at: datetime) -> None:
        clock.write_text(at.isoformat(), encoding="ascii")

    return set_clock
