"""Accounts, batches, bank files and answers: what is wrong is named, and nothing of it is taken."""

import io
from functools import partial

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Interest, Membership, Organization, Role
from accounts.services import duties
from accounts.services.duties import Partial
from core import sheets
from core.sheets import UnreadableFile
from tests.vouchers import claims, scenes
from tests.vouchers.claims import CLAIMANT, FINANCE, LATER, OPERATOR, SECOND
from tests.vouchers.scenes import officer
from vouchers.models import BatchStatus, PaymentBatch, PaymentStatus
from vouchers.services.claims import bank_files, bank_results, payments, payouts, reimbursement, settling, steps
from vouchers.services.people import MakerIsChecker, PersonNeeded

pytestmark = pytest.mark.django_db
OTHER = 21


@pytest.fixture
def batch(quarter, provider):
    claims.account(provider)
    return claims.batch(claims.approved(quarter))


def take(made, content):
    return bank_results.take(batch=made, content=content, actor=officer(FINANCE), at=LATER)


def test_the_bank_file_has_a_row_a_payment_and_check_totals_and_no_formula(batch, provider):
    provider.name = "=HYPERLINK(1)"
    payment = batch.payments.select_related("claim__programme").get()
    payment.holder = provider.name

    text = bank_files.write(batch=batch, payments=[payment]).decode("utf-8-sig").splitlines()
    rows = openpyxl.load_workbook(
        io.BytesIO(bank_files.write(batch=batch, payments=[payment], kind=sheets.XLSX))
    ).active.iter_rows(values_only=True)

    assert text[0] == "reference,holder,account,bank,amount,purpose"
    assert text[1].startswith(f"{payment.reference},'=HYPERLINK(1),{payment.account_number},")
    assert '"50,000.00"' in text[1]
    assert text[2] == 'TOTAL,,,,"50,000.00",1'
    assert [row[0] for row in rows] == ["reference", payment.reference, "TOTAL"]


def test_a_released_batch_keeps_its_file_and_a_second_person_released_it(batch):
    with pytest.raises(MakerIsChecker):
        payments.release(batch=batch, actor=officer(FINANCE), at=LATER)

    made = payments.release(batch=batch, actor=officer(SECOND), at=LATER)

    assert (made.status, made.total_fen, made.payments_count) == (BatchStatus.RELEASED, 5_000_000, 1)
    assert made.payments.get().status == PaymentStatus.SENT
    assert made.payments.get().reference in bytes(made.file.content).decode()
    with pytest.raises(payments.PaidAlready):
        payments.make_batch(
            authority=made.authority, claims=[made.payments.get().claim], actor=officer(FINANCE), at=LATER
        )


def test_an_answer_that_is_not_this_batchs_is_refused_whole(batch):
    reference = batch.payments.get().reference
    with pytest.raises(bank_results.NotReleased):
        take(batch, claims.answer(batch))
    payments.release(batch=batch, actor=officer(SECOND), at=LATER)
    head = "reference,amount,result,serial,reason\n"
    wrong = {
        f"{reference},50000.00,perhaps,B1,": "result",
        f"{reference},fifty,paid,B1,": "amount",
        f"{reference},50000.001,paid,B1,": "amount",
        f"{reference},50000.00,paid,,": "number",
        f"{reference},50000.00,failed,,": "reason",
        "SY00,50000.00,paid,B1,": "reference",
        f"{reference},49999.99,paid,B1,": "amount",
        f"{reference},50000.00,paid,B1,\n{reference},50000.00,paid,B2,": "twice",
    }
    for rows in wrong:
        with pytest.raises(bank_results.BadResult) as refusal:
            take(batch, (head + rows).encode())
        assert refusal.value.extra["rows"][0]["line"] in (2, 3)
    for content in (b"amount,result\n1,paid", head.encode()):
        with pytest.raises(bank_results.BadResult):
            take(batch, content)
    with pytest.raises(UnreadableFile):
        take(batch, b"")
    assert batch.payments.get().status == PaymentStatus.SENT

    chinese = f'业务参考号,金额,结果,银行流水号,失败原因\n{reference},"50,000.00",成功,B1,'.encode("gb18030")
    assert take(batch, chinese).paid_fen == 5_000_000
    with pytest.raises(bank_results.NotReleased):
        take(batch, f"{head}{reference},50000.00,failed,,late".encode())


def test_a_serial_of_the_bank_stands_for_one_payment(quarter, courier, provider):
    claims.account(provider)
    first = claims.approved(quarter)
    one = payments.release(batch=claims.batch(first), actor=officer(SECOND), at=LATER)
    take(one, f"reference,amount,result,serial\n{one.payments.get().reference},50000.00,paid,B1".encode())
    grant = first.lines.first().redemption.grant
    claims.captured(grant, 1_000_000, courier, provider)
    two = payments.release(batch=claims.batch(claims.approved(quarter)), actor=officer(SECOND), at=LATER)

    with pytest.raises(settling.SerialUsed):
        take(two, f"reference,amount,result,serial\n{two.payments.get().reference},3000.00,paid,B1".encode())


def test_a_batch_is_of_payable_claims_of_one_authority(quarter, provider):
    claim = claims.approved(quarter)
    wanted = {"actor": officer(FINANCE), "at": LATER}

    with pytest.raises(payments.BadBatch):
        payments.make_batch(authority=quarter.authority, claims=[], **wanted)
    with pytest.raises(payments.NotPayable):
        payments.make_batch(authority=quarter.authority, claims=[claim], **wanted)
    steps.take_over(claim=claim, **wanted)
    with pytest.raises(payments.NotPayable):
        payments.make_batch(authority=scenes.authority(), claims=[claim], **wanted)
    with pytest.raises(payments.AccountMissing):
        payments.make_batch(authority=quarter.authority, claims=[claim], **wanted)


