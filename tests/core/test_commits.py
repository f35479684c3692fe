"""A commit that gives its locks back early is on disk before its caller goes on."""

import pytest
from django.db import connection, transaction

from core import commits

pytestmark = pytest.mark.django_db(transaction=True)

TRIES = 50


@pytest.fixture(autouse=True)
def _a_server_that_waits_for_its_disk():
    """The server of the tests never waits, so the session has to say that it wants to."""
    _ask("SET synchronous_commit = 'on'")
    yield
    _ask("RESET synchronous_commit")


def _ask(statement, parameters=()):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone() if cursor.description else None


def _on_disk_after_a_commit(*, waiting):
    with transaction.atomic():
        _ask("SELECT pg_logical_emit_message(true, 'tests', 'anything')")
        _ask(f"SELECT {commits.RELEASE_EARLY}")
        if waiting:
            commits.wait_for_disk()
        [written_up_to] = _ask("SELECT pg_current_wal_insert_lsn()::text")
    return _ask("SELECT pg_current_wal_flush_lsn() > %s::pg_lsn", [written_up_to])[0]


def test_the_caller_goes_on_only_when_its_commit_is_on_disk():
    assert all(_on_disk_after_a_commit(waiting=True) for _ in range(TRIES))


def test_without_waiting_commits_are_not_on_disk_yet():
    assert not all(_on_disk_after_a_commit(waiting=False) for _ in range(TRIES))


def test_only_the_transaction_that_asked_releases_early():
    with transaction.atomic():
        _ask(f"SELECT {commits.RELEASE_EARLY}")
        assert _ask("SHOW synchronous_commit") == ("off",)
    assert _ask("SHOW synchronous_commit") == ("on",)


def test_what_is_undone_waits_for_nothing(django_assert_num_queries):
    with django_assert_num_queries(3), transaction.atomic():  # BEGIN, ours, ROLLBACK
        _ask(f"SELECT {commits.RELEASE_EARLY}")
        commits.wait_for_disk()
        transaction.set_rollback(True)
