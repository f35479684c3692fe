"""What the database refuses even to the owner of its tables, in plain SQL; nothing is changed by what it refuses."""

import pytest
from django.db import Error, IntegrityError, connection, transaction

from core.constraints import constraint_name
from ledger import selectors
from ledger.services import posting
from tests.ledger import scenes
from tests.ledger.scenes import AT, everything, move, standing
from tests.owning import as_owner

TRANSFER = """
INSERT INTO ledger_transfer (key, kind, amount_fen, account_ids, amounts_fen, hold_id, reverses_id, effective_at)
SELECT 'raw', 'raw', {amount}, ARRAY{accounts}::bigint[], ARRAY{amounts}::bigint[], {hold}, {reverses}, now()
FROM (SELECT
    (SELECT id FROM ledger_account WHERE code = 'wallet') AS wallet,
    (SELECT id FROM ledger_account WHERE code = 'bank') AS bank,
    (SELECT id FROM ledger_account WHERE code = 'sink') AS sink,
    (SELECT id FROM ledger_hold WHERE key = 'open') AS open,
    (SELECT id FROM ledger_hold WHERE key = 'void') AS void,
    (SELECT id FROM ledger_transfer WHERE key = 'fee') AS fee,
    (SELECT id FROM ledger_transfer WHERE key = 'other fee') AS other_fee,
    (SELECT id FROM ledger_transfer WHERE key = 'back') AS back
) AS named
"""


def raw(accounts="[wallet, sink]", amounts="[-5, 5]", *, amount=5, hold="NULL", reverses="NULL"):
    return TRANSFER.format(accounts=accounts, amounts=amounts, amount=amount, hold=hold, reverses=reverses)


HOLD = """
INSERT INTO ledger_hold (key, account_id, asked_fen, amount_fen, captured_fen, status)
SELECT 'raw', id, {asked}, {amount}, {captured}, '{status}' FROM ledger_account WHERE code = '{account}'
"""


def raw_hold(*, account="wallet", asked=10, amount=10, captured=0, status="pending"):
    return HOLD.format(account=account, asked=asked, amount=amount, captured=captured, status=status)


POSTINGS = """
INSERT INTO ledger_posting (account_id, transfer_id, amount_fen)
SELECT account.id, transfer.id, leg.fen FROM (VALUES {legs}) AS leg (code, fen)
JOIN ledger_account account USING (code) JOIN ledger_transfer transfer ON transfer.key = 'fee'
"""

