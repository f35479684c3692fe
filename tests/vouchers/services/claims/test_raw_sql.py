"""What the application's own role cannot do to claims and payments, however it asks."""

import pytest

from accounts.models import Interest
from tests.vouchers import claims
from tests.vouchers.claims import FINANCE, LATER, SECOND
from tests.vouchers.scenes import officer
from tests.vouchers.test_raw_sql import refused
from vouchers.services.claims import payments, payouts

pytestmark = pytest.mark.django_db
ELSEWHERE = 9


@pytest.fixture
def released(quarter):
    claim = claims.approved(quarter)
    claims.account(claim.claimant)
    batch = claims.batch(claim)
    return payments.release(batch=batch, actor=officer(SECOND), at=LATER)


LINE = """
INSERT INTO vouchers_claimline (claim_id, number, status, kind, generation, redemption_id, buyer_id, provider_id,
    eligible_fen, amount_fen, spending, contract_no, sampled, reason, note, answer, accepted_fen)
SELECT claim_id, 99, status, kind, generation, redemption_id, buyer_id, provider_id, eligible_fen, amount_fen, spending,
    contract_no, sampled, reason, note, answer, accepted_fen FROM vouchers_claimline LIMIT 1
"""
HANDS = "UPDATE vouchers_claim SET {0} = {1}"
PAY = """
INSERT INTO vouchers_payment (id, created_at, status, batch_id, claim_id, reference, amount_fen, payee_id, holder, bank,
    account_number, bank_serial, failure)
SELECT uuidv7(), now(), 'waiting', batch_id, claim_id, 'again', amount_fen, payee_id, holder, bank, account_number,
    '', ''
FROM vouchers_payment
"""


REFUSED = [
    ("UPDATE vouchers_claim SET amount_fen = amount_fen + 1", "claim_identity"),
    ("UPDATE vouchers_claim SET digest = 'x'", "claim_identity"),
    ("UPDATE vouchers_claim SET claimant_id = (SELECT owner_id FROM vouchers_grant)", "claim_identity"),
    ("UPDATE vouchers_claim SET seed = repeat('0', 64)", "claim_identity"),
    ("UPDATE vouchers_claim SET approved_fen = approved_fen - 1", "claim_approved_is_sum_of_accepted"),
    ("UPDATE vouchers_claim SET approved_fen = NULL", "claim_decided_by_someone"),
    (HANDS.format("decided_by_id", "checked_by_id"), "claim_maker_is_not_checker"),
    (HANDS.format("checked_by_id", "submitted_by_id"), "claim_maker_is_not_checker"),
    (HANDS.format("finance_by_id", "decided_by_id"), "claim_maker_is_not_checker"),
    ("DELETE FROM vouchers_claim", "vouchers_claim_append_only"),
    (LINE, "claim_line_redemption_live_once"),
    (
        LINE.replace("SELECT claim_id, 99, status", "SELECT claim_id, 99, 'freed'").replace(
            "answer, accepted_fen FROM", "answer, NULL FROM"
        ),
        "claim_lines_frozen",
    ),
    ("UPDATE vouchers_claimline SET amount_fen = amount_fen + 1", "claim_line_identity"),
    ("UPDATE vouchers_claimline SET accepted_fen = accepted_fen - 1", "claim_approved_is_sum_of_accepted"),
    (
        "UPDATE vouchers_claimline SET status = 'rejected', accepted_fen = NULL, reason = 'OTHER'",
        "claim_approved_is_sum_of_accepted",
    ),
    ("UPDATE vouchers_claimline SET accepted_fen = NULL", "claim_line_accepted_with_amount"),
    ("DELETE FROM vouchers_claimline", "vouchers_claimline_append_only"),
    ("UPDATE vouchers_claiminvoice SET live = false", "claim_invoice_kept"),
    ("UPDATE vouchers_claimevent SET amount_fen = 0", "vouchers_claimevent_append_only"),
    ("DELETE FROM vouchers_evidencepack", "vouchers_evidencepack_append_only"),
    ("UPDATE vouchers_keptfile SET content = 'x'", "vouchers_keptfile_append_only"),
    (
        "INSERT INTO vouchers_keptfile VALUES (repeat('0', 64), 'text/plain', 'x', now())",
        "kept_file_named_by_content",
    ),
    ("UPDATE vouchers_payment SET amount_fen = amount_fen + 1", "payment_identity"),
    ("UPDATE vouchers_payment SET account_number = '1'", "payment_identity"),
    ("UPDATE vouchers_payment SET status = 'paid'", "payment_paid_with_serial"),
    ("UPDATE vouchers_payment SET status = 'failed'", "payment_failed_with_reason"),
    ("DELETE FROM vouchers_payment", "vouchers_payment_append_only"),
    (PAY, "payment_is_what_was_approved"),
    ("UPDATE vouchers_paymentbatch SET total_fen = total_fen + 1", "payment_batch_identity"),
    ("UPDATE vouchers_paymentbatch SET released_by_id = made_by_id", "payment_batch_identity"),
    ("UPDATE vouchers_payoutaccount SET number = '123456'", "payout_account_identity"),
    ("UPDATE vouchers_payoutaccount SET verified_by_id = declared_by_id", "payout_account_identity"),
    (
        "UPDATE vouchers_payoutaccount SET refused_by_id = verified_by_id, refusal = 'x', retired_at = now()",
        "payout_account_refused_by_another_with_reason",
    ),
    ("UPDATE vouchers_payoutaccount SET confirmed_number = '1'", "payout_account_confirmation_kept"),
    ("UPDATE vouchers_payoutaccount SET compared_with = 'x'", "payout_account_confirmation_kept"),
    ("UPDATE vouchers_payoutaccount SET verified_at = now()", "payout_account_confirmation_kept"),
    ("UPDATE vouchers_payoutaccount SET refusal = 'x'", "payout_account_refused_by_another_with_reason"),
]


