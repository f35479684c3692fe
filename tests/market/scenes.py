"""Small markets for tests: parties, sites, offerings and orders, made through the services where there is one."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from stdnum.cn import uscc

from accounts.models import Onboarding, OnboardingStatus, Organization, OrganizationKind, User
from accounts.services.audit import SYSTEM, Actor
from core.periods import HOUR
from market.models import (
    Accelerator,
    Category,
    Match,
    MatchBatch,
    Offering,
    OfferingStatus,
    Order,
    OrderStatus,
    PricePlan,
    Reservation,
    ReservationStatus,
    Site,
    SiteStatus,
    StopCode,
)
from market.pricing import Plan
from market.services import matching, offerings, orders, prices, reservations, vetting

AT = datetime(2026, 10, 1, 2, tzinfo=UTC)
NEXT_YEAR = AT + timedelta(days=365)
USED = (ReservationStatus.ACTIVE, ReservationStatus.INTERRUPTED, ReservationStatus.ENDED)
numbers = count(1)


def hours(number: int) -> timedelta:
    return number * HOUR


def organization(kind: OrganizationKind, name: str = "") -> Organization:
    number = next(numbers)
    body = f"91440300{number:09d}"
    code = body + uscc.calc_check_digit(body)
    made = Organization.objects.create(kind=kind, name=name or f"{kind.label} {number}", credit_code=code)
    if kind == OrganizationKind.PROVIDER:
        Onboarding.objects.create(organization=made, **verified(*clerks()))
    return made


def verified(maker: User, checker: User) -> dict[str, Any]:
    return {
        "status": OnboardingStatus.VERIFIED,
        "submitted_by": maker,
        "submitted_at": AT - timedelta(days=90),
        "decided_by": checker,
        "decided_at": AT - timedelta(days=90),
        "good_until": date(2028, 12, 31),
    }


def clerks() -> tuple[User, User]:
    """Return two people of whom one hands in and one checks."""
    known = {one.username: one for one in User.objects.filter(username__in=["maker", "checker"])}
    maker, checker = (known.get(name) or User.objects.create(username=name) for name in ("maker", "checker"))
    return maker, checker


def operator() -> Actor:
    """Return a person of an operator."""
    owner = Organization.objects.filter(kind=OrganizationKind.OPERATOR).first()
    return Actor(user=clerks()[1], organization=owner or organization(OrganizationKind.OPERATOR))


def provider(name: str = "") -> Organization:
    return organization(OrganizationKind.PROVIDER, name)


def buyer(name: str = "") -> Organization:
    return organization(OrganizationKind.BUYER, name)


def accelerator(code: str = "", *, domestic: bool = True) -> Accelerator:
    code = code or f"card-{next(numbers)}"
    return Accelerator.objects.create(code=code, vendor="Vendor", name=code, domestic=domestic)


def site(owner: Organization, **fields: Any) -> Site:
    named = {"name": f"Centre {next(numbers)}", "province": "广东省", "city": "深圳市", "status": SiteStatus.OPERATING}
    return Site.objects.create(provider=owner, **(named | fields))


def draft(owner: Organization, card: Accelerator, **fields: Any) -> Offering:
    terms = {
        "name": f"Pool {next(numbers)}",
        "category": Category.GPU_TRAIN,
        "count": 8,
        "price_micro": 2_000_000,
        "opens_at": AT - timedelta(days=60),
    }
    place = fields.pop("site", None) or site(owner)
    return offerings.draft(provider=owner, site=place, accelerator=card, actor=SYSTEM, at=AT, **(terms | fields))


def listed(owner: Organization, card: Accelerator, **fields: Any) -> Offering:
    submitted = vetting.submit(offering=draft(owner, card, **fields), actor=SYSTEM, at=AT)
    return vetting.approve(offering=submitted, actor=operator(), at=AT)


def priced(offering: Offering, plan: Plan, *, starts_at: datetime, at: datetime = AT) -> PricePlan:
    """Publish a price plan, at which the operator looks where it is far from the price before."""
    published = prices.publish(offering=offering, plan=plan, starts_at=starts_at, actor=SYSTEM, at=at)
    if published.offering.status == OfferingStatus.REVIEW:
        vetting.approve(offering=offering, actor=operator(), at=at)
    return published


def order(who: Organization, card: Accelerator, **fields: Any) -> Order:
    terms = {
        "category": Category.GPU_TRAIN,
        "count": 2,
        "hours": 3,
        "start_min": AT + hours(1),
        "start_max": AT + hours(5),
        "limit_micro": 3_000_000,
        "at": AT,
    }
    wanted = terms | fields
    at = wanted.pop("at")
    return orders.place(buyer=who, demand=orders.Demand(accelerators=(card,), **wanted), at=at)


def reserved(who: Organization, offering: Offering, **fields: Any) -> Reservation:
    """Place an order and match it to the only offering that fits."""
    placed = order(who, offering.accelerator, **fields)
    matching.run(at=AT)
    return Reservation.objects.get(order=placed)


def past_reservation(
    who: Organization,
    offering: Offering,
    *,
    starts_at: datetime,
    length: int = 24,
    cards: int = 2,
    status: str = "",
    engine: str = "test",
) -> Reservation:
    """Write a reservation that an earlier clearing made, with its hours in the calendar."""
    placed = Order.objects.create(
        status=OrderStatus.MATCHED,
        buyer=who,
        category=offering.category,
        count=cards,
        hours=length,
        start_min=starts_at,
        start_max=starts_at,
        limit_micro=offering.price_micro,
        placed_at=starts_at - HOUR,
    )
    placed.accelerators.set([offering.accelerator])
    batch = MatchBatch.objects.create(at=starts_at - HOUR, engine=engine, input_sha256="", orders=1, matched=1)
    match = Match.objects.create(
        batch=batch, order=placed, offering=offering, starts_at=starts_at, price_micro=offering.price_micro
    )
    reservation = Reservation(
        status=status or ReservationStatus.ACTIVE,
        match=match,
        order=placed,
        offering=offering,
        provider=offering.provider,
        count=cards,
        starts_at=starts_at,
        ends_at=starts_at + length * HOUR,
        price_micro=offering.price_micro,
    )
    if reservation.status in USED:
        reservation.access_at = starts_at
    if reservation.is_over:
        reservation.stopped_at, reservation.stop_code = reservation.ends_at, StopCode.COMPLETED
    reservations.hold_capacity(reservations=[reservation])
    reservation.save()
    return reservation


def encoded(*events: dict[str, Any]) -> bytes:
    """Return the body of a report."""
    return json.dumps(events).encode()
