"""One order, honestly, from offering to settlement: every fen at every station."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rest_framework.test import APIClient

from accounts.models import Organization
from accounts.services import keys
from accounts.services.audit import SYSTEM
from billing import selectors
from billing.models import Charge, Invoice, Settlement
from billing.selectors import Wallet
from billing.services import charges, fundings, invoicing, settlement
from config.demo import usage
from config.demo.usage import Run
from core.periods import HOUR
from market.models import MeteredHour, Offering, Reservation, UsageConflict
from market.services import matching, metering, reservations, vetting
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.billing.scenes import AT, START
from tests.market import scenes as markets
from vouchers import selectors as voucher_selectors

MINUTE = timedelta(minutes=1)
ENDS = START + 3 * HOUR
MONTH = date(2026, 10, 1)
CLOSED = datetime(2026, 11, 4, tzinfo=UTC)


class Party:
    """An organisation at the API."""

    def __init__(self, organization: Organization, scopes: list[str]) -> None:
        _key, token = keys.issue(organization=organization, name="journey", scopes=scopes, actor=SYSTEM, at=AT)
        self.organization = organization
        self.client = APIClient()
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def get(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def post(self, path: str, body: Any, *, key: str, expected: int = 201) -> Any:
        answer = self.client.post(f"/api/v1/{path}", body, format="json", headers={"Idempotency-Key": key})
        assert answer.status_code == expected, answer.content
        return answer.json()


class Meter:
    """A provider's meter with its signing key."""

    def __init__(self, party: Party) -> None:
        self.party = party
        self.key = Ed25519PrivateKey.generate()
        public_key = self.key.public_key().public_bytes_raw()
        registered = keys.register_signing_key(
            organization=party.organization, public_key=public_key, actor=SYSTEM, at=AT
        )
        self.key_id: UUID = registered.pk

    def send(self, events: list[dict[str, Any]], *, key: str, at: datetime) -> dict[str, int]:
        """Report usage and return how many events had which answer."""
        body = usage.encode(events)
        answer = self.party.client.post(
            "/api/v1/usage/batches",
            body,
            content_type="application/cloudevents-batch+json",
            headers={
                "Idempotency-Key": key,
                "Suanyi-Signature": usage.sign(key=self.key, key_id=self.key_id, idempotency_key=key, body=body, at=at),
            },
        )
        assert answer.status_code == 200, answer.content
        said = answer.json()
        return {name: said[name] for name in ("accepted", "duplicates", "conflicts", "rejected")}


@pytest.fixture
def buyer(db):
    return Party(scenes.funded_buyer(100_000), ["read", "orders"])


@pytest.fixture
def seller(db):
    return Party(markets.provider(), ["read", "offerings", "usage"])


def run(reservation: Reservation, starts_at: datetime, ends_at: datetime, *, cards: int = 2) -> list[dict[str, Any]]:
    made = Run(str(starts_at.timestamp()), reservation.pk, "card", cards, starts_at, ends_at, failed=False)
    return list(usage.events(made))


def charge(reservation: Reservation, *, at: datetime) -> list[Charge]:
    metering.meter(at=at)
    for waiting in charges.waiting(limit=10):
        charges.rate_reservation(reservation_id=waiting, at=at)
    return list(Charge.objects.filter(reservation=reservation).order_by("pk"))


def position(programme: Any) -> tuple[int, ...]:
    """Return unallocated, available, held, redeemed, expired and forgone fen of a programme."""
    found = voucher_selectors.programme_positions(programmes=[programme])[0]
    assert found.adds_up
    return found[3:]


