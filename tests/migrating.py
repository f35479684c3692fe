"""The databases of tests are migrated as embedded ones are, and no migration is traced: they are not measured."""

from collections.abc import Iterator

import pytest

from config.migrating import models_alone
from tests import tracing


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Iterator[object]:
    """Migrate so."""
    if fixturedef.argname != "django_db_setup":
        return (yield)
    with tracing.paused(), models_alone():
        return (yield)