def interested(number, organization):
    Interest.objects.create(user=officer(number).user, organization=organization, note="n", declared_at=LATER)


def test_nobody_pays_a_claimant_in_whom_they_have_an_interest(quarter, provider):
    claim = claims.approved(quarter)
    claims.account(provider)
    steps.take_over(claim=claim, actor=officer(FINANCE), at=LATER)
    wanted = {"authority": quarter.authority, "claims": [claim], "at": LATER}
    interested(FINANCE, provider)
    with pytest.raises(Partial, match=provider.name):
        payments.make_batch(actor=officer(FINANCE), **wanted)
    assert not PaymentBatch.objects.exists()

    made = payments.make_batch(actor=officer(SECOND), **wanted)
    with pytest.raises(Partial, match=provider.name):
        payments.release(batch=made, actor=officer(FINANCE), at=LATER)
    made = payments.release(batch=made, actor=officer(OTHER), at=LATER)
    with pytest.raises(Partial, match=provider.name):
        take(made, claims.answer(made))
    bank_results.take(batch=made, content=claims.answer(made), actor=officer(SECOND), at=LATER)
    made.refresh_from_db()
    with pytest.raises(Partial, match=provider.name):
        payments.reconcile(batch=made, actor=officer(FINANCE), at=LATER)
    assert payments.reconcile(batch=made, actor=officer(SECOND), at=LATER).status == BatchStatus.RECONCILED


def test_whoever_turns_out_to_have_an_interest_gives_the_batch_up(batch, provider):
    interested(FINANCE, provider)

    assert payments.cancel(batch=batch, actor=officer(FINANCE), at=LATER).status == BatchStatus.CANCELLED


def test_every_claimant_of_a_batch_is_asked_about_in_one_query(batch, provider):
    theirs, second = [scenes.provider() for _number in range(12)], officer(SECOND).user
    Membership.objects.create(user=second, organization=theirs[0], role=Role.OWNER)
    for one in theirs[1:]:
        interested(SECOND, one)
    every = Organization.objects.filter(pk__in=[provider.pk, *(one.pk for one in theirs)])

    with CaptureQueriesContext(connection) as queries, pytest.raises(Partial) as refusal:
        duties.require_impartial_among(user=second, among=every)

    named = sorted(one.name for one in theirs)[: duties.MOST_NAMED]
    assert (len(queries), ", ".join(named) in refusal.value.detail) == (1, True)


def test_an_account_is_verified_by_another_person_and_replaces_the_one_before(provider):
    first = claims.account(provider)
    facts = {"organization": provider, "bank": "工商银行", "number": "6222-0000 1111", "at": LATER}
    second = payouts.declare(holder=f" {provider.name} ", actor=officer(CLAIMANT), **facts)

    interested(OTHER, provider)
    strangers = ((officer(CLAIMANT), MakerIsChecker), (scenes.Actor(), PersonNeeded), (officer(OTHER), Partial))
    for actor, refusal in strangers:
        with pytest.raises(refusal):
            payouts.verify(account=second, **claims.permit(second), actor=actor, at=LATER)
    payouts.verify(account=second, **claims.permit(second), actor=officer(OPERATOR), at=LATER)
    with pytest.raises(payouts.BadAccount):
        payouts.verify(account=second, **claims.permit(second), actor=officer(OPERATOR), at=LATER)

    assert list(provider.payout_accounts.current()) == [second]
    first.refresh_from_db()
    assert first.retired_at == LATER
    for bad in ({"holder": "x"}, {"number": "12"}, {"bank": " "}):
        with pytest.raises(payouts.BadAccount):
            payouts.declare(**({"holder": provider.name, "actor": officer(CLAIMANT)} | facts | bad))


def test_an_account_is_turned_down_by_another_person_with_a_reason_and_stays_so(provider):
    used = claims.account(provider)
    facts = {"organization": provider, "holder": provider.name, "bank": "工商银行", "number": "622200001111"}
    wrong = payouts.declare(**facts, actor=officer(CLAIMANT), at=LATER)
    refusals = [
        (officer(CLAIMANT), "户名不符", MakerIsChecker),
        (scenes.Actor(), "户名不符", PersonNeeded),
        (officer(OPERATOR), " ", payouts.BadAccount),
    ]
    for actor, reason, refusal in refusals:
        with pytest.raises(refusal):
            payouts.refuse(account=wrong, reason=reason, actor=actor, at=LATER)
    wrong.refresh_from_db()
    assert wrong.state == "declared"

    payouts.refuse(account=wrong, reason=" 户名不符 ", actor=officer(OPERATOR), at=LATER)

    for again in (partial(payouts.verify, **claims.permit(wrong)), partial(payouts.refuse, reason="再次")):
        with pytest.raises(payouts.BadAccount):
            again(account=wrong, actor=officer(SECOND), at=LATER)
    with pytest.raises(payouts.BadAccount):
        payouts.refuse(account=used, reason="不再使用", actor=officer(OPERATOR), at=LATER)
    wrong.refresh_from_db()
    assert (wrong.state, wrong.refusal, wrong.verified_at) == ("rejected", "户名不符", None)
    assert list(provider.payout_accounts.current()) == [used]


def test_the_pack_for_the_authority_has_every_line_and_their_sum(batch, provider):
    book = openpyxl.load_workbook(io.BytesIO(reimbursement.workbook(batch=batch))).active

    rows = list(book.iter_rows(values_only=True))
    assert len(rows) == 1 + 3 + 1
    assert {row[3] for row in rows[1:4]} == {provider.name}
    assert rows[-1][10] == "50,000.00"
    assert reimbursement.summary(batch=batch).startswith(b"%PDF-1.7")