def test_one_order_from_offering_to_settlement(buyer, seller, set_clock):  # noqa: PLR0915 - a long story
    # A provider lists eight cards at ¥2.40, and an authority pays 30 % of what runs on them.
    set_clock(AT)
    card = markets.accelerator("card")
    site = markets.site(seller.organization)
    drafted = seller.post(
        "offerings",
        {
            "site": str(site.pk),
            "accelerator": card.code,
            "name": "Pool",
            "category": "GPU_TRAIN",
            "count": 8,
            "price_micro": 2_400_000,
            "opens_at": (AT - HOUR).isoformat(),
        },
        key="draft",
    )
    seller.post(f"offerings/{drafted['id']}/submit", None, key="submit", expected=200)
    vetting.approve(offering=Offering.objects.get(), actor=markets.operator(), at=AT)
    programme = scenes.programme([seller.organization], ratio_bp=3_000, budget_fen=1_000_000)
    grant = scenes.grant(buyer.organization, programme, 50_000)
    assert position(programme) == (950_000, 50_000, 0, 0, 0, 0)

    # A buyer orders two cards for three hours at up to ¥2.50: at most ¥15.00, of which the voucher bears ¥4.50.
    order = buyer.post(
        "orders",
        {
            "category": "GPU_TRAIN",
            "accelerators": [card.code],
            "count": 2,
            "hours": 3,
            "start_min": START.isoformat(),
            "start_max": START.isoformat(),
            "limit_micro": 2_500_000,
            "grant": str(grant.pk),
        },
        key="order",
    )
    assert buyer.get("wallet") == {
        "balance_fen": 100_000,
        "held_fen": 1_050,
        "available_fen": 98_950,
        "arrears_fen": 0,
    }
    assert position(programme) == (950_000, 49_550, 450, 0, 0, 0)

    # It is matched at the asked price, and its time begins.
    matching.run(at=AT)
    reservations.advance(at=START)
    reservation = Reservation.objects.get(order=order["id"])
    assert (reservation.price_micro, reservation.starts_at, reservation.ends_at) == (2_400_000, START, ENDS)

    # The meter reports two hours and 20 minutes, twice, and then something else under an id it used.
    set_clock(ENDS)
    meter = Meter(seller)
    events = run(reservation, START, START + 2 * HOUR + 20 * MINUTE)
    assert meter.send(events, key="a", at=ENDS) == {"accepted": 3, "duplicates": 0, "conflicts": 0, "rejected": 0}
    assert meter.send(events, key="a", at=ENDS) == {"accepted": 3, "duplicates": 0, "conflicts": 0, "rejected": 0}
    assert meter.send(events[:1], key="b", at=ENDS)["duplicates"] == 1
    forged = events[0] | {"data": run(reservation, START, START + HOUR, cards=1)[0]["data"]}
    assert meter.send([forged], key="c", at=ENDS)["conflicts"] == 1
    beyond = run(reservation, ENDS, ENDS + HOUR)
    assert meter.send(beyond, key="d", at=ENDS)["rejected"] == 1
    assert UsageConflict.objects.count() == 1

    # Two cards × 2 h 20 min × ¥2.40 = ¥11.20: ¥3.36 from the voucher, ¥7.84 from the wallet, of which 5 % are ¥0.39.
    made = charge(reservation, at=ENDS)
    assert [(one.amount_fen, one.voucher_fen, one.wallet_fen) for one in made] == [
        (480, 144, 336),
        (480, 144, 336),
        (160, 48, 112),
    ]
    assert [(one.provider_fen, one.commission_fen, one.vat_fen) for one in made] == [
        (464, 15, 1),
        (463, 16, 1),
        (154, 6, 0),
    ]
    assert selectors.wallet(buyer.organization) == Wallet(balance_fen=99_216, held_fen=1_050 - 784, arrears_fen=0)
    assert position(programme) == (950_000, 49_550, 450 - 336, 336, 0, 0)

    # Ten minutes more come in late, and are charged as the difference.
    later = ENDS + timedelta(days=1)
    set_clock(later)
    late = run(reservation, START + 2 * HOUR + 20 * MINUTE, START + 2 * HOUR + 30 * MINUTE)
    assert meter.send(late, key="e", at=later)["accepted"] == 1
    correction = charge(reservation, at=later)[-1]
    assert (correction.version, correction.amount_fen, correction.voucher_fen, correction.wallet_fen) == (2, 80, 24, 56)
    assert MeteredHour.objects.filter(reservation=reservation).count() == 3

    # The order is over: what it did not use goes back to voucher and wallet.
    reservations.advance(at=later)
    over = scenes.funding(reservation.order)
    assert list(fundings.due(at=ENDS + timedelta(hours=72))) == [over]
    fundings.close(funding=over, at=ENDS + timedelta(hours=72))
    assert selectors.wallet(buyer.organization) == Wallet(balance_fen=99_160, held_fen=0, arrears_fen=0)
    assert position(programme) == (950_000, 49_640, 0, 360, 0, 0)

    # The month is invoiced, once, and settled, once.
    assert invoicing.due(at=CLOSED) == [invoicing.Due(seller.organization.pk, buyer.organization.pk, MONTH)]
    for _again in range(2):
        invoicing.issue(issuer=seller.organization, buyer=buyer.organization, month_on=MONTH, at=CLOSED)
        settlement.settle(provider=seller.organization, month_on=MONTH, at=CLOSED)
    invoice, settled = Invoice.objects.get(), Settlement.objects.get()
    assert (invoice.number, invoice.amount_fen, invoice.voucher_fen, invoice.wallet_fen) == (1, 1_200, 360, 840)
    assert (settled.gross_fen, settled.net_fen, settled.commission_fen, settled.vat_fen) == (1_200, 1_158, 40, 2)
    assert settled.authority_payables.get().amount_fen == 360
    assert seller.get(f"settlements/{settled.pk}")["net_fen"] == 1_158
    assert buyer.get(f"invoices/{invoice.pk}")["amount_fen"] == 1_200

    # Every fen is in one place.
    assert scenes.fen("bank-clearing") == -100_000
    assert scenes.fen(f"wallet/{buyer.organization.pk}") == 99_160
    assert scenes.fen(f"payout-due/{seller.organization.pk}") == 1_158
    assert scenes.fen(f"authority-billed/{programme.pk}") == -360
    assert scenes.fen("commission") + scenes.fen("output-vat") == 42
    assert scenes.broken() == []
