"""A reservation through the API: handed over, down for a while and credited; or never, and all money comes back."""

from datetime import timedelta

import pytest

from billing.services import charges, fundings, invoicing, settlement
from market.models import Downtime, Order, Reservation
from market.services import matching, reservations
from market.tasks import refresh_reputations
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.billing.scenes import AT, START
from tests.journeys.test_order_to_settlement import (
    CLOSED,
    ENDS,
    MINUTE,
    MONTH,
    Meter,
    Party,
    buyer,  # noqa: F401 - a fixture
    charge,
    position,
    run,
    seller,  # noqa: F401 - a fixture
)
from tests.market import scenes as markets


@pytest.fixture
def reserved(buyer, seller, set_clock):
    """Two cards at ¥2.40 for three hours, a third from a voucher, of a provider that promises to report access."""
    set_clock(AT)
    card = markets.accelerator("card")
    offering = markets.listed(seller.organization, card, price_micro=2_400_000)
    seller.post(f"offerings/{offering.pk}/handover", {"handover": "reported"}, key="handover", expected=200)
    programme = scenes.programme([seller.organization], ratio_bp=3_000, budget_fen=1_000_000)
    grant = scenes.grant(buyer.organization, programme, 50_000)
    demand = {
        "category": "GPU_TRAIN",
        "accelerators": [card.code],
        "count": 2,
        "hours": 3,
        "start_min": START.isoformat(),
        "start_max": START.isoformat(),
        "limit_micro": 2_500_000,
        "grant": str(grant.pk),
    }
    order = buyer.post("orders", demand, key="order")
    matching.run(at=AT)
    return Reservation.objects.get(order=order["id"]), programme


def close(at):
    for funding in list(fundings.due(at=at)):
        fundings.close(funding=funding, at=at)


def test_handed_over_down_for_a_while_and_credited_on_the_bill(buyer, seller, reserved, set_clock):
    reservation, programme = reserved
    path = f"reservations/{reservation.pk}"

    # The agent prepares the cards and hands them over; only the buyer sees how to get in.
    assert seller.post(f"{path}/claim", None, key="1", expected=200)["status"] == "provisioning"
    set_clock(START + 5 * MINUTE)
    answer = seller.post(f"{path}/access", {"details": "ssh gpu@10.0.0.7"}, key="2", expected=200)
    assert (answer["status"], answer["access_at"]) == ("active", "2026-10-01T11:05:00+08:00")
    assert buyer.get(f"{path}/access") == {"details": "ssh gpu@10.0.0.7"}
    assert seller.client.get(f"/api/v1/{path}/access").status_code == 403
    assert buyer.post(f"{path}/confirm", None, key="3", expected=200)["confirmed_at"]

    # The cards are used to the end; for a quarter of an hour, the buyer says, they were down.
    set_clock(ENDS)
    Meter(seller).send(run(reservation, START, ENDS), key="usage", at=ENDS)
    charge(reservation, at=ENDS)
    reservations.advance(at=ENDS)
    down = {
        "starts_at": (START + 60 * MINUTE).isoformat(),
        "ends_at": (START + 75 * MINUTE).isoformat(),
        "code": "network",
        "detail": "no route",
    }
    claimed = buyer.post(f"{path}/downtimes", down, key="4")
    assert claimed["status"] == "claimed"
    assert buyer.client.post(f"/api/v1/downtimes/{claimed['id']}/accept").status_code == 403
    assert seller.post(f"downtimes/{claimed['id']}/accept", None, key="5", expected=200)["status"] == "accepted"

    # 165 of 180 minutes are below 95 %: half of ¥14.40 comes back, ¥2.16 of it to the voucher.
    for waiting in charges.waiting(limit=10):
        charges.rate_reservation(reservation_id=waiting, at=ENDS)
    credit = buyer.get("charges")["data"]
    assert [(one["kind"], one["amount_fen"], one["voucher_fen"]) for one in credit if one["amount_fen"] < 0] == [
        ("credit", -720, -216)
    ]

    # The bill states it, the provider's settlement bears it, and the rest of the money is free.
    close(ENDS + timedelta(hours=72))
    assert buyer.get("wallet")["available_fen"] == 100_000 - 504
    assert position(programme) == (950_000, 49_784, 0, 216, 0, 0)
    invoice = invoicing.issue(issuer=seller.organization, buyer=buyer.organization, month_on=MONTH, at=CLOSED)
    settled = settlement.settle(provider=seller.organization, month_on=MONTH, at=CLOSED)
    assert (invoice.amount_fen, invoice.voucher_fen, invoice.wallet_fen) == (720, 216, 504)
    assert (settled.gross_fen, settled.net_fen) == (720, 720 - 25)  # 5 % of 504
    assert scenes.broken() == []

    # What happened is on record, and the buyer says what it thinks.
    assert [one["kind"] for one in buyer.get(f"{path}/events")] == ["claimed", "access", "confirmed", "stopped"]
    review = buyer.post(f"{path}/review", {"stars": 4, "text": "Good, but for the network"}, key="6")
    offering = f"offerings/{reservation.offering_id}"
    assert seller.post(f"reviews/{review['id']}/answer", {"text": "Repaired"}, key="7", expected=200)["answer"]
    assert [one["stars"] for one in buyer.get(f"{offering}/reviews")["data"]] == [4]
    set_clock(CLOSED)
    refresh_reputations()
    told = buyer.get(f"{offering}/reputation")
    assert (told["observations"], told["reliability_bp"], told["mean_start_delay_seconds"]) == (1, None, 300)


