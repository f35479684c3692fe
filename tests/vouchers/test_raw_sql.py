"""What not even the owner of the tables can do to public money, however it asks."""

import pytest
from django.db import IntegrityError, connection, transaction

from core.constraints import constraint_name
from tests.owning import as_owner
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, everything, officer
from vouchers.models import Grant
from vouchers.services import grants, redemptions

pytestmark = pytest.mark.django_db


@pytest.fixture
def redemption(grant):
    redemption = scenes.hold(grant, 1_000_000, "order/1")
    scenes.capture(redemption, 1_000, "charge/1")
    redemptions.refund(redemption=redemption, reference="refund/1", amount_fen=10, at=AT)
    return redemption


def refused(statement):
    """Run a statement that must fail, check that it changed nothing, and return the constraint that refused it."""
    before = everything()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            cursor.execute(statement)
    assert everything() == before
    return constraint_name(refusal.value)


COPY = """
INSERT INTO vouchers_redemption (id, created_at, status, grant_id, hold_id, reference, year, eligible_fen, amount_fen,
    explanation, held_at)
SELECT uuidv7(), now(), 'held', grant_id, hold_id, 'raw', year, eligible_fen, amount_fen, '{}', held_at
FROM (SELECT * FROM vouchers_redemption) original
"""


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE vouchers_programme SET ratio_bp = 10000", "programme_rules_fixed"),
        ("UPDATE vouchers_programme SET budget_fen = 1", "programme_rules_fixed"),
        ("UPDATE vouchers_programme SET published_by_id = drafted_by_id", "programme_rules_fixed"),
        ("UPDATE vouchers_programme SET status = 'draft'", "programme_moves_forward"),
        ("DELETE FROM vouchers_programme", "vouchers_programme_append_only"),
        ("UPDATE vouchers_grant SET face_fen = face_fen + 1", "grant_identity"),
        ("UPDATE vouchers_grant SET owner_id = (SELECT authority_id FROM vouchers_programme)", "grant_identity"),
        ("UPDATE vouchers_grant SET expires_at = expires_at + interval '1 day'", "grant_approved_once"),
        ("UPDATE vouchers_grant SET approved_by_id = proposed_by_id", "grant_approved_once"),
        ("UPDATE vouchers_grant SET status = 'proposed'", "grant_moves_forward"),
        ("DELETE FROM vouchers_grant", "vouchers_grant_append_only"),
        ("TRUNCATE vouchers_grant CASCADE", "vouchers_grant_append_only"),
        ("UPDATE vouchers_redemption SET amount_fen = amount_fen + 1", "redemption_identity"),
        ("UPDATE vouchers_redemption SET explanation = '{}'", "redemption_identity"),
        ("UPDATE vouchers_redemption SET captured_fen = 0, refunded_fen = 0", "redemption_folded_by_facts"),
        ("UPDATE vouchers_redemption SET status = 'released', closed_at = now()", "redemption_closed_as_it_was_used"),
        ("DELETE FROM vouchers_redemption", "vouchers_redemption_append_only"),
        ("UPDATE vouchers_capture SET amount_fen = 1", "vouchers_capture_append_only"),
        ("DELETE FROM vouchers_capture", "vouchers_capture_append_only"),
        ("UPDATE vouchers_refund SET lapsed = true", "vouchers_refund_append_only"),
        ("DELETE FROM vouchers_refund", "vouchers_refund_append_only"),
        ("UPDATE vouchers_entityyear SET used_fen = 0", "entity_year_kept_by_triggers"),
        ("UPDATE vouchers_entityyear SET cap_fen = NULL", "entity_year_kept_by_triggers"),
        ("DELETE FROM vouchers_entityyear", "entity_year_kept_by_triggers"),
        (
            (
                "INSERT INTO vouchers_entityyear (programme_id, entity_id, year, used_fen) "
                "SELECT programme_id, entity_id, 2030, 1 FROM vouchers_entityyear"
            ),
            "entity_year_starts_unused",
        ),
        (COPY.replace("'raw'", "reference"), "redemption_reference_once"),
        (COPY.replace(" amount_fen, '", " amount_fen + 1, '"), "redemption_within_ratio"),
        (COPY.replace("year, eligible_fen, amount_fen, '", "year, 1, 2, '"), "redemption_within_eligible_spending"),
        (COPY.replace(" amount_fen, '", " 0, '"), "redemption_within_eligible_spending"),
        (COPY.replace("'held', grant_id", "'held', uuidv7()"), "redemption_grant_known"),
        (COPY.replace("'raw', year", "'raw', year + 1"), "redemption_year_of_hold"),
        (COPY.replace(", held_at\nFROM", ", held_at + interval '400 days'\nFROM"), "redemption_grant_usable"),
        (
            (
                "INSERT INTO vouchers_capture (redemption_id, reference, amount_fen, used_at, captured_at) "
                "SELECT id, 'raw', amount_fen, held_at, held_at FROM vouchers_redemption"
            ),
            "redemption_captured_within_hold",
        ),
        (
            (
                "INSERT INTO vouchers_capture (redemption_id, reference, amount_fen, used_at, captured_at) "
                "SELECT id, 'raw', 1, held_at + interval '400 days', held_at FROM vouchers_redemption"
            ),
            "capture_used_before_expiry",
        ),
        (
            (
                "INSERT INTO vouchers_capture (redemption_id, reference, amount_fen, used_at, captured_at) "
                "SELECT id, 'charge/1', 1, held_at, held_at FROM vouchers_redemption"
            ),
            "capture_reference_once",
        ),
        (
            (
                "INSERT INTO vouchers_refund (redemption_id, reference, amount_fen, lapsed, refunded_at) "
                "SELECT id, 'raw', captured_fen, false, held_at FROM vouchers_redemption"
            ),
            "redemption_refunded_beside_clawback",  # of two triggers that refuse it the first by name
        ),
        (
            (
                "INSERT INTO vouchers_refund (redemption_id, reference, amount_fen, lapsed, refunded_at) "
                "SELECT id, 'raw', -1, false, held_at FROM vouchers_redemption"
            ),
            "refund_amount_positive",
        ),
    ],
)
def test_facts_and_rules_stay_as_they_are(redemption, statement, constraint):
    assert refused(statement) == constraint


