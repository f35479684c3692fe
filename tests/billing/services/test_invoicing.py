"""Invoices: a month's charges, numbered without gaps, that add up."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from billing import reconciliation, selectors
from billing.models import Charge, Invoice, InvoiceLine, InvoiceSeries, UninvoicedCharge
from billing.services import invoicing
from core.constraints import constraint_name
from core.ids import uuid7
from tests.billing import scenes
from tests.billing.scenes import CARD_HOUR_MS
from tests.market import scenes as markets
from tests.owning import as_owner

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
CLOSED = datetime(2026, 11, 4, tzinfo=UTC)
FULL = 2 * CARD_HOUR_MS


@pytest.fixture
def reservation(buyer, offering, grant):
    """Two hours of October, charged."""
    made = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(made, FULL, CARD_HOUR_MS)
    scenes.rate(made)
    return made


def issue(provider, buyer, month_on=OCTOBER, at=CLOSED):
    return invoicing.issue(issuer=provider, buyer=buyer, month_on=month_on, at=at)


def test_an_invoice_has_every_charge_of_the_month(reservation, provider, buyer):
    invoice = issue(provider, buyer)

    assert (invoice.year, invoice.number) == (2026, 1)
    assert (invoice.amount_fen, invoice.voucher_fen, invoice.wallet_fen) == (600, 300, 300)
    assert invoice.lines.count() == 2
    assert invoice.display_number == f"{provider.credit_code[-6:]}-2026-000001" == str(invoice)


def test_a_months_invoice_is_issued_once(reservation, provider, buyer):
    issue(provider, buyer)
    before = scenes.rows()

    assert issue(provider, buyer) is None

    assert scenes.rows() == before


def test_a_month_without_charges_has_no_invoice_and_takes_no_number(reservation, provider, buyer):
    assert issue(provider, buyer, month_on=date(2026, 9, 1)) is None
    assert issue(provider, markets.buyer()) is None

    assert not Invoice.objects.exists()
    assert InvoiceSeries.objects.get().last_number == 0


def test_a_charge_that_comes_too_late_is_on_the_next_invoice(reservation, provider, buyer):
    issue(provider, buyer)
    scenes.meter(reservation, CARD_HOUR_MS)
    scenes.rate(reservation)

    assert issue(provider, buyer) is None
    following = issue(provider, buyer, month_on=NOVEMBER, at=CLOSED + timedelta(days=30))

    assert (following.number, following.amount_fen, following.voucher_fen) == (2, -200, -100)


def test_numbers_follow_each_other_per_issuer_and_year(reservation, provider, buyer, offering):
    other = scenes.funded_buyer()
    second = scenes.reserve(other, offering)
    scenes.meter(second, FULL)
    scenes.rate(second)

    numbers = [issue(provider, who).number for who in (buyer, other)]
    scenes.meter(second, CARD_HOUR_MS)
    scenes.rate(second)
    new_year = issue(provider, other, month_on=NOVEMBER, at=datetime(2027, 1, 4, tzinfo=UTC))

    assert numbers == [1, 2]
    assert (new_year.year, new_year.number) == (2027, 1)


@pytest.mark.parametrize(
    ("at", "month_on"),
    [
        (datetime(2026, 11, 3, 15, 59, tzinfo=UTC), date(2026, 9, 1)),
        (datetime(2026, 11, 3, 16, 0, tzinfo=UTC), OCTOBER),
        (datetime(2027, 1, 20, tzinfo=UTC), date(2026, 12, 1)),
    ],
)
def test_a_month_is_closed_after_three_days_of_grace_in_shanghai(at, month_on):
    assert invoicing.closed_month(at=at) == month_on


def test_what_is_due_are_pairs_with_charges_and_no_invoice(reservation, provider, buyer):
    assert invoicing.due(at=CLOSED - timedelta(days=1)) == []
    assert invoicing.due(at=CLOSED) == [invoicing.Due(provider.pk, buyer.pk, OCTOBER)]

    issue(provider, buyer)

    assert invoicing.due(at=CLOSED) == []


def test_a_bill_adds_charges_up_by_order(reservation, provider, buyer, offering):
    invoice = issue(provider, buyer)

    (line,) = selectors.bill_lines(invoice)

    assert (line["order_id"], line["offering_name"]) == (reservation.order_id, offering.name)
    assert (line["hours"], line["total_ms"]) == (2, 3 * CARD_HOUR_MS)
    assert (line["total_fen"], line["total_voucher_fen"], line["total_wallet_fen"]) == (600, 300, 300)


def run(statement, params):
    with as_owner(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)
        connection.check_constraints()


def refusal_of(statement, params=()):
    with pytest.raises(IntegrityError) as refusal:
        run(statement, params)
    return refusal.value.__cause__.diag.constraint_name


INSERT = """
INSERT INTO billing_invoice
    (id, created_at, issuer_id, buyer_id, year, number, month_on, amount_fen, voucher_fen, wallet_fen, issued_at)
