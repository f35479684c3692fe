"""Settlements: what providers are owed, and what authorities owe of it."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction

from billing.models import AuthorityPayable, CommissionBasis, Settlement, SettlementLine
from billing.services import invoicing, settlement
from core.constraints import constraint_name
from tests.billing import scenes
from tests.billing.scenes import CARD_HOUR_MS
from tests.billing.services.test_invoicing import CLOSED, FULL, NOVEMBER, OCTOBER
from tests.owning import as_owner
from vouchers.models import Programme


@pytest.fixture
def reservation(buyer, provider, offering, grant):
    made = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(made, FULL, CARD_HOUR_MS)
    scenes.rate(made)
    return made


@pytest.fixture
def invoiced(reservation, buyer, provider):
    return invoicing.issue(issuer=provider, buyer=buyer, month_on=OCTOBER, at=CLOSED)


def settle(provider, month_on=OCTOBER, at=CLOSED):
    return settlement.settle(provider=provider, month_on=month_on, at=at)


def test_a_settlement_says_what_is_left_after_commission(invoiced, provider, programme):
    made = settle(provider)

    assert (made.gross_fen, made.net_fen, made.commission_fen, made.vat_fen) == (600, 585, 14, 1)
    payable = AuthorityPayable.objects.get()
    assert (payable.settlement, payable.programme, payable.amount_fen) == (made, programme, 300)
    assert SettlementLine.objects.get().invoice == invoiced
    # Of own money the platform takes its commission, of public money what the programme says: nothing.
    bases = CommissionBasis.objects.order_by("pk").values_list("programme", "rate_bp", "amount_fen")
    assert list(bases) == [(None, 500, 300), (programme.pk, 0, 300)]


def test_a_settlement_moves_what_is_owed_in_the_ledger(invoiced, provider, programme):
    settle(provider)

    assert scenes.fen(f"provider-payable/{provider.pk}") == 0
    assert scenes.fen(f"payout-due/{provider.pk}") == 585
    assert scenes.fen(f"authority-receivable/{programme.pk}") == 0
    assert scenes.fen(f"authority-billed/{programme.pk}") == -300
    assert scenes.broken() == []


def test_a_month_is_settled_once(invoiced, provider):
    settle(provider)
    before = scenes.rows()

    assert settle(provider) is None

    assert scenes.rows() == before


def test_a_month_without_invoices_has_no_settlement(reservation, provider):
    before = scenes.rows()

    assert settle(provider) is None

    assert scenes.rows() == before


def test_a_correction_lowers_the_next_settlement(invoiced, reservation, buyer, provider, programme):
    settle(provider)
    scenes.meter(reservation, CARD_HOUR_MS)
    scenes.rate(reservation)
    later = CLOSED + timedelta(days=30)
    invoicing.issue(issuer=provider, buyer=buyer, month_on=NOVEMBER, at=later)

    made = settle(provider, month_on=NOVEMBER, at=later)

    assert (made.gross_fen, made.net_fen) == (-200, -195)
    assert made.authority_payables.get().amount_fen == -100
    assert scenes.fen(f"payout-due/{provider.pk}") == 390
    assert scenes.fen(f"authority-billed/{programme.pk}") == -200
    assert scenes.broken() == []


def test_a_month_is_settled_without_the_bills_of_later_months(invoiced, reservation, buyer, provider):
    scenes.meter(reservation, FULL, FULL)
    scenes.rate(reservation)
    later = CLOSED + timedelta(days=30)
    invoicing.issue(issuer=provider, buyer=buyer, month_on=NOVEMBER, at=later)

    assert [settle(provider, month_on=month, at=later).gross_fen for month in (OCTOBER, NOVEMBER)] == [600, 200]


def test_each_programme_owes_what_its_vouchers_paid(invoiced, reservation, provider, offering, programme):
    other = scenes.funded_buyer()
    third = scenes.programme([provider], ratio_bp=3_000, changes={"settlement.platform_fee_on_voucher_bp": 200})
    second = scenes.reserve(other, offering, voucher=scenes.grant(other, third))
    scenes.meter(second, FULL)
    scenes.rate(second)
    invoicing.issue(issuer=provider, buyer=other, month_on=OCTOBER, at=CLOSED)

    made = settle(provider)

    owed = dict(made.authority_payables.values_list("programme_id", "amount_fen"))
    assert owed == {programme.pk: 300, third.pk: 120}
    # 5 % of 300 is 15; of the other order 5 % of 280 and 2 % of 120 are 16.40: rounded down once for each.
    assert (made.gross_fen, made.commission_fen + made.vat_fen, made.net_fen) == (1_000, 15 + 16, 969)
    bases = made.commission_bases.values_list("programme", "rate_bp", "amount_fen")
    assert set(bases) == {(None, 500, 580), (programme.pk, 0, 300), (third.pk, 200, 120)}
    assert scenes.broken() == []


def test_what_was_set_aside_before_programmes_had_a_say_keeps_one_rate(buyer, provider, offering, grant, programme):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_funding DISABLE TRIGGER USER")
        cursor.execute("UPDATE billing_funding SET voucher_commission_bp = NULL")
        cursor.execute("ALTER TABLE billing_funding ENABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)
    invoicing.issue(issuer=provider, buyer=buyer, month_on=OCTOBER, at=CLOSED)

    made = settle(provider)

    assert (made.gross_fen, made.net_fen, made.commission_fen, made.vat_fen) == (400, 380, 19, 1)
    bases = made.commission_bases.values_list("programme", "rate_bp", "amount_fen")
    assert set(bases) == {(None, 500, 200), (programme.pk, 500, 200)}
    assert scenes.broken() == []


def test_cash_alone_leaves_authorities_alone(buyer, provider, offering):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)
    invoicing.issue(issuer=provider, buyer=buyer, month_on=OCTOBER, at=CLOSED)

    made = settle(provider)

    assert made.gross_fen == 400
    assert not AuthorityPayable.objects.exists()


def test_what_is_due_waits_for_every_invoice_but_not_for_what_comes_too_late_for_one(
    reservation, buyer, provider, offering
):
    other = scenes.reserve(scenes.funded_buyer(), offering)
    scenes.meter(other, FULL)
    scenes.rate(other)
    assert settlement.due(at=CLOSED) == []
    first = invoicing.issue(issuer=provider, buyer=buyer, month_on=OCTOBER, at=CLOSED)
    assert settlement.due(at=CLOSED) == []
    second = invoicing.issue(issuer=provider, buyer=other.order.buyer, month_on=OCTOBER, at=CLOSED)
    assert settlement.due(at=CLOSED) == [settlement.Due(provider.pk, OCTOBER)]

    scenes.meter(reservation, FULL, first=2)
    scenes.rate(reservation)
    assert invoicing.due(at=CLOSED) == []
    assert settlement.due(at=CLOSED) == [settlement.Due(provider.pk, OCTOBER)]
    assert settle(provider).gross_fen == first.amount_fen + second.amount_fen == 1_000


def test_what_was_settled_is_not_due(invoiced, provider):
    settle(provider)

    assert settlement.due(at=CLOSED) == []


def test_raw_sql_cannot_state_more_bases_than_the_gross_amount(invoiced, provider):
    made = settle(provider)

    with pytest.raises(IntegrityError, match="not its gross amount"), transaction.atomic():
        CommissionBasis.objects.create(settlement=made, rate_bp=100, amount_fen=1)

    assert made.commission_bases.count() == 2


@transaction.atomic
def committed(write):
    write()
    connection.check_constraints()


def refused_by(write):
    with pytest.raises(IntegrityError) as refusal:
        committed(write)
    return constraint_name(refusal.value)


def test_the_application_cannot_state_a_settlement_that_is_not_the_sum_of_its_invoices(invoiced, provider, buyer):
    right = {"gross_fen": 600, "commission_fen": 14, "vat_fen": 1, "net_fen": 585}

    def write(invoices=(invoiced,), of=provider, month_on=OCTOBER, bases=600, owed=300, **sums):
        made = Settlement.objects.create(provider=of, month_on=month_on, settled_at=CLOSED, **(right | sums))
        SettlementLine.objects.bulk_create(SettlementLine(settlement=made, invoice=one) for one in invoices)
        if bases:
            CommissionBasis.objects.create(settlement=made, rate_bp=500, amount_fen=bases)
        if owed:
            AuthorityPayable.objects.create(settlement=made, programme=Programme.objects.get(), amount_fen=owed)

    sums = "settlement_is_sum_of_invoices"
    assert refused_by(partial(write, gross_fen=601, net_fen=586, bases=601)) == sums
    assert refused_by(partial(write, commission_fen=13, net_fen=586)) == sums
    assert refused_by(partial(write, of=buyer)) == sums
    assert refused_by(partial(write, month_on=OCTOBER - timedelta(days=30))) == sums
    assert refused_by(partial(write, invoices=[], owed=0)) == sums
    assert refused_by(partial(write, bases=0)) == "commission_bases_add_up"
    assert refused_by(partial(write, owed=0)) == "authority_payables_add_up"
    assert refused_by(partial(write, owed=299)) == "authority_payables_add_up"
    assert not Settlement.objects.exists()

    committed(write)


@pytest.mark.parametrize(
    "table", ["billing_settlement", "billing_settlementline", "billing_authoritypayable", "billing_commissionbasis"]
)
def test_raw_sql_cannot_change_a_settlement(invoiced, provider, table):
    settle(provider)

    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
        with (
            as_owner(),
            pytest.raises(IntegrityError, match=table),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

    assert Settlement.objects.get().net_fen == 585