def test_a_closed_redemption_stays_closed(redemption):
    redemptions.release(redemption=redemption, at=AT)

    reopened = refused("UPDATE vouchers_redemption SET status = 'held', closed_at = NULL")
    late = refused(
        "INSERT INTO vouchers_capture (redemption_id, reference, amount_fen, used_at, captured_at) "
        "SELECT id, 'raw', 1, held_at, held_at FROM vouchers_redemption"
    )

    assert reopened == late == "redemption_closed_once"


def test_a_grant_that_is_over_stays_over(grant):
    grants.revoke(grant=grant, actor=officer(1), at=AT)

    assert refused("UPDATE vouchers_grant SET status = 'active'") == "grant_moves_forward"


def test_a_closed_programme_stays_closed(programme):
    type(programme).objects.update(status="closed")

    assert refused("UPDATE vouchers_programme SET status = 'published'") == "programme_moves_forward"


def test_one_person_alone_approves_nothing(programme):
    grants.propose(programme=programme, owner=scenes.buyer(), face_fen=5, actor=officer(1), at=AT)

    alone = refused("UPDATE vouchers_grant SET approved_by_id = proposed_by_id")
    nobody = refused("UPDATE vouchers_grant SET status = 'active', expires_at = now()")

    assert alone == "grant_maker_is_not_checker"
    assert nobody == "grant_approved_before_use"
    assert Grant.objects.get().approved_by is None


def test_an_order_cap_binds_whoever_writes(db):
    scenes.hold(scenes.grant(scenes.published(order_cap_fen=300)), 1_000)

    assert refused(COPY.replace("eligible_fen, amount_fen, '", "9000, 301, '")) == "redemption_within_order_cap"


def test_a_yearly_cap_binds_whoever_writes(db):
    scenes.hold(scenes.grant(scenes.published(entity_year_cap_fen=500)), 1_000)

    assert refused(COPY) == "entity_year_within_cap"


def test_a_paused_programme_is_paused_for_everyone(grant, redemption):
    type(grant.programme).objects.update(status="paused")

    assert refused(COPY) == "redemption_programme_open"