REFUSED = {
    # Facts are neither changed nor deleted.
    "UPDATE ledger_account SET floor_fen = -1000": "ledger_account_append_only",
    "DELETE FROM ledger_account": "ledger_account_append_only",
    "UPDATE ledger_transfer SET amount_fen = 1": "ledger_transfer_append_only",
    "UPDATE ledger_transfer SET amounts_fen = '{-1,1}'": "ledger_transfer_append_only",
    "DELETE FROM ledger_transfer": "ledger_transfer_append_only",
    raw().replace("'raw', 'raw'", "'fee', 'raw'") + "ON CONFLICT (key) DO UPDATE SET kind = 'changed'": (
        "ledger_transfer_append_only"
    ),
    "UPDATE ledger_posting SET amount_fen = 2 * amount_fen": "ledger_posting_append_only",
    "DELETE FROM ledger_posting": "ledger_posting_append_only",
    "DELETE FROM ledger_hold": "ledger_hold_append_only",
    # A transfer adds up and says what it moves.
    raw(amounts="[-5, 4]"): "ledger_transfer_balanced",
    raw(amounts="[-5, 5]", amount=6): "ledger_transfer_balanced",
    raw(accounts="[]", amounts="[]"): "ledger_transfer_balanced",
    raw(accounts="[wallet, wallet]"): "ledger_posting_pkey",
    raw(accounts="[wallet, sink, bank]", amounts="[-5, 5, 0]"): "ledger_posting_amount_not_zero",
    raw(accounts="[wallet, 0]"): "ledger_transfer_accounts_known",
    raw(accounts="[wallet]"): "",  # a leg without an account is a null
    raw(accounts="[wallet, sink, bank]"): "",  # and so is one without an amount
    raw(amount=0): "ledger_transfer_amount_positive",
    raw().replace("'raw', 'raw'", "'', 'raw'"): "ledger_transfer_key_and_kind_given",
    raw().replace("'raw', 'raw'", "'fee', 'raw'"): "ledger_transfer_key_once",
    # It is closed: nothing is added to it.
    POSTINGS.format(legs="('bank', 5)"): "ledger_posting_laid_out_by_transfers",
    POSTINGS.format(legs="('bank', 5), ('other', -5)"): "ledger_posting_laid_out_by_transfers",
    # No account falls below its floor, and nobody writes a balance.
    raw(amounts="[-671, 671]", amount=671): "ledger_balance_floor",
    "UPDATE ledger_balance SET posted_fen = posted_fen + 1": "ledger_balance_kept_by_triggers",
    "UPDATE ledger_balance SET held_fen = 0": "ledger_balance_kept_by_triggers",
    "UPDATE ledger_balance SET floor_fen = -1000": "ledger_balance_kept_by_triggers",
    "DELETE FROM ledger_balance": "ledger_balance_kept_by_triggers",
    "TRUNCATE ledger_balance": "ledger_balance_kept_by_triggers",
    "INSERT INTO ledger_balance SELECT id, 1000, 0, 0 FROM ledger_account WHERE code = 'bank'": (
        "ledger_balance_kept_by_triggers"
    ),
    "INSERT INTO ledger_account (code, floor_fen) VALUES ('raw', 1)": "ledger_account_floor_not_positive",
    "INSERT INTO ledger_account (code) VALUES ('')": "ledger_account_code_given",
    "INSERT INTO ledger_account (code) VALUES ('bank')": "ledger_account_code_once",
    # A hold starts whole, reserves what is there, only shrinks and closes once.
    raw_hold(status="posted"): "ledger_hold_starts_whole",
    raw_hold(captured=5): "ledger_hold_starts_whole",
    raw_hold(asked=20): "ledger_hold_starts_whole",
    raw_hold(asked=0, amount=0): "ledger_hold_amount_positive",
    raw_hold(asked=671, amount=671): "ledger_balance_floor",
    raw_hold(account="bank"): "ledger_hold_account_bounded",
    "UPDATE ledger_hold SET amount_fen = 301 WHERE key = 'open'": "ledger_hold_only_shrinks",
    "UPDATE ledger_hold SET amount_fen = 99 WHERE key = 'open'": "ledger_hold_captured_within",
    "UPDATE ledger_hold SET amount_fen = 0 WHERE key = 'open'": "ledger_hold_amount_positive",
    "UPDATE ledger_hold SET captured_fen = 200 WHERE key = 'open'": "ledger_hold_captured_by_postings",
    "UPDATE ledger_hold SET captured_fen = 0 WHERE key = 'open'": "ledger_hold_captured_by_postings",
    "UPDATE ledger_hold SET captured_fen = 300, status = 'posted' WHERE key = 'open'": (
        "ledger_hold_captured_by_postings"
    ),
    "UPDATE ledger_hold SET status = 'lost' WHERE key = 'open'": "ledger_hold_status_known",
    "UPDATE ledger_hold SET key = 'mine' WHERE key = 'open'": "ledger_hold_identity",
    "UPDATE ledger_hold SET asked_fen = 1000 WHERE key = 'open'": "ledger_hold_identity",
    "UPDATE ledger_hold SET expires_at = now() WHERE key = 'open'": "ledger_hold_identity",
    "UPDATE ledger_hold SET account_id = (SELECT id FROM ledger_account WHERE code = 'other') WHERE key = 'open'": (
        "ledger_hold_identity"
    ),
    "UPDATE ledger_hold SET status = 'pending' WHERE key = 'void'": "ledger_hold_closed",
    "UPDATE ledger_hold SET status = 'posted' WHERE key = 'void'": "ledger_hold_closed",
    # A capture debits the account of an open hold by no more than it has left.
    raw(hold="open", accounts="[bank, sink]"): "ledger_transfer_capture_debits",
    raw(hold="open", accounts="[bank, wallet]"): "ledger_transfer_capture_debits",
    raw(hold="0"): "ledger_transfer_capture_debits",
    raw(hold="open", amounts="[-201, 201]", amount=201): "ledger_hold_captured_within",
    raw(hold="void"): "ledger_hold_closed",
    # A reversal is exact, made once and final.
    raw(reverses="other_fee"): "ledger_transfer_reversal_exact",
    raw(
        reverses="other_fee", accounts="[wallet, bank]", amounts="[20, -20]", amount=20
    ): "ledger_transfer_reversal_exact",
    raw(reverses="other_fee", amounts="[19, -19]", amount=19): "ledger_transfer_reversal_exact",
    raw(reverses="0"): "ledger_transfer_reversal_exact",
    raw(reverses="back", amounts="[-10, 10]", amount=10): "ledger_transfer_reversal_exact",
    raw(reverses="fee", amounts="[10, -10]", amount=10): "ledger_transfer_reversed_once",
    raw(reverses="fee", hold="open"): "ledger_transfer_capture_or_reversal",
}


