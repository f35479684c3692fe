"""A small world with everything in it that pages show, made through the services."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.contrib.auth.hashers import make_password

from accounts.models import Membership, Organization, OrganizationKind, Role, SigningKey, User
from accounts.services import keys
from accounts.services.audit import Actor
from billing import selectors
from billing.models import Funding, Invoice, Settlement, TopUp, TopUpMethod
from billing.services import charges, checkout, fundings, invoicing, settlement, top_ups
from core.periods import HOUR
from market.models import Accelerator, Category, ExtraLine, Offering, Order, Reservation, Rfq, Site, UsageBatch
from market.services import bids, candles, indices, listings, matching, metering, reservations, rfqs, tape
from market.services.bids import Terms
from market.services.orders import Demand
from market.services.rfqs import Wanted
from tests.market import scenes
from vouchers.models import Grant, Programme
from vouchers.services import grants, programmes

PASSWORD = "correct horse battery"
HASHED = make_password(PASSWORD)
NOW = datetime(2026, 10, 20, 2, 0, tzinfo=UTC)
LAST_MONTH = datetime(2026, 9, 10, 2, 0, tzinfo=UTC)
FACE_FEN = 10_000_00
WALLET_FEN = 50_000_00
DISTRICT = "高新区"
PRICE_MICRO = 2_200_000
LIMIT_MICRO = 2_500_000


@dataclass
class World:
    """Who and what there is."""

    buyer: Organization
    provider: Organization
    authority: Organization
    operator: Organization
    people: dict[str, User] = field(default_factory=dict)

    site: Site = field(init=False)
    card: Accelerator = field(init=False)
    offering: Offering = field(init=False)
    programme: Programme = field(init=False)
    grant: Grant = field(init=False)
    signing_key: SigningKey = field(init=False)

    def actor(self, name: str, organization: Organization) -> Actor:
        return Actor(user=self.people[name], organization=organization)


def person(world: World, name: str, organization: Organization, role: str) -> User:
    """Add a person with a role."""
    user = User.objects.create(username=name, password=HASHED)
    district = DISTRICT if role == Role.DISTRICT else ""
    Membership.objects.create(user=user, organization=organization, role=role, district=district)
    world.people[name] = user
    return user


def build(*, at: datetime = LAST_MONTH) -> World:
    """Register everyone, list an offering, publish a programme with a grant, and fill the wallet."""
    world = World(
        buyer=scenes.buyer("成都样例智能科技有限公司"),
        provider=scenes.provider("成都样例智算中心"),
        authority=scenes.organization(OrganizationKind.AUTHORITY, "成都样例主管部门"),
        operator=scenes.organization(OrganizationKind.OPERATOR, "算易运营"),
    )
    for name, organization, role in [
        ("buyer", world.buyer, Role.OWNER),
        ("trader", world.buyer, Role.TRADER),
        ("finance", world.buyer, Role.FINANCE),
        ("viewer", world.buyer, Role.VIEWER),
        ("seller", world.provider, Role.OWNER),
        ("onlooker", world.provider, Role.VIEWER),
        ("officer1", world.authority, Role.REVIEWER),
        ("officer2", world.authority, Role.OWNER),
        ("treasurer", world.authority, Role.FINANCE),
        ("district1", world.authority, Role.DISTRICT),
        ("expert1", world.authority, Role.EXPERT),
        ("auditor", world.authority, Role.AUDITOR),
        ("operator1", world.operator, Role.FINANCE),
        ("operator2", world.operator, Role.FINANCE),
    ]:
        person(world, name, organization, role)
    _supply(world, at)
    _vouchers(world, at)
    fill_wallet(world, world.buyer, WALLET_FEN, at=at)
    return world


def _supply(world: World, at: datetime) -> None:
    world.card = Accelerator.objects.create(
        code="ascend-910b", vendor="华为", name="昇腾 910B", domestic=True, fp16_tflops=376, memory_gib=64
    )
    world.site = scenes.site(world.provider, name="成都样例智算中心一期", province="四川省", city="成都市")
    world.offering = scenes.listed(
        world.provider,
        world.card,
        site=world.site,
        name="昇腾 910B 训练池",
        count=64,
        price_micro=PRICE_MICRO,
        opens_at=at - timedelta(days=30),
    )
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    seller = world.actor("seller", world.provider)
    world.signing_key = keys.register_signing_key(organization=world.provider, public_key=public, actor=seller, at=at)


def sell_storage(world: World, *, at: datetime) -> ExtraLine:
    """Let the provider sell storage beside its cards, at ¥0.36 a GiB for a month."""
    terms = {"kind": "storage", "name": "NVMe", "unit": "gib-month", "price_micro": 360_000}
    return listings.add_line(offering=world.offering, actor=world.actor("seller", world.provider), at=at, **terms)


def _vouchers(world: World, at: datetime) -> None:
    maker, checker = world.actor("officer1", world.authority), world.actor("officer2", world.authority)
    drafted = draft_programme(world, at=at)
    world.programme = programmes.publish(programme=drafted, actor=checker, at=at)
    world.grant = grants.propose(programme=world.programme, owner=world.buyer, face_fen=FACE_FEN, actor=maker, at=at)
    world.grant = grants.approve(grant=world.grant, actor=checker, at=at)


def draft_programme(world: World, *, code: str = "cd-2026", at: datetime = LAST_MONTH) -> Programme:
    """Let the first officer draft a programme."""
    return programmes.draft(
        authority=world.authority,
        actor=world.actor("officer1", world.authority),
        at=at,
        code=code,
        name="成都市算力券（样例）",
        budget_fen=1_000_000_00,
        ratio_bp=3_000,
        entity_year_cap_fen=100_000_00,
        order_cap_fen=5_000_00,
        validity_days=180,
        eligible_categories=[Category.GPU_TRAIN, Category.GPU_INFER],
        open_registry=True,
        opens_on=date(2026, 1, 1),
        closes_on=date(2027, 1, 1),
    )


def fill_wallet(world: World, organization: Organization, amount_fen: int, *, at: datetime) -> TopUp:
    """Bring money into a wallet by a transfer that two operators check."""
    top_up = announce(organization, amount_fen, at=at)
    top_ups.register_transfer(top_up=top_up, by=world.people["operator1"], at=at)
    top_ups.confirm_transfer(top_up=top_up, by=world.people["operator2"], at=at)
    return top_up


def announce(organization: Organization, amount_fen: int, *, at: datetime = NOW) -> TopUp:
    """Announce a bank transfer."""
    return top_ups.create(
        organization=organization,
        method=TopUpMethod.BANK_TRANSFER,
        amount_fen=amount_fen,
        actor=Actor(organization=organization),
        at=at,
    )


def demand(world: World, *, at: datetime, count: int = 4, hours: int = 10, name: str = "大模型微调") -> Demand:
    """Return a demand that the offering can serve."""
    return Demand(
        category=Category.GPU_TRAIN,
        accelerators=(world.card,),
        count=count,
        hours=hours,
        start_min=at + HOUR,
        start_max=at + 6 * HOUR,
        limit_micro=LIMIT_MICRO,
        name=name,
    )


def place(world: World, *, at: datetime, with_voucher: bool = True, **terms: object) -> Order:
    """Place an order as the buyer's owner."""
    return checkout.place(
        buyer=world.buyer,
        demand=demand(world, at=at, **terms),
        grant=world.grant if with_voucher else None,
        actor=world.actor("buyer", world.buyer),
        at=at,
    )


