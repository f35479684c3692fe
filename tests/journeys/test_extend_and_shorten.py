"""An order through the API that grows and shrinks: extended, shortened, used, billed and over; or cancelled."""

from datetime import timedelta

import pytest

from billing.services import charges, fundings, invoicing, settlement
from core.periods import HOUR
from market.models import CalendarHour, Reservation
from market.notice import CURRENT
from market.services import matching, reservations
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.journeys.test_order_to_settlement import (
    Meter,
    Party,
    buyer,  # noqa: F401 - a fixture
    charge,
    position,
    run,
    seller,  # noqa: F401 - a fixture
)
from tests.market import scenes as markets

NOW = CURRENT.starts_at + timedelta(days=9, hours=10)
START = NOW + 2 * HOUR
MONTH, CLOSED = START.date().replace(day=1), START + timedelta(days=40)


@pytest.fixture
def ordered(buyer, seller, set_clock):
    """Two cards at ¥2.40 for six hours, 30 % from a voucher."""
    set_clock(NOW)
    card = markets.accelerator("card")
    markets.listed(seller.organization, card, price_micro=2_400_000)
    programme = scenes.programme([seller.organization], ratio_bp=3_000, budget_fen=1_000_000)
    grant = scenes.grant(buyer.organization, programme, 50_000)
    demand = {
        "category": "GPU_TRAIN",
        "accelerators": [card.code],
        "count": 2,
        "hours": 6,
        "start_min": START.isoformat(),
        "start_max": START.isoformat(),
        "limit_micro": 2_400_000,
        "grant": str(grant.pk),
    }
    order = buyer.post("orders", demand, key="order")
    matching.run(at=NOW)
    return Reservation.objects.get(order=order["id"]), grant, programme


def close(at):
    for funding in list(fundings.due(at=at)):
        fundings.close(funding=funding, at=at)


def test_extended_shortened_used_billed_and_over(buyer, seller, ordered, set_clock):
    reservation, grant, programme = ordered
    path = f"reservations/{reservation.pk}"
    assert buyer.get("wallet")["held_fen"] == 2_016  # 70 % of ¥28.80

    # Six more hours at the price of now, paid by the same voucher; what is told is what is set aside.
    wish = {"hours": 6, "limit_micro": 2_400_000, "grant": str(grant.pk)}
    told = buyer.post(f"{path}/extend/quote", wish, key="q", expected=200)
    assert (told["estimate_fen"], told["voucher_fen"], told["wallet_fen"]) == (2_880, 864, 2_016)
    buyer.post(f"{path}/extend", wish, key="extend", expected=200)
    assert Reservation.objects.get().ends_at == START + 12 * HOUR
    assert buyer.get("wallet")["held_fen"] == 4_032

    # An hour after the start it gives four of them back: three begin within a day but no sooner than in four hours.
    set_clock(START + HOUR)
    reservations.advance(at=START + HOUR)
    told = buyer.post(f"{path}/shorten/quote", {"hours": 4}, key="q2", expected=200)
    assert (told["hours"], told["value_fen"], told["fee_fen"], told["policy"]) == (4, 1_920, 192, "2026-11")
    buyer.post(f"{path}/shorten", {"hours": 4}, key="shorten", expected=200)
    assert buyer.get("wallet") == {
        "balance_fen": 99_808,
        "held_fen": 2_016 + 672,
        "available_fen": 99_808 - 2_688,
        "arrears_fen": 0,
    }
    busy = CalendarHour.objects.filter(reserved__gt=0).order_by("hour")
    assert list(busy.values_list("hour", flat=True)) == [START + number * HOUR for number in range(8)]

    # Both cards run for the eight hours that are left.
    ends = START + 8 * HOUR
    set_clock(ends)
    Meter(seller).send(run(Reservation.objects.get(), START, ends), key="usage", at=ends)
    reservations.advance(at=ends)

    charge(reservation, at=ends)
    close(ends + timedelta(hours=72))

    # 8 × ¥4.80 of usage, 30 % of it by the voucher, and the fee of ¥1.92 in cash.
    assert buyer.get("wallet")["available_fen"] == 100_000 - 2_688 - 192
    assert position(programme) == (950_000, 50_000 - 1_152, 0, 1_152, 0, 0)
    kinds = [(one["kind"], one["amount_fen"], one["voucher_fen"]) for one in buyer.get("charges?page_size=50")["data"]]
    assert kinds.count(("usage", 480, 144)) == 8
    assert kinds.count(("fee", 192, 0)) == 1
    invoice = invoicing.issue(issuer=seller.organization, buyer=buyer.organization, month_on=MONTH, at=CLOSED)
    settled = settlement.settle(provider=seller.organization, month_on=MONTH, at=CLOSED)
    assert (invoice.amount_fen, invoice.voucher_fen, invoice.wallet_fen) == (4_032, 1_152, 2_880)
    assert (settled.gross_fen, settled.net_fen) == (4_032, 4_032 - 134 - 9)  # 5 % of 2688 and of 192
    assert [one.amount_fen for one in settled.authority_payables.all()] == [1_152]
    assert buyer.get(f"orders/{reservation.order_id}")["status"] == "completed"
    steps = [one["kind"] for one in buyer.get(f"{path}/events")]
    assert steps == ["extended", "started", "shortened", "stopped"]
    assert scenes.broken() == []


