"""A published programme and a grant of 20,000 yuan."""

from collections.abc import Iterator

import pytest

from ledger import selectors as ledger
from tests import kept
from tests.vouchers import scenes
from vouchers import reconciliation, selectors
from vouchers.models import Grant, Programme


@pytest.fixture
def programme(db: None) -> Programme:
    return kept.of("vouchers programme", scenes.published)


@pytest.fixture
def grant(programme: Programme) -> Grant:
    return kept.of("vouchers grant", lambda: scenes.grant(programme))


@pytest.fixture(autouse=True)
def everything_adds_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did: no fen is lost, in any budget, and every kept number is the sum of its facts."""
    if "db" not in request.fixturenames and not request.node.get_closest_marker("django_db"):
        yield
        return
    request.getfixturevalue("db")
    yield
    assert reconciliation.discrepancies() == []
    assert ledger.reconcile() == []
    assert [position for position in selectors.programme_positions() if not position.adds_up] == []
