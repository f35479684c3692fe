"""Lines beside the card-hour through the API: taken with cards, kept, given up, extended, billed in cash and over."""

from datetime import timedelta

import pytest

from billing import selectors
from billing.models import TakenLine
from billing.selectors import Wallet, wallet
from billing.services import fundings, invoicing, line_charges, settlement
from core.periods import HOUR
from market.models import Reservation
from market.services import reservations
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.billing.scenes import AT, CARD_HOUR_MS, START
from tests.billing.services.test_invoicing import CLOSED, OCTOBER
from tests.journeys.test_order_to_settlement import (
    Party,
    buyer,  # noqa: F401 - a fixture
    seller,  # noqa: F401 - a fixture
)
from tests.market import scenes as markets

MIDNIGHT = START + 13 * HOUR
MINUTE = timedelta(minutes=1)
NVME = {"kind": "storage", "name": "NVMe", "unit": "gib-month", "price_micro": 360_000}
TRAFFIC = {"kind": "network", "name": "Traffic", "unit": "gb", "price_micro": 800_000}
SUPPORT = {"kind": "support", "name": "Support", "unit": "month", "price_micro": 30_000_000}


@pytest.fixture
def world(buyer: Party, seller: Party, set_clock):
    """Eight cards at ¥2.00 with three lines beside; a voucher pays half of the cards."""
    set_clock(AT)
    offering = markets.listed(seller.organization, markets.accelerator("card"), price_micro=2_000_000)
    added = [
        seller.post(f"offerings/{offering.pk}/lines/add", line, key=line["name"]) for line in (NVME, TRAFFIC, SUPPORT)
    ]
    grant = scenes.grant(buyer.organization, scenes.programme([seller.organization]))
    return offering, [line["id"] for line in added], grant


def purchase(offering, grant, *lines, hours=20):
    return {
        "offering": str(offering.pk),
        "grant": str(grant.pk),
        "count": 2,
        "hours": hours,
        "start_min": START.isoformat(),
        "start_max": START.isoformat(),
        "lines": [{"line": line, "quantity": quantity} for line, quantity in lines],
    }


def written():
    """Return what is written; when a key was used last is no fact."""
    return {table: rows for table, rows in scenes.rows().items() if table != "accounts_apikey"}


def sweep(at):
    for reservation_id in line_charges.due(at=at, limit=10):
        line_charges.charge(reservation_id=reservation_id, at=at)


def charged(who: Party) -> dict[str, list[int]]:
    """Return the fen charged for each line, in the order of the charges."""
    names = dict(TakenLine.objects.values_list("pk", "name"))
    found: dict[str, list[int]] = {}
    for one in reversed(who.get("charges?page_size=100")["data"]):
        if one["kind"] == "line":
            assert (one["voucher_fen"], one["accelerator_ms"], one["price_micro"]) == (0, 0, 0)
            found.setdefault(next(name for pk, name in names.items() if str(pk) == one["line"]), []).append(
                one["amount_fen"]
            )
    return found


def test_lines_are_quoted_kept_and_charged_to_the_fen(world, buyer, seller, set_clock):
    # 1,000 GiB at ¥0.36 a month are ¥0.50 an hour; 10 GB of traffic are ¥8.00, whole: no voucher pays for either.
    offering, (nvme, traffic, support), grant = world
    wanted = purchase(offering, grant, (nvme, 1_000), (traffic, 10))
    asked = {"offering": str(offering.pk), "hours": 20, "lines": wanted["lines"]}
    costs = buyer.post("orders/lines/quote", asked, key="costs", expected=200)
    assert [one["estimate_fen"] for one in costs] == [1_000, 800]
    order = buyer.post("orders/purchases", wanted, key="buy")
    assert wallet(buyer.organization).held_fen == 4_000 + 1_000 + 800
    path = f"reservations/{order['reservation']['id']}"
    assert [(one["name"], one["estimate_fen"]) for one in seller.get(f"{path}/lines")] == [
        ("NVMe", 1_000),
        ("Traffic", 800),
    ]

    # Days are charged when they are over, once.
    reservations.advance(at=START)
    sweep(START + HOUR)
    assert charged(buyer) == {}
    set_clock(MIDNIGHT + 10 * MINUTE)
    sweep(MIDNIGHT + 10 * MINUTE)
    sweep(MIDNIGHT + 20 * MINUTE)
    assert charged(buyer) == {"NVMe": [650], "Traffic": [800]}

    # Storage goes on with an extension, a quantity of traffic does not; support is taken from the next full hour on.
    assert buyer.post(f"{path}/extend/quote", {"hours": 4}, key="q1", expected=200)["lines_fen"] == 200
    buyer.post(f"{path}/extend", {"hours": 4}, key="extend", expected=200)
    wish = {"lines": [{"line": support, "quantity": 1}]}
    (told,) = buyer.post(f"{path}/lines/quote", wish, key="q2", expected=200)
    (taken,) = buyer.post(f"{path}/lines", wish, key="take")
    assert (told["estimate_fen"], taken["estimate_fen"]) == (42, 42)  # ten hours of 720 of ¥30.00
    assert wallet(buyer.organization).held_fen == 4_000 + 350 + 1_600 + 200 + 42

    # It is given up after two hours, and two hours of all are given back: the rest that was set aside is free.
    set_clock(MIDNIGHT + 2 * HOUR + 30 * MINUTE)
    given_up = buyer.post(f"{path}/lines/give-up", {"id": taken["id"]}, key="up", expected=200)
    assert given_up["stopped_at"] == "2026-10-02T03:00:00+08:00"
    assert buyer.post(f"{path}/lines/give-up", {"id": taken["id"]}, key="up2", expected=409)["code"] == "line-over"
    buyer.post(f"{path}/shorten", {"hours": 2}, key="shorten", expected=200)
    assert wallet(buyer.organization).held_fen == 4_000 + 350 + 800 + 100 + 8

    # Used to the end, it costs what was told.
    ends = START + 22 * HOUR
    reservation = Reservation.objects.select_related("order", "provider").get()
    assert reservation.ends_at == ends
    scenes.meter(reservation, *[2 * CARD_HOUR_MS] * 22)
    reservations.advance(at=ends)
    scenes.rate(reservation, at=ends)
    sweep(ends)
    assert charged(buyer) == {"NVMe": [650, 350, 100], "Traffic": [800], "Support": [8]}
    for funding in list(fundings.due(at=ends + 72 * HOUR)):
        fundings.close(funding=funding, at=ends + 72 * HOUR)
    assert wallet(buyer.organization) == Wallet(balance_fen=100_000 - 4_800 - 1_908, held_fen=0, arrears_fen=0)
    invoice = invoicing.issue(issuer=seller.organization, buyer=buyer.organization, month_on=OCTOBER, at=CLOSED)
    assert (invoice.amount_fen, invoice.voucher_fen) == (8_800 + 1_908, 4_000)
    lines = [
        (one["line_name"], one["line_quantity"], one["total_fen"])
        for one in selectors.bill_lines(invoice)
        if one["kind"] == "line"
    ]
    assert sorted(lines) == [("NVMe", 1_000, 100 + 1_000), ("Support", 1, 8), ("Traffic", 10, 800)]
    settled = settlement.settle(provider=seller.organization, month_on=OCTOBER, at=CLOSED)
    assert (settled.gross_fen, settled.net_fen) == (10_708, 10_708 - 240 - 50 - 5 - 40)
    assert scenes.broken() == []


