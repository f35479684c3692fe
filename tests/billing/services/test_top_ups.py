"""Top-ups by bank transfer: asked for, seen by one person, confirmed by another."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEntry, Membership, Role
from accounts.services.audit import Actor
from accounts.services.duties import Partial
from billing import selectors
from billing.gateways import bank_transfer
from billing.models import TopUp, TopUpMethod, TopUpStatus
from billing.services import top_ups
from core.errors import IllegalMove
from tests.billing import scenes
from tests.billing.scenes import AT
from tests.market import scenes as markets
from tests.owning import as_owner


@pytest.fixture
def poor(db):
    return scenes.funded_buyer(0)


def create(who, *, method=TopUpMethod.BANK_TRANSFER, fen=12_345):
    return top_ups.create(organization=who, method=method, amount_fen=fen, actor=Actor(organization=who), at=AT)


def test_a_transfer_gets_a_reference_to_quote(poor):
    asked = create(poor)

    assert (asked.status, asked.asked_at, asked.finished_at) == (TopUpStatus.CREATED, AT, None)
    assert bank_transfer.reference_in(f"货款 {asked.bank_reference}") == asked.bank_reference
    assert AuditEntry.objects.get(verb="top-up.created").after == {"amount_fen": 12_345, "method": "bank_transfer"}


def test_a_payment_by_phone_has_no_reference(poor):
    assert create(poor, method=TopUpMethod.ALIPAY).bank_reference is None


@pytest.mark.parametrize(
    ("method", "fen"),
    [
        (TopUpMethod.BANK_TRANSFER, 0),
        (TopUpMethod.BANK_TRANSFER, -1),
        (TopUpMethod.BANK_TRANSFER, 50_000_000_01),
        (TopUpMethod.ALIPAY, 50_000_01),
        (TopUpMethod.WECHAT_PAY, 50_000_01),
    ],
)
def test_an_amount_that_the_method_does_not_take_is_refused(poor, method, fen):
    with pytest.raises(top_ups.BadAmount) as refusal:
        create(poor, method=method, fen=fen)

    assert list(refusal.value.fields) == ["amount_fen"]
    assert not TopUp.objects.exists()


@pytest.mark.parametrize("method", TopUpMethod)
def test_the_most_that_a_method_takes_is_taken(poor, method):
    assert create(poor, method=method, fen=top_ups.MOST_FEN[method]).status == TopUpStatus.CREATED


def test_only_a_buyer_has_a_wallet(db):
    with pytest.raises(top_ups.NoWallet):
        create(markets.provider())

    assert not TopUp.objects.exists()


def test_two_people_bring_a_transfer_into_the_wallet(poor):
    asked, one, other = create(poor), scenes.person("one"), scenes.person("other")

    top_ups.register_transfer(top_up=asked, by=one, at=AT)
    assert TopUp.objects.get().status == TopUpStatus.PENDING
    assert selectors.wallet(poor).balance_fen == 0
    top_ups.confirm_transfer(top_up=asked, by=other, at=AT)

    done = TopUp.objects.get()
    assert (done.status, done.registered_by, done.confirmed_by, done.finished_at) == ("succeeded", one, other, AT)
    assert selectors.wallet(poor).balance_fen == 12_345
    assert scenes.fen("bank-clearing") == -12_345
    assert list(AuditEntry.objects.order_by("id").values_list("verb", "actor__username")) == [
        ("top-up.created", None),
        ("top-up.registered", "one"),
        ("top-up.confirmed", "other"),
    ]
    assert scenes.broken() == []


@pytest.mark.parametrize("registered", [False, True])
def test_what_did_not_come_or_was_registered_by_mistake_is_closed_with_a_reason_and_credits_nothing(poor, registered):
    asked, one, other = create(poor), scenes.person("one"), scenes.person("other")
    if registered:
        top_ups.register_transfer(top_up=asked, by=one, at=AT)
    with pytest.raises(top_ups.ReasonMissing):
        top_ups.close_transfer(top_up=asked, reason=" ", by=other, at=AT)

    top_ups.close_transfer(top_up=asked, reason="Another firm's money", by=other, at=AT)

    done = TopUp.objects.get()
    assert (done.status, done.finished_at) == (TopUpStatus.CANCELLED, AT)
    assert AuditEntry.objects.get(verb="top-up.closed").after == {"reason": "Another firm's money"}
    with pytest.raises(IllegalMove):
        top_ups.close_transfer(top_up=done, reason="Again", by=other, at=AT)
    with pytest.raises(IllegalMove):
        top_ups.register_transfer(top_up=done, by=other, at=AT)
    assert selectors.wallet(poor).balance_fen == 0


def test_one_person_alone_confirms_nothing(poor):
    asked, one = create(poor), scenes.person()
    top_ups.register_transfer(top_up=asked, by=one, at=AT)
    before = scenes.rows()

    with pytest.raises(top_ups.SecondPersonNeeded):
        top_ups.confirm_transfer(top_up=asked, by=one, at=AT)

    assert scenes.rows() == before


def test_nobody_brings_money_into_the_wallet_of_an_own_organisation(poor):
    asked, theirs, other = create(poor), scenes.person(), scenes.person()
    Membership.objects.create(user=theirs, organization=poor, role=Role.OWNER)
    with pytest.raises(Partial):
        top_ups.register_transfer(top_up=asked, by=theirs, at=AT)
    top_ups.register_transfer(top_up=asked, by=other, at=AT)
    before = scenes.rows()

    with pytest.raises(Partial):
        top_ups.confirm_transfer(top_up=asked, by=theirs, at=AT)

    assert scenes.rows() == before


def test_a_transfer_that_nobody_has_seen_is_not_confirmed(poor):
    asked, person = create(poor), scenes.person()
    before = scenes.rows()

    with pytest.raises(top_ups.SecondPersonNeeded):
        top_ups.confirm_transfer(top_up=asked, by=person, at=AT)

    assert scenes.rows() == before


def test_nobody_takes_over_a_registration_to_confirm_their_own(poor):
    asked, one, other = create(poor), scenes.person(), scenes.person()
    top_ups.register_transfer(top_up=asked, by=one, at=AT)
    before = scenes.rows()

    with pytest.raises(IllegalMove):
        top_ups.register_transfer(top_up=asked, by=other, at=AT)

    assert scenes.rows() == before


def test_a_transfer_is_credited_once(poor):
    asked, one, other = create(poor), scenes.person(), scenes.person()
    top_ups.register_transfer(top_up=asked, by=one, at=AT)
    top_ups.confirm_transfer(top_up=asked, by=other, at=AT)
    before = scenes.rows()

    with pytest.raises(IllegalMove):
        top_ups.confirm_transfer(top_up=asked, by=other, at=AT)

    assert scenes.rows() == before


def refusal_of(statement, params=()):
    with (
        as_owner(),
        pytest.raises(IntegrityError) as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, params)
    return refusal.value.__cause__.diag.constraint_name


def test_raw_sql_cannot_let_one_person_confirm(poor):
    one = scenes.person()
    asked = create(poor)
    top_ups.register_transfer(top_up=asked, by=one, at=AT)

    succeed = "UPDATE billing_topup SET status = 'succeeded', finished_at = now()"
    assert refusal_of(succeed + ", confirmed_by_id = %s", [one.pk]) == "top_up_maker_is_not_checker"
    assert refusal_of(succeed) == "top_up_transfer_has_two_people"

    assert TopUp.objects.get().status == TopUpStatus.PENDING


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("amount_fen = amount_fen + 1", "top_up_identity"),
        ("method = 'alipay'", "top_up_identity"),
        ("bank_reference = 'SY'", "top_up_identity"),
        ("status = 'created'", "billing_topup_moves"),
        ("status = 'failed'", "top_up_finished_has_time"),
        ("finished_at = now()", "top_up_finished_has_time"),
    ],
)
def test_raw_sql_cannot_change_what_a_top_up_is(poor, change, constraint):
    asked = create(poor)
    top_ups.register_transfer(top_up=asked, by=scenes.person(), at=AT)

    assert refusal_of(f"UPDATE billing_topup SET {change}") == constraint

    assert TopUp.objects.get().amount_fen == 12_345


def test_raw_sql_cannot_delete_a_top_up(poor):
    create(poor)

    assert refusal_of("DELETE FROM billing_topup") == "billing_topup_append_only"


def test_a_statement_shows_the_latest_movement_first(poor):
    scenes.top_up(poor, 100)
    scenes.top_up(poor, 200)

    assert [line.amount_fen for line in selectors.wallet_statement(poor)] == [200, 100]
    assert selectors.wallet_statement(markets.buyer()).count() == 0
