"""A kept connection is used again until its server has hung up, and nobody asks the server about that."""

import psycopg
import pytest
from django.db import connection, connections
from django.db.utils import ProgrammingError

from tests.owning import as_owner


@pytest.fixture
def kept(transactional_db):
    """A connection of its own, kept between requests."""
    made = connections.create_connection("default")
    made.settings_dict = made.settings_dict | {"CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": 600}
    made.inc_thread_sharing()
    yield made
    made.close()


def session(kept):
    """Return the server's session that serves the next request."""
    kept.close_if_unusable_or_obsolete()
    with kept.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def last_statement(pid):
    """Return what a session was last asked."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pid])
        return cursor.fetchone()[0]


def end(pid):
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])


def test_the_next_request_has_the_same_session(kept):
    assert session(kept) == session(kept)


def test_it_is_looked_after_without_a_statement(kept):
    pid = session(kept)
    kept.close_if_unusable_or_obsolete()
    kept.ensure_connection()
    assert kept.is_usable()
    assert last_statement(pid) == "SELECT pg_backend_pid()"


def test_when_the_server_has_ended_the_session_the_next_request_gets_another(kept):
    ended = session(kept)
    end(ended)
    assert not kept.is_usable()
    assert session(kept) != ended


def test_a_failed_statement_leaves_it_usable_but_not_within_the_failed_transaction(kept):
    pid = session(kept)
    with pytest.raises(ProgrammingError), kept.cursor() as cursor:
        cursor.execute("SELECT no_such_column")
    assert kept.is_usable()
    kept.connection.execute("BEGIN")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        kept.connection.execute("SELECT no_such_column")
    assert not kept.is_usable()
    kept.connection.rollback()
    assert session(kept) == pid


def test_one_that_was_never_opened_is_not_usable(kept):
    assert not kept.is_usable()
