"""What plain SQL can do with the application's own login: add facts that add up, and change no rule."""

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from psycopg.errors import InsufficientPrivilege, IntegrityError

from ledger.services import posting
from tests import servers
from tests.ledger import scenes
from tests.ledger.scenes import AT, everything, move
from tests.ledger.test_raw_sql import POSTINGS, TRANSFER
from tests.owning import as_owner

FORBIDDEN = [
    # Facts of the ledger, of the transparency log and of the audit have no right to be changed: no trigger is needed.
    "UPDATE ledger_posting SET amount_fen = 1",
    "DELETE FROM ledger_posting",
    "UPDATE ledger_transfer SET amount_fen = 1",
    "DELETE FROM ledger_transfer",
    "UPDATE ledger_account SET floor_fen = -1000",
    "DELETE FROM ledger_hold",
    "UPDATE vouchers_logentry SET payload = ''",
    "DELETE FROM vouchers_logentry",
    "UPDATE accounts_auditentry SET verb = 'other'",
    "DELETE FROM accounts_auditentry",
    "INSERT INTO django_migrations (app, name, applied) VALUES ('ledger', '9999', now())",
    # No rule is taken away,
    "ALTER TABLE ledger_posting DISABLE TRIGGER ALL",
    "ALTER TABLE ledger_balance DROP CONSTRAINT ledger_balance_floor",
    "DROP TRIGGER ledger_transfer_append_only ON ledger_transfer",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "DROP INDEX ledger_hold_due",
    "TRUNCATE ledger_posting",
    "TRUNCATE django_session",
    "SET session_replication_role = replica",
    # nor does one run with what the application made,
    "CREATE TABLE mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE TEMPORARY TABLE ledger_account (id int)",
    "CREATE FUNCTION pg_temp.pay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER mine BEFORE INSERT ON ledger_balance EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER mine BEFORE INSERT ON usage_arriving EXECUTE FUNCTION refuse_change()",
    # and it becomes nobody else.
    "SET ROLE suanyi",
    "SET SESSION AUTHORIZATION postgres",
    "GRANT suanyi TO suanyi_app",
    "ALTER ROLE suanyi_app CREATEDB",
    "COPY ledger_posting TO PROGRAM 'cat'",
]
NAMED = {
    TRANSFER.format(
        accounts="[wallet, bank]", amounts="[-5, 6]", amount=6, hold="NULL", reverses="NULL"
    ): "ledger_transfer_balanced",
    TRANSFER.format(
        accounts="[wallet, bank]", amounts="[-991, 991]", amount=991, hold="NULL", reverses="NULL"
    ): "ledger_balance_floor",
    POSTINGS.format(legs="('bank', 5), ('wallet', -5)"): "ledger_posting_laid_out_by_transfers",
    "UPDATE ledger_balance SET posted_fen = 5000": "ledger_balance_kept_by_triggers",
    "DELETE FROM ledger_balance": "ledger_balance_kept_by_triggers",
}
RULES = """
SELECT concat(conname, convalidated) FROM pg_constraint UNION ALL SELECT concat(tgname, tgenabled) FROM pg_trigger
UNION ALL SELECT concat(relname, relkind) FROM pg_class WHERE relpersistence <> 't'
UNION ALL SELECT concat(proname, md5(prosrc)) FROM pg_proc
"""


@pytest.fixture
def application(transactional_db):
    """Log in with the application's password, as web, worker and beat do."""
    wallet, sink = scenes.wallet(fen=1000), scenes.source("sink")
    posting.post(key="fee", kind="fee", legs=move(wallet, sink, 10), at=AT)
    url = servers.postgres().url(connection.settings_dict["NAME"])
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("SELECT market_open_waiting_room()")
        yield session


def outcome(session: psycopg.Connection, statement: str) -> str | None:
    """Return the constraint that refused a statement, or what else did."""
    try:
        session.execute(statement)
    except InsufficientPrivilege:
        return "permission"
    except IntegrityError as refusal:
        return refusal.diag.constraint_name
    return "nothing"


def rules() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(RULES)
        return sorted(name for (name,) in cursor.fetchall())


def test_the_applications_login_changes_no_fact_and_no_rule_by_any_statement(application):
    before, kept = everything(), rules()

    outcomes = {statement: outcome(application, statement) for statement in FORBIDDEN + list(NAMED)}

    assert outcomes == dict.fromkeys(FORBIDDEN, "permission") | NAMED
    assert (everything(), rules()) == (before, kept)


def test_it_has_the_rights_that_triggers_leave_and_those_of_tables_to_come(application):
    rights = """SELECT string_agg(right_, ' ' ORDER BY right_) FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE',
        'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) AS right_ WHERE has_table_privilege(%s, right_)"""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE to_come (id bigint GENERATED ALWAYS AS IDENTITY)")
        cursor.execute("GRANT TRUNCATE ON ledger_hold TO suanyi_app")
    call_command("migrate", verbosity=0)
    try:
        found = {
            table: application.execute(rights, [table]).fetchone()[0]
            for table in ("ledger_posting", "ledger_hold", "to_come", "django_migrations")
        }
    finally:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("DROP TABLE to_come")

    assert found == {
        "ledger_posting": "INSERT SELECT",
        "ledger_hold": "INSERT SELECT UPDATE",
        "to_come": "DELETE INSERT SELECT UPDATE",
        "django_migrations": "SELECT",
    }
    owned = "SELECT count(*) FROM pg_class WHERE relowner = 'suanyi_app'::regrole"
    assert application.execute(owned).fetchone() == (0,)