def test_the_database_refuses_what_no_service_does(released):
    found = [(statement, refused(statement)) for statement, _constraint in REFUSED]

    assert found == REFUSED


RESULT = """
INSERT INTO vouchers_bankresult (batch_id, file_id, imported_by_id, imported_at, paid_count, failed_count, paid_fen)
SELECT id, file_id, made_by_id, now(), 0, 0, 0 FROM vouchers_paymentbatch
"""


VERIFY = """
UPDATE vouchers_payoutaccount
SET verified_at = now(), verified_by_id = '{0}', confirmed_number = '{1}', compared_with = '{2}'
"""
ADD = """
INSERT INTO vouchers_payoutaccount (id, created_at, organization_id, holder, bank, number, declared_by_id, declared_at,
    verified_by_id, verified_at, confirmed_number, compared_with)
SELECT uuidv7(), now(), organization_id, holder, bank, '622200000000', declared_by_id, now(), '{0}', now(), '6222', 'x'
FROM vouchers_payoutaccount
"""


def test_nobody_verifies_an_account_by_another_number_or_by_a_paper_that_is_not_named(provider):
    facts = {
        "holder": provider.name,
        "bank": "工商银行",
        "number": "622200001111",
        "actor": officer(FINANCE),
        "at": LATER,
    }
    payouts.declare(organization=provider, **facts)
    by = officer(SECOND).user.pk

    for statement in (
        VERIFY.format(by, "622200001112", "permit"),
        VERIFY.format(by, "", "permit"),
        VERIFY.format(by, "622200001111", " "),
        ADD.format(by),
    ):
        assert (statement, refused(statement)) == (statement, "payout_account_number_confirmed")
    unverified = "UPDATE vouchers_payoutaccount SET confirmed_number = number"
    assert refused(unverified) == "payout_account_confirmed_when_verified"


def test_nobody_with_an_interest_in_a_payee_has_a_hand_in_its_payment(released):
    payee = released.payments.get().payee
    others = f"(SELECT id FROM accounts_user WHERE username = '{officer(ELSEWHERE).user.username}')"
    for number in (FINANCE, ELSEWHERE):
        Interest.objects.create(user=officer(number).user, organization=payee, note="n", declared_at=LATER)

    for statement in (PAY, RESULT, f"UPDATE vouchers_paymentbatch SET reconciled_by_id = {others}"):
        assert (statement, refused(statement)) == (statement, "payment_hand_is_impartial")


def test_nobody_with_an_interest_in_a_payee_releases_its_payment(quarter):
    claim = claims.approved(quarter)
    claims.account(claim.claimant)
    claims.batch(claim)
    second = officer(SECOND).user
    Interest.objects.create(user=second, organization=claim.claimant, note="n", declared_at=LATER)

    statement = f"UPDATE vouchers_paymentbatch SET released_by_id = '{second.pk}'"
    assert refused(statement) == "payment_hand_is_impartial"


def test_nobody_who_touched_a_claim_makes_or_releases_its_payment(quarter):
    claim = claims.approved(quarter)
    claims.account(claim.claimant)
    for number in (claims.CLAIMANT, claims.OPERATOR, claims.APPROVER):
        with pytest.raises(claims.MakerIsChecker):
            claims.steps.take_over(claim=claim, actor=officer(number), at=LATER)
    claims.steps.take_over(claim=claim, actor=officer(FINANCE), at=LATER)
    wanted = {"authority": claim.programme.authority, "claims": [claim], "at": LATER}
    with pytest.raises(claims.MakerIsChecker):
        payments.make_batch(actor=officer(claims.APPROVER), **wanted)
    batch = payments.make_batch(actor=officer(FINANCE), **wanted)
    for number in (FINANCE, claims.APPROVER, claims.OPERATOR):
        with pytest.raises(claims.MakerIsChecker):
            payments.release(batch=batch, actor=officer(number), at=LATER)