VALUES (%s, now(), %s, %s, 2026, %s, '2026-11-01', %s, 0, %s, now())
"""


def test_raw_sql_cannot_leave_a_gap_in_the_numbers(reservation, provider, buyer):
    issue(provider, buyer)

    for number in (1, 3):
        assert refusal_of(INSERT, [uuid7(), provider.pk, buyer.pk, number, 0, 0]) == "invoice_number_gapless"

    assert Invoice.objects.count() == 1


def test_raw_sql_cannot_issue_an_invoice_that_is_not_the_sum_of_its_lines(reservation, provider, buyer):
    issue(provider, buyer)

    assert refusal_of(INSERT, [uuid7(), provider.pk, buyer.pk, 2, 5, 5]) == "invoice_is_sum_of_lines"

    assert Invoice.objects.count() == 1


def test_raw_sql_cannot_add_a_line_to_an_invoice(reservation, provider, buyer):
    invoice = issue(provider, buyer)
    scenes.meter(reservation, FULL, first=2)
    charge = scenes.rate(reservation)[-1]

    statement = "INSERT INTO billing_invoiceline (invoice_id, charge_id) VALUES (%s, %s)"
    assert refusal_of(statement, [invoice.pk, charge.pk]) == "invoice_is_sum_of_lines"

    assert InvoiceLine.objects.count() == 2


@pytest.mark.parametrize("wrong", [{"buyer": True}, {"issuer": True}, {"month_on": date(2026, 9, 1)}])
def test_the_application_cannot_bill_what_is_of_others_or_of_a_later_month(reservation, provider, buyer, wrong):
    others = {"buyer": markets.buyer, "issuer": markets.provider}
    stated = {"buyer": buyer, "issuer": provider, "month_on": OCTOBER}
    stated |= {name: others[name]() if value is True else value for name, value in wrong.items()}
    sums = {"amount_fen": 600, "voucher_fen": 300, "wallet_fen": 300}

    @transaction.atomic
    def bill() -> None:
        invoice = Invoice.objects.create(year=2026, number=1, issued_at=CLOSED, **stated, **sums)
        InvoiceLine.objects.bulk_create(InvoiceLine(invoice=invoice, charge=one) for one in Charge.objects.all())

    with pytest.raises(IntegrityError) as refusal:
        bill()

    assert constraint_name(refusal.value) == "invoice_is_of_its_parties"


@pytest.mark.parametrize("table", ["billing_invoice", "billing_invoiceline"])
def test_raw_sql_cannot_delete_an_invoice(reservation, provider, buyer, table):
    issue(provider, buyer)

    assert refusal_of(f"DELETE FROM {table}") == f"{table}_append_only"

    assert Charge.objects.uninvoiced().count() == 0


def test_what_no_invoice_has_is_listed_by_its_facts_and_by_nobody_else(reservation, provider, buyer):
    charges = set(Charge.objects.values_list("pk", "provider", "buyer", "hour"))
    assert len(charges) == 2
    assert set(UninvoicedCharge.objects.values_list("charge", "provider", "buyer", "hour")) == charges
    assert [(one.issuer_id, one.buyer_id) for one in invoicing.due(at=CLOSED)] == [(provider.pk, buyer.pk)]
    told = "uninvoiced_charge_told_by_its_facts"
    assert refusal_of("DELETE FROM billing_uninvoicedcharge") == told
    copied = "INSERT INTO billing_uninvoicedcharge TABLE billing_uninvoicedcharge"
    assert refusal_of(copied) == told
    assert refusal_of("UPDATE billing_uninvoicedcharge SET hour = now()") == "uninvoiced_charge_kept"

    issue(provider, buyer)

    assert not UninvoicedCharge.objects.exists()
    assert invoicing.due(at=CLOSED) == []


def test_a_charge_that_is_missing_on_the_list_is_found_by_who_checks_the_books(reservation, provider, buyer):
    assert reconciliation.discrepancies() == []
    connection.check_constraints()

    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_uninvoicedcharge DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM billing_uninvoicedcharge WHERE hour = (SELECT min(hour) FROM billing_charge)")
        cursor.execute("UPDATE billing_uninvoicedcharge SET hour = hour - interval '1 month'")

    # One that waits is not listed; of the other, one hour waits and another is listed.
    assert reconciliation.discrepancies() == [("what waits for an invoice is what no invoice has", 3)]


def test_a_charge_is_on_one_invoice_only(reservation, provider, buyer):
    invoice = issue(provider, buyer)
    charge = Charge.objects.first()

    statement = "INSERT INTO billing_invoiceline (invoice_id, charge_id) VALUES (%s, %s)"
    assert refusal_of(statement, [invoice.pk, charge.pk]) == "billing_invoiceline_charge_id_key"