def test_never_handed_over_fails_by_itself_and_all_money_comes_back(buyer, seller, reserved, set_clock):
    reservation, programme = reserved
    seller.post(f"reservations/{reservation.pk}/claim", None, key="1", expected=200)
    assert buyer.get("wallet")["held_fen"] == 1_050

    late = START + timedelta(minutes=buyer.get("service-terms")["provisioning_minutes"])
    set_clock(late)
    reservations.advance(at=late)
    close(late)

    found = buyer.get(f"reservations/{reservation.pk}")
    assert (found["status"], found["stop_code"]) == ("failed", "not-provisioned")
    assert buyer.get(f"orders/{reservation.order_id}")["status"] == "failed"
    assert buyer.get("wallet") == {
        "balance_fen": 100_000,
        "held_fen": 0,
        "available_fen": 100_000,
        "arrears_fen": 0,
    }
    assert position(programme) == (950_000, 50_000, 0, 0, 0, 0)
    refused = Meter(seller).send(run(reservation, START, late), key="late", at=late)
    assert refused["rejected"] == 1


def test_strangers_find_nothing_and_each_side_has_its_own_verbs(buyer, seller, reserved):
    path = f"reservations/{reserved[0].pk}"
    stranger = Party(markets.provider(), ["read", "usage"])
    reader = Party(seller.organization, ["read"])
    verbs = {
        "claim": None,
        "access": {"details": "x"},
        "stop": {"code": "network-fault"},
        "downtimes": {
            "starts_at": AT.isoformat(),
            "ends_at": START.isoformat(),
            "code": "network",
        },
    }
    for verb, body in verbs.items():
        stranger.post(f"{path}/{verb}", body, key=f"s{verb}", expected=404)
        reader.post(f"{path}/{verb}", body, key=f"r{verb}", expected=403)
    for verb in ("claim", "access", "stop"):
        buyer.post(f"{path}/{verb}", verbs[verb], key=f"b{verb}", expected=404)
    for verb, body in {
        "confirm": None,
        "terminate": None,
        "not-usable": {"detail": "x"},
        "review": {"stars": 5},
    }.items():
        seller.post(f"{path}/{verb}", body, key=f"p{verb}", expected=404)
    seller.post(f"{path}/stop", {"code": "completed"}, key="wrong", expected=400)

    assert Order.objects.get().status == "matched"
    assert not Downtime.objects.exists()