@pytest.fixture
def ledger(wallet, bank, sink):
    """Spend 20 of 1,000 fen, hold 350, void 50 of them and capture 100: 670 fen are left to spend."""
    fee = posting.post(key="fee", kind="fee", legs=move(wallet, sink, 10), at=AT)
    posting.post(key="other fee", kind="fee", legs=move(wallet, sink, 20), at=AT)
    posting.reverse(transfer=fee, key="back", at=AT)
    hold = posting.hold(key="open", account=wallet, amount_fen=300)
    posting.void(hold=posting.hold(key="void", account=wallet, amount_fen=50))
    posting.capture(hold=hold, key="part", kind="fee", legs=move(wallet, sink, 90), at=AT)
    posting.capture(hold=hold, key="more", kind="fee", legs=move(wallet, sink, 10), at=AT)
    scenes.wallet("other", fen=10)
    posting.post(key="rounding", kind="fee", legs=move(wallet, sink, 10), at=AT)
    connection.check_constraints()  # a table with checks still to come is not truncated, whoever asks


def execute(statement: str) -> None:
    with as_owner(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_owner_of_the_tables_is_no_superuser(db):
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT relowner = current_user::regrole FROM pg_class WHERE oid = 'ledger_transfer'::regclass")
        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize(("statement", "name"), REFUSED.items())
def test_the_database_refuses(ledger, statement, name):
    before = everything()

    with pytest.raises(IntegrityError) as refusal:
        execute(statement)

    assert constraint_name(refusal.value) == name
    assert everything() == before


@pytest.mark.parametrize("table", ["ledger_account", "ledger_transfer", "ledger_posting", "ledger_hold"])
def test_no_table_of_facts_is_truncated(ledger, table):
    before = everything()

    with pytest.raises(Error, match="is refused"):
        execute(f"TRUNCATE {table} CASCADE")

    assert everything() == before


def test_a_transfer_written_in_plain_sql_moves_the_balance_like_any_other(ledger, wallet):
    posted, held = standing(wallet)

    execute(raw(amounts="[-670, 670]", amount=670))

    assert standing(wallet) == (posted - 670, held)
    assert selectors.available_fen(account=wallet) == 0
    assert selectors.reconcile() == []


def test_a_capture_written_in_plain_sql_takes_from_its_hold(ledger, wallet):
    posted, held = standing(wallet)

    execute(raw(hold="open", amounts="[-200, 200]", amount=200))

    assert standing(wallet) == (posted - 200, held - 200)
    assert selectors.reconcile() == []


def test_a_hold_closed_in_plain_sql_gives_back_the_rest(ledger, wallet):
    posted, _held = standing(wallet)

    execute("UPDATE ledger_hold SET status = 'expired' WHERE key = 'open'")

    assert standing(wallet) == (posted, 0)
    assert selectors.reconcile() == []
