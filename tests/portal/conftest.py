"""A world, a clock that stands still, and clients who have signed in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests import kept, verified
from tests.portal import world as worlds
from tests.portal.world import World

SignIn = Callable[[str], Client]


@pytest.fixture(autouse=True)
def _still_clock(settings: Any, tmp_path: Path) -> None:
    """Let the pages read one instant."""
    clock = tmp_path / "clock"
    clock.write_text(worlds.NOW.isoformat(), encoding="ascii")
    settings.REHEARSAL_CLOCK = str(clock)


@pytest.fixture
def world(db: None) -> World:
    return kept.of("world", worlds.build)


@pytest.fixture
def sign_in(world: World) -> SignIn:
    """Return a client for one of the world's people."""

    def client_of(name: str) -> Client:
        return verified.client_of(world.people[name])

    return client_of
