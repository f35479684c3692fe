"""A request for quotations over the API: two sealed bids, the opening, the award, and the bill that follows."""

from datetime import timedelta

import pytest

from billing.services import invoicing
from core.periods import HOUR
from market.models import Reservation
from market.services import reservations
from market.tasks import open_bids_of
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.billing.scenes import AT
from tests.journeys.test_order_to_settlement import CLOSED, MONTH, Meter, Party, charge, run
from tests.market import scenes as markets

UNTIL = AT + 4 * HOUR
START = AT + 24 * HOUR


@pytest.fixture
def buyer(db):
    return Party(scenes.funded_buyer(100_000), ["read", "orders"])


@pytest.fixture
def sellers(db):
    return [Party(markets.provider(), ["read", "offerings", "usage"]) for _ in range(2)]


def envelope(offering, price_micro):
    return {
        "offering": str(offering.pk),
        "price_micro": price_micro,
        "count": 2,
        "starts_at": START.isoformat(),
        "valid_until": (UNTIL + timedelta(days=1)).isoformat(),
    }


def test_from_a_request_to_the_bill(buyer, sellers, set_clock):
    set_clock(AT)
    card = markets.accelerator("card")
    offerings = [markets.draft(seller.organization, card) for seller in sellers]
    rfq = buyer.post(
        "rfqs",
        {
            "title": "A pair of cards",
            "category": "GPU_TRAIN",
            "accelerators": ["card"],
            "count": 2,
            "hours": 3,
            "start_min": START.isoformat(),
            "start_max": START.isoformat(),
            "bids_until": UNTIL.isoformat(),
            "budget_fen": 1_500,
        },
        key="rfq",
    )
    path = f"rfqs/{rfq['id']}"
    assert rfq["budget_fen"] == 1_500

    # A bidder asks, the buyer answers, the other bidder reads it; the budget is nobody else's.
    question = sellers[0].post(f"{path}/questions", {"text": "Which driver?"}, key="q")
    buyer.post(f"{path}/questions/{question['id']}/answer", {"text": "Any."}, key="a", expected=200)
    seen = sellers[1].get(path)
    assert (seen["questions"][0]["answer"], seen["budget_fen"]) == ("Any.", None)

    # Two bids; the first is replaced. Nobody reads them, not even the buyer.
    sellers[0].post(f"{path}/bid", envelope(offerings[0], 2_500_000), key="bid")
    receipt = sellers[0].post(f"{path}/bid", envelope(offerings[0], 1_900_000), key="better")
    sellers[1].post(f"{path}/bid", envelope(offerings[1], 2_100_000), key="bid")
    assert set(receipt) == {"id", "version", "sha256", "submitted_at"}
    assert sellers[0].get(f"{path}/own-bid")["price_micro"] == 1_900_000
    assert buyer.get(f"{path}/bids") == sellers[1].get(f"{path}/bids") == []

    # At their time they are opened; each bidder finds its own commitment.
    set_clock(UNTIL)
    open_bids_of(rfq_id=rfq["id"])
    opened = buyer.get(path)
    bids = buyer.get(f"{path}/bids")
    assert (opened["status"], len(opened["bid_hashes"])) == ("opened", 2)
    assert receipt["sha256"] in opened["bid_hashes"]
    assert [bid["price_micro"] for bid in bids] == [1_900_000, 2_100_000]
    assert [bid["price_micro"] for bid in sellers[1].get(f"{path}/bids")] == [2_100_000]

    # The cheaper one wins: ¥1.90 × 2 × 3 = ¥11.40.
    (order,) = buyer.post(f"{path}/award", {"bids": [bids[0]["id"]]}, key="award")
    assert (order["status"], order["reservation"]["price_micro"]) == ("matched", 1_900_000)
    assert [bid["awarded"] for bid in sellers[0].get(f"{path}/bids") + sellers[1].get(f"{path}/bids")] == [True, False]
    assert buyer.get("wallet")["held_fen"] == 1_140

    # From here on it is an order like any other.
    reservation = Reservation.objects.get(order=order["id"])
    set_clock(reservation.ends_at)
    meter = Meter(sellers[0])
    reservations.advance(at=reservation.starts_at)
    events = run(reservation, reservation.starts_at, reservation.ends_at)
    assert meter.send(events, key="usage", at=reservation.ends_at)["rejected"] == 0
    charged = charge(reservation, at=reservation.ends_at)
    assert [one.price_micro for one in charged] == [1_900_000] * 3
    invoice = invoicing.issue(issuer=sellers[0].organization, buyer=buyer.organization, month_on=MONTH, at=CLOSED)
    assert invoice is not None
    assert invoice.amount_fen == 1_140
    assert scenes.broken() == []