def serve(world: World, order: Order, *, at: datetime) -> Reservation:
    """Match an order, let it run, report its usage, meter and charge it."""
    matching.run(at=at)
    reservation = Reservation.objects.get(order=order)
    reservations.advance(at=reservation.starts_at)
    report(world, reservation, at=reservation.ends_at)
    reservations.advance(at=reservation.ends_at)
    metering.meter(at=reservation.ends_at)
    charges.rate_reservation(reservation_id=reservation.pk, at=reservation.ends_at)
    fundings.close(funding=Funding.objects.get(order=order), at=reservation.ends_at)
    reservation.refresh_from_db()
    return reservation


def report(world: World, reservation: Reservation, *, at: datetime) -> UsageBatch:
    """Send a report of all hours, with one duplicate, one conflict and one event that is refused."""
    hours = range((reservation.ends_at - reservation.starts_at) // HOUR)
    events = [_event(world, reservation, number) for number in hours]
    conflict = _event(world, reservation, 0, cards=1)
    unknown = _event(world, reservation, 1) | {"id": "stray", "subject": "reservation/nothing"}
    body = json.dumps([*events, events[0], conflict, unknown]).encode()
    return metering.ingest(
        provider=world.provider,
        key=world.signing_key,
        signature=b"x" * 64,
        signed_at=at,
        idempotency_key=f"report-{reservation.pk}",
        body=body,
        at=at,
    ).batch


def _event(world: World, reservation: Reservation, number: int, *, cards: int = 0) -> dict[str, object]:
    starts_at = reservation.starts_at + number * HOUR
    cards = cards or reservation.count
    return {
        "specversion": "1.0",
        "id": f"{reservation.pk}-{number}",
        "source": "//meter/test",
        "type": "compute.usage.interval.v1",
        "subject": f"reservation/{reservation.pk}",
        "data": {
            "start": starts_at.isoformat(),
            "end": (starts_at + HOUR).isoformat(),
            "resource_class": world.card.code,
            "accelerators": cards,
            "accelerator_ms": cards * 3_600_000,
        },
    }


def settle_month(world: World, *, at: datetime) -> tuple[Invoice, Settlement]:
    """Bill last month to the buyer and settle it with the provider."""
    month_on = date(2026, 9, 1)
    invoice = invoicing.issue(issuer=world.provider, buyer=world.buyer, month_on=month_on, at=at)
    settled = settlement.settle(provider=world.provider, month_on=month_on, at=at)
    assert invoice is not None
    assert settled is not None
    return invoice, settled


def quoted(world: World, *, at: datetime = NOW) -> Rfq:
    """Publish a request with a bid and a question, open it, and bring the market data up to date."""
    earlier = at - timedelta(hours=5)
    wanted = Wanted(
        title="千卡训练集群询价",
        category=Category.GPU_TRAIN,
        accelerators=(world.card,),
        requirement="同一数据中心，RoCE 网络",
        count=64,
        hours=72,
        start_min=at + timedelta(days=3),
        start_max=at + timedelta(days=5),
        bids_until=at - HOUR,
        budget_fen=12_000_00,
    )
    buyer, seller = world.actor("buyer", world.buyer), world.actor("seller", world.provider)
    rfq = rfqs.publish(buyer=world.buyer, wanted=wanted, actor=buyer, at=earlier)
    rfqs.ask(rfq=rfq, asker=world.provider, text="可否分两批交付？", actor=seller, at=earlier)
    terms = Terms(
        offering=world.offering,
        price_micro=1_800_000,
        count=48,
        starts_at=at + timedelta(days=3),
        valid_until=at + timedelta(days=2),
        note="液冷机柜",
    )
    bids.submit(rfq=rfq, provider=world.provider, terms=terms, actor=seller, at=earlier)
    rfqs.open_bids(rfq_id=rfq.pk, at=at)
    for service in (tape.record, candles.close, indices.publish):
        service(at=at)
    return rfq


def wallet_fen(organization: Organization) -> int:
    """Return what an organisation's wallet has available."""
    return selectors.wallet(organization).available_fen