def test_nothing_is_owed_for_what_was_never_served(world, buyer, set_clock):
    offering, (nvme, traffic, _support), grant = world
    order = buyer.post("orders/purchases", purchase(offering, grant, (nvme, 1_000)), key="buy")
    buyer.post(f"orders/{order['id']}/cancel", None, key="cancel", expected=200)
    assert wallet(buyer.organization) == Wallet(balance_fen=100_000, held_fen=0, arrears_fen=0)

    # A day was charged before the buyer's word that nothing could be used was accepted: it comes back.
    scenes.top_up(buyer.organization, 200_000)
    block = {"offering": str(offering.pk), "count": 1, "starts_on": "2026-10-03", "months": 1}
    lines = [{"line": nvme, "quantity": 1_000}, {"line": traffic, "quantity": 1}]
    bought = buyer.post("orders/blocks", block | {"lines": lines}, key="block")
    reservation = Reservation.objects.get(order=bought["id"])
    assert TakenLine.objects.get(reservation=reservation, name="NVMe").estimate_fen == 31 * 24 * 50
    reservations.advance(at=reservation.starts_at)
    sweep(reservation.starts_at + 24 * HOUR)
    assert charged(buyer) == {"NVMe": [1_200], "Traffic": [80]}
    stop = reservations.Stop("failed", "not-usable", reservation.starts_at + 25 * HOUR)
    reservations.finish(reservation=reservation, stop=stop)
    sweep(stop.at)
    assert charged(buyer) == {"NVMe": [1_200, -1_200], "Traffic": [80, -80]}
    assert scenes.broken() == []


def test_lines_that_cannot_be_taken_are_refused_and_change_nothing(world, buyer, seller, set_clock):
    offering, (nvme, traffic, _support), grant = world
    stranger = Party(scenes.funded_buyer(), ["read", "orders"])
    before = written()
    for lines in [[(nvme, 1), (nvme, 2)], [(2**40, 1)]]:
        answer = buyer.post("orders/purchases", purchase(offering, grant, *lines), key=str(lines), expected=422)
        assert answer["code"] == "bad-lines"
    dear = purchase(offering, grant, (nvme, 10**7))
    assert buyer.post("orders/purchases", dear, key="dear", expected=409)["code"] == "wallet-too-low"
    assert written() == before

    order = buyer.post("orders/purchases", purchase(offering, grant, hours=2), key="buy")
    path, wish = f"reservations/{order['reservation']['id']}", {"lines": [{"line": traffic, "quantity": 1}]}
    stranger.post(f"{path}/lines", wish, key="other", expected=404)
    (line,) = buyer.post(f"{path}/lines", wish, key="take")
    other = buyer.post("orders/purchases", purchase(offering, grant, hours=2), key="buy2")
    elsewhere = f"reservations/{other['reservation']['id']}/lines/give-up"
    buyer.post(elsewhere, {"id": line["id"]}, key="not-mine", expected=404)
    set_clock(START + HOUR + MINUTE)
    assert buyer.post(f"{path}/lines", wish, key="late", expected=409)["code"] == "line-over"
    assert scenes.broken() == []
