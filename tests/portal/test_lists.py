"""Lists: pages by key, filters in the address, and a number of queries that does not grow with the rows."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import ApiKey
from billing.models import Charge, Invoice, Settlement
from core.periods import HOUR
from market.models import MeteredHour, Offering, Order, Usage, UsageBatch
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World

MANY = 30
MOST_QUERIES = 15
NASTY = [
    "",
    "\x00",
    "%00",
    "' OR 1=1",
    "9" * 40,
    "-1",
    "0",
    "½",
    "\ud7ff",
    "<b>",
    "nonsense",
    "2026-13-45",
    "0198f000-0000-7000-8000-000000000000",
]


def many_orders(world: World) -> None:
    for number in range(MANY):
        worlds.place(world, at=worlds.NOW, count=1, hours=1, name=f"订单 {number}")
    worlds.matching.run(at=worlds.NOW)


def many_offerings(world: World) -> None:
    for number in range(MANY):
        scenes.listed(world.provider, world.card, site=world.site, name=f"池 {number}", price_micro=2_000_000 + number)


def many_transfers(world: World) -> None:
    for _ in range(MANY):
        worlds.announce(world.buyer, 100_00)


def many_grants(world: World) -> None:
    for _ in range(MANY):
        worlds.grants.propose(
            programme=world.programme,
            owner=world.buyer,
            face_fen=100_00,
            actor=world.actor("officer1", world.authority),
            at=worlds.NOW,
        )


def many_movements(world: World) -> None:
    for _ in range(MANY):
        worlds.fill_wallet(world, world.buyer, 100, at=worlds.NOW)


def many_keys(world: World) -> None:
    ApiKey.objects.bulk_create(
        ApiKey(organization=world.buyer, name=str(number), prefix=str(number), secret_hash="", scopes=["read"])
        for number in range(MANY)
    )


def many_bills(world: World) -> None:
    months = [(worlds.NOW - timedelta(days=31 * number)).date().replace(day=1) for number in range(MANY)]
    Invoice.objects.bulk_create(
        Invoice(
            issuer=world.provider,
            buyer=world.buyer,
            year=2026,
            number=number + 1,
            month_on=month,
            amount_fen=1,
            voucher_fen=0,
            wallet_fen=1,
            issued_at=worlds.NOW,
        )
        for number, month in enumerate(months)
    )
    Settlement.objects.bulk_create(
        Settlement(
            provider=world.provider,
            month_on=month,
            gross_fen=3,
            commission_fen=1,
            vat_fen=1,
            net_fen=1,
            settled_at=worlds.NOW,
        )
        for month in months
    )


def many_reports(world: World) -> None:
    UsageBatch.objects.bulk_create(
        UsageBatch(
            provider=world.provider,
            idempotency_key=str(number),
            body_sha256=b"",
            signing_key=world.signing_key,
            signed_at=worlds.NOW,
            signature=b"",
            received_at=worlds.NOW,
            accepted=1,
            duplicates=0,
            conflicts=0,
            rejected=0,
        )
        for number in range(MANY)
    )


@pytest.mark.parametrize(
    ("name", "page", "fill"),
    [
        ("buyer", "overview", many_orders),
        ("buyer", "orders", many_orders),
        ("buyer", "market", many_offerings),
        ("buyer", "vouchers", many_grants),
        ("buyer", "wallet", many_movements),
        ("buyer", "bills", many_bills),
        ("buyer", "developer", many_keys),
        ("seller", "seller", many_orders),
        ("seller", "offerings", many_offerings),
        ("seller", "reservations", many_orders),
        ("seller", "usage", many_reports),
        ("seller", "settlements", many_bills),
        ("operator1", "transfers", many_transfers),
        ("officer1", "grants", many_grants),
    ],
)
def test_a_list_asks_few_questions_whatever_its_rows(
    world: World, sign_in: SignIn, name: str, page: str, fill: Callable[[World], None]
) -> None:
    client = sign_in(name)
    # Rolled back, because bills made up for this test have no lines, which the database refuses at the end.
    with transaction.atomic():
        fill(world)

        with CaptureQueriesContext(connection) as queries:
            answer = client.get(reverse(f"portal:{page}"))

        transaction.set_rollback(True)
    assert answer.status_code == 200
    assert len(queries) <= MOST_QUERIES, [query["sql"][:120] for query in queries]


def test_the_page_of_an_order_asks_few_questions(world: World, sign_in: SignIn) -> None:
    reservation = worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH, hours=60), at=worlds.LAST_MONTH)
    addresses = [
        ("buyer", reverse("portal:order", args=[reservation.order_id])),
        ("buyer", reverse("portal:voucher", args=[world.grant.pk])),
        ("buyer", reverse("portal:charge", args=[Charge.objects.order_by("pk")[0].pk])),
        ("seller", reverse("portal:reservation", args=[reservation.pk])),
        ("seller", reverse("portal:usage-batch", args=[UsageBatch.objects.get().pk])),
    ]

    for name, address in addresses:
        client = sign_in(name)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        assert (address, answer.status_code) == (address, 200)
        assert len(queries) <= MOST_QUERIES, "\n".join(
            [address, *(query["sql"].partition(" FROM ")[2][:90] for query in queries)]
        )


def walk(client: Client, address: str) -> list[Any]:
    """Follow a list to its end."""
    rows: list[Any] = []
    query = ""
    while True:
        page = client.get(address + query).context["page"]
        rows += page.rows
        if not page.next:
            return rows
        query = page.next


@pytest.mark.parametrize(
    ("name", "page", "fill", "model"),
    [("buyer", "orders", many_orders, Order), ("buyer", "market", many_offerings, Offering)],
)
def test_following_a_list_shows_every_row_once(
    world: World, sign_in: SignIn, name: str, page: str, fill: Callable[[World], None], model: Any
) -> None:
    fill(world)

    rows = walk(sign_in(name), reverse(f"portal:{page}"))

    assert len(rows) == model.objects.count()
    assert {row.pk for row in rows} == set(model.objects.values_list("pk", flat=True))


def test_the_market_is_narrowed_down(world: World, sign_in: SignIn) -> None:
    other = scenes.accelerator("other", domestic=False)
    dear = scenes.listed(world.provider, other, site=world.site, count=2, price_micro=9_000_000, category="HPC")
    scenes.draft(world.provider, other, name="not for sale")
    client, address = sign_in("buyer"), reverse("portal:market")
    cheap = world.offering

    for query, found in [
        ({}, [cheap, dear]),
        ({"accelerator": other.code}, [dear]),
        ({"category": "HPC"}, [dear]),
        ({"city": "成都市"}, [cheap, dear]),
        ({"price": "2.2"}, [cheap]),
        ({"cards": "3"}, [cheap]),
        ({"domestic": "on"}, [cheap]),
        ({"domestic": "on", "category": "HPC"}, []),
        ({"q": "num_gpus>=3 price<=2.2"}, [cheap]),
        ({"text": "训练"}, [cheap]),
        ({"vendor": "华为"}, [cheap]),
        ({"hub": "成渝"}, []),
    ]:
        assert (query, client.get(address, query).context["page"].rows) == (query, found)


def test_orders_are_filtered_by_state_and_name(world: World, sign_in: SignIn) -> None:
    first = worlds.place(world, at=worlds.NOW, name="微调 A")
    second = worlds.place(world, at=worlds.NOW, name="推理 B")
    client, address = sign_in("viewer"), reverse("portal:orders")

    assert client.get(address, {"name": "微调"}).context["page"].rows == [first]
    assert set(client.get(address, {"status": "open"}).context["page"].rows) == {first, second}
    assert client.get(address, {"status": "completed"}).context["page"].rows == []


@pytest.mark.parametrize("junk", NASTY)
def test_nasty_queries_never_break_a_list(world: World, sign_in: SignIn, junk: str) -> None:
    names = [
        "after",
        "accelerator",
        "category",
        "city",
        "price",
        "cards",
        "domestic",
        "status",
        "name",
        "owner",
        "remark",
        "q",
        "text",
        "sort",
        "vendor",
        "hub",
        "offering",
        "of",
        "state",
        "rule",
        "flag",
        "whose",
        "programme",
        "ground",
        "firm",
    ]
    query = dict.fromkeys(names, junk)
    pages = {
        "buyer": [
            "market",
            "compare",
            "orders",
            "vouchers",
            "wallet",
            "bills",
            "developer",
            "order-new",
            "rfqs",
            "prices",
        ],
        "seller": ["offerings", "reservations", "usage", "settlements", "rfqs-seen"],
        "officer1": ["findings", "clawbacks", "freezes", "firms", "finding-new", "programmes", "grants"],
        "operator1": ["transfers", "downtimes", "reviews", "accounts-desk"],
    }

    for name, addresses in pages.items():
        client = sign_in(name)
        answers = {page: client.get(reverse(f"portal:{page}"), query).status_code for page in addresses}
        assert answers == dict.fromkeys(addresses, 200)


def test_a_cursor_of_another_list_means_the_first_page(world: World, sign_in: SignIn) -> None:
    many_orders(world)
    client = sign_in("buyer")
    foreign = client.get(reverse("portal:orders")).context["page"].next

    page = client.get(reverse("portal:bills") + foreign).context["page"]

    assert (page.rows, page.first) == ([], "")


def test_a_bill_walks_down_to_its_usage(world: World, sign_in: SignIn) -> None:
    order = worlds.place(world, at=worlds.LAST_MONTH, name="=HYPERLINK(1)")
    worlds.serve(world, order, at=worlds.LAST_MONTH)
    invoice, settled = worlds.settle_month(world, at=worlds.NOW)
    client = sign_in("finance")

    bill = client.get(reverse("portal:bill", args=[invoice.pk]))
    (line,) = bill.context["page"].rows
    hours = client.get(reverse("portal:bill-order", args=[invoice.pk, line["order_id"]]))
    charge = hours.context["page"].rows[0]
    evidence = client.get(reverse("portal:charge", args=[charge.pk]))
    usage = evidence.context["page"].rows

    assert (invoice.amount_fen, invoice.voucher_fen, invoice.wallet_fen) == (88_00, 26_40, 61_60)
    assert (line["total_fen"], line["total_voucher_fen"], line["total_wallet_fen"]) == (88_00, 26_40, 61_60)
    assert hours.context["spent"].amount_fen == invoice.amount_fen
    assert sum(one.accelerator_ms for one in usage) == charge.accelerator_ms
    assert [one.reservation_id for one in usage] == [charge.reservation_id]
    assert MeteredHour.objects.get(pk=charge.metered_hour_id).accelerator_ms == charge.accelerator_ms
    assert (evidence.context["fees"].commission_bp, evidence.context["fees"].on_voucher_bp) == (500, 0)
    statement = sign_in("seller").get(reverse("portal:settlement", args=[settled.pk]))
    bases = [(one.programme, one.rate_bp, one.amount_fen) for one in statement.context["bases"]]
    assert bases == [(None, 500, 61_60), (world.programme, 0, 26_40)]
    assert statement.context["commission_fen"] == 3_08


def test_a_bill_as_csv_has_every_charge_and_no_formula(world: World, sign_in: SignIn) -> None:
    order = worlds.place(world, at=worlds.LAST_MONTH, name="=HYPERLINK(1)")
    worlds.serve(world, order, at=worlds.LAST_MONTH)
    invoice, _settlement = worlds.settle_month(world, at=worlds.NOW)

    answer = sign_in("viewer").get(reverse("portal:bill-csv", args=[invoice.pk]))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    header, *rows = text.splitlines()

    assert header.count(",") == 11
    assert len(rows) == Charge.objects.count() == 10
    assert all("'=HYPERLINK(1)" in row for row in rows)
    assert rows[0].endswith(",4.000,2.20,8.80,2.64,6.16,用量")


def test_a_usage_report_shows_what_became_of_each_event(world: World, sign_in: SignIn) -> None:
    worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    batch = UsageBatch.objects.get()

    context = sign_in("onlooker").get(reverse("portal:usage-batch", args=[batch.pk])).context

    assert (batch.accepted, batch.duplicates, batch.conflicts, batch.rejected) == (10, 1, 1, 1)
    assert sorted(one.status for one in context["refused"]) == ["conflict", "duplicate", "rejected"]
    assert len(context["usage"]) == Usage.objects.count() == 10
    assert len(context["conflicts"]) == 1


def test_an_offering_shows_its_week(world: World, sign_in: SignIn) -> None:
    worlds.place(world, at=worlds.NOW, count=16)
    worlds.matching.run(at=worlds.NOW)

    week = sign_in("buyer").get(reverse("portal:offering", args=[world.offering.pk])).context["week"]

    today = {cell.hour: cell for cell in week[0].cells}
    reserved = today[worlds.NOW + HOUR]
    assert len(week) == 7
    assert (reserved.free, reserved.capacity, reserved.tone) == (48, 64, "1")
    assert today[worlds.NOW - HOUR].tone == "x"


@pytest.mark.parametrize(
    ("text", "on", "has_next"),
    [
        ("", date(2026, 10, 1), False),
        ("2026-09", date(2026, 9, 1), True),
        ("2026-13", date(2026, 10, 1), False),
        ("0001-01", date(2026, 10, 1), False),
        ("9999-12", date(2026, 10, 1), False),
        ("\x00", date(2026, 10, 1), False),
        ("2026-09-10", date(2026, 10, 1), False),
    ],
)
def test_an_overview_shows_the_month_of_its_address(
    world: World, sign_in: SignIn, text: str, on: date, has_next: bool
) -> None:
    worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)

    for name, page in [("buyer", "overview"), ("seller", "seller")]:
        answer = sign_in(name).get(reverse(f"portal:{page}"), {"month": text})
        context = answer.context
        drawn = sum(column.voucher_fen + column.wallet_fen for column in context["columns"])
        assert (context["month"].on, context["month"].next_on is not None) == (on, has_next)
        assert drawn == (88_00 if on.month == 9 else 0)
        assert ("本月暂无计费。" in answer.content.decode()) == (on.month != 9)