def test_a_card_is_given_back_the_other_is_used_billed_and_over(buyer, seller, ordered, set_clock):
    reservation, _grant, programme = ordered
    path = f"reservations/{reservation.pk}"

    # One of two cards over six hours, ¥14.40: two of the hours begin in less than four.
    told = buyer.post(f"{path}/return-cards/quote", {"cards": 1}, key="q", expected=200)
    assert (told["cards"], told["value_fen"], told["fee_fen"]) == (1, 1_440, 144 + 96)
    assert buyer.post(f"{path}/return-cards", {"cards": 2}, key="all", expected=422)["code"] == "bad-cards"
    fewer = buyer.post(f"{path}/return-cards", {"cards": 1}, key="one", expected=200)
    assert (fewer["count"], fewer["given_back"]) == (2, 1)
    seller.post(f"{path}/return-cards", {"cards": 1}, key="theirs", expected=404)
    assert set(CalendarHour.objects.values_list("reserved", flat=True)) == {1}
    assert buyer.get("wallet")["held_fen"] == 1_440 - 432  # the voucher is sure to pay 30 %

    reservations.advance(at=START)
    ends = START + 6 * HOUR
    set_clock(ends)
    meter = Meter(seller)
    answer = meter.send(run(Reservation.objects.get(), START, START + HOUR), key="two", at=ends)
    assert answer["rejected"] == 1
    meter.send(run(Reservation.objects.get(), START, ends, cards=1), key="one", at=ends)
    reservations.advance(at=ends)
    charge(reservation, at=ends)
    close(ends + timedelta(hours=72))

    assert buyer.get("wallet")["available_fen"] == 100_000 - 240 - 1_008
    assert position(programme) == (950_000, 50_000 - 432, 0, 432, 0, 0)
    invoice = invoicing.issue(issuer=seller.organization, buyer=buyer.organization, month_on=MONTH, at=CLOSED)
    assert (invoice.amount_fen, invoice.voucher_fen) == (1_440 + 240, 432)
    assert "returned" in [one["kind"] for one in buyer.get(f"{path}/events")]
    assert scenes.broken() == []


def test_cancelled_for_the_fee_that_was_told_and_ended_early_for_another(buyer, seller, ordered, set_clock):
    reservation, _grant, programme = ordered
    order = f"orders/{reservation.order_id}"
    path = f"reservations/{reservation.pk}"
    stranger = Party(markets.buyer(), ["read", "orders"])
    assert stranger.client.get(f"/api/v1/{order}/cancel/quote").status_code == 404
    assert seller.client.get(f"/api/v1/{order}/cancel/quote").status_code in (403, 404)

    # Two hours before the start: two hours at 30 %, four at 10 %, of ¥4.80 each.
    assert buyer.get(f"{order}/cancel/quote") == {"value_fen": 2_880, "fee_fen": 480}
    assert buyer.get(f"{path}/terminate/quote")["fee_fen"] == 480
    assert buyer.post(f"{order}/cancel", None, key="cancel", expected=200)["status"] == "cancelled"

    assert buyer.get("wallet")["available_fen"] == 100_000 - 480
    assert position(programme) == (950_000, 50_000, 0, 0, 0, 0)
    assert charges.waiting(limit=1) == []
    close(CLOSED)
    invoice = invoicing.issue(issuer=seller.organization, buyer=buyer.organization, month_on=MONTH, at=CLOSED)
    assert (invoice.amount_fen, invoice.voucher_fen) == (480, 0)
    assert scenes.broken() == []


def test_bad_wishes_are_refused_in_words_and_strangers_find_nothing(buyer, seller, ordered):
    path = f"reservations/{ordered[0].pk}"
    before = scenes.rows()
    for verb in ("extend", "extend/quote", "shorten", "shorten/quote"):
        for hours in (0, -1, "x", 10**9, None):
            buyer.post(f"{path}/{verb}", {"hours": hours}, key=f"{verb}{hours}", expected=400)
        seller.post(f"{path}/{verb}", {"hours": 1}, key=f"p{verb}", expected=404)
    assert seller.client.get(f"/api/v1/{path}/terminate/quote").status_code in (403, 404)
    buyer.post(f"{path}/extend", {"hours": 1, "grant": str(ordered[0].pk)}, key="grant", expected=404)
    assert buyer.post(f"{path}/shorten", {"hours": 6}, key="all", expected=409)["code"] == "not-shortenable"
    risen = buyer.post(f"{path}/extend", {"hours": 1, "limit_micro": 1}, key="dear", expected=409)
    assert (risen["code"], risen["price_micro"]) == ("price-risen", 2_400_000)

    after = scenes.rows()
    assert {name for name in after if after[name] != before[name]} <= {"accounts_apikey"}
