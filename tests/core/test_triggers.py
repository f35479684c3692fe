"""Facts stay as they were written, whoever asks."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services import audit
from tests.market import scenes
from tests.owning import as_owner


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET verb = 'other'",
        "DELETE FROM accounts_auditentry",
        "TRUNCATE accounts_auditentry",
    ],
)
def test_a_fact_is_never_changed_by_raw_sql(db, statement):
    thing = scenes.accelerator()
    entry = audit.record(actor=audit.SYSTEM, verb="tested", thing=thing, at=scenes.AT)
    connection.check_constraints()

    with (
        as_owner(),
        pytest.raises(IntegrityError, match="accounts_auditentry") as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert refusal.value.__cause__.diag.constraint_name == "accounts_auditentry_append_only"
    entry.refresh_from_db()
    assert entry.verb == "tested"


@pytest.mark.parametrize("statement", ["DELETE FROM market_offering", "TRUNCATE market_offering CASCADE"])
def test_a_promise_is_never_deleted_by_raw_sql(db, statement):
    offering = scenes.draft(scenes.provider(), scenes.accelerator())
    connection.check_constraints()

    with as_owner(), pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    offering.refresh_from_db()
