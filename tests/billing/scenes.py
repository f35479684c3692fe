"""A small economy for tests: a wallet with money, a voucher, an order that is matched, and hours on its meter."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import F

from accounts.models import Organization, OrganizationKind, User
from accounts.services.audit import Actor
from billing.models import Charge, Funding, TopUpMethod
from billing.services import charges, checkout, top_ups
from core.periods import HOUR
from ledger import selectors as ledger_selectors
from ledger.services import posting
from ledger.services.posting import Leg
from market.models import Category, MeteredHour, Offering, Order, OrderStatus, Reservation
from market.services import matching, reservations
from market.services.orders import Demand
from tests.market import scenes as markets
from vouchers import reconciliation
from vouchers.models import Grant, Programme
from vouchers.parameters import codec
from vouchers.services import grants, programmes

AT = markets.AT
START = AT + HOUR
YUAN = 100
CARD_HOUR_MS = 3_600_000

numbers = count(1)
# Sessions and requests that were refused on purpose are no business facts.
ASIDE = {"django_session", "accounts_idempotentrequest", "axes_accessattempt"}


def person(name: str = "") -> User:
    return User.objects.create_user(username=name or f"person{next(numbers)}")


def funded_buyer(fen: int = 1_000 * YUAN, name: str = "") -> Organization:
    """Return a buyer whose bank transfer two people have checked."""
    who = markets.buyer(name)
    if fen:
        top_up(who, fen)
    return who


def top_up(who: Organization, fen: int, *, at: datetime = AT) -> None:
    asked = top_ups.create(
        organization=who, method=TopUpMethod.BANK_TRANSFER, amount_fen=fen, actor=Actor(organization=who), at=at
    )
    top_ups.register_transfer(top_up=asked, by=person(), at=at)
    top_ups.confirm_transfer(top_up=asked, by=person(), at=at)


def programme(
    providers: Iterable[Organization], *, changes: Mapping[str, Any] | None = None, **rules: Any
) -> Programme:
    """Return a published programme that pays half of every order at the providers given; ``changes`` is by path."""
    authority = markets.organization(OrganizationKind.AUTHORITY)
    defaults: dict[str, Any] = {
        "code": f"programme-{next(numbers)}",
        "name": "Compute vouchers",
        "budget_fen": 10_000_000 * YUAN,
        "ratio_bp": 5_000,
        "validity_days": 90,
        "eligible_categories": [Category.GPU_TRAIN, Category.GPU_INFER],
        "opens_on": date(2026, 1, 1),
        "closes_on": date(2027, 1, 1),
    }
    drafted = programmes.draft(authority=authority, actor=Actor(user=person()), at=AT, **(defaults | rules))
    if changes:
        parameters = codec.changed(drafted.parameters, {**changes, "identity.code": f"{drafted.code}-x"})
        drafted = programmes.draft_of(authority=authority, parameters=parameters, actor=Actor(user=person()), at=AT)
    drafted.providers.set(providers)
    return programmes.publish(programme=drafted, actor=Actor(user=person()), at=AT)


def grant(owner: Organization, rules: Programme, fen: int = 500 * YUAN, *, at: datetime = AT) -> Grant:
    proposed = grants.propose(programme=rules, owner=owner, face_fen=fen, actor=Actor(user=person()), at=at)
    return grants.approve(grant=proposed, actor=Actor(user=person()), at=at)


def demand(offering: Offering, **terms: Any) -> Demand:
    """Return a demand for two cards over three hours at the price of the offering: ¥12.00 at ¥2.00."""
    defaults: dict[str, Any] = {
        "category": offering.category,
        "accelerators": (offering.accelerator,),
        "count": 2,
        "hours": 3,
        "start_min": START,
        "start_max": START + 2 * HOUR,
        "limit_micro": offering.price_micro,
    }
    return Demand(**(defaults | terms))


def place(
    who: Organization, offering: Offering, *, voucher: Grant | None = None, at: datetime = AT, **terms: Any
) -> Order:
    wanted = demand(offering, **terms)
    return checkout.place(buyer=who, demand=wanted, grant=voucher, actor=Actor(organization=who), at=at)


def matched(
    who: Organization,
    offering: Offering,
    *,
    starts_at: datetime,
    at: datetime,
    voucher: Grant | None = None,
    **terms: Any,
) -> Reservation:
    """Place an order that can start in one hour only, and match it."""
    order = place(who, offering, voucher=voucher, at=at, start_min=starts_at, start_max=starts_at, **terms)
    matching.run(at=at)
    return Reservation.objects.select_related("order__buyer", "provider").get(order=order)


def reserve(who: Organization, offering: Offering, *, voucher: Grant | None = None, **terms: Any) -> Reservation:
    """Place an order, match it and let its time begin."""
    order = place(who, offering, voucher=voucher, **terms)
    matching.run(at=AT)
    reservations.advance(at=START)
    return Reservation.objects.select_related("order", "provider").get(order=order)


def meter(reservation: Reservation, *card_hours_ms: int, first: int = 0) -> None:
    """Put totals on the meter, hour by hour from the ``first`` of the reservation; a new total is a new version."""
    for number, accelerator_ms in enumerate(card_hours_ms, start=first):
        hour = reservation.starts_at + number * HOUR
        rows = MeteredHour.objects.filter(reservation=reservation, hour=hour)
        rows.exclude(accelerator_ms=accelerator_ms).update(accelerator_ms=accelerator_ms, version=F("version") + 1)
        if not rows.exists():
            MeteredHour.objects.create(
                reservation=reservation,
                hour=hour,
                accelerator_ms=accelerator_ms,
                version=1,
                dirty=False,
                reported_until=hour + HOUR,
            )


def rate(reservation: Reservation, *, at: datetime = START) -> list[Charge]:
    """Charge what the meter shows and return all charges of the reservation."""
    charges.rate_reservation(reservation_id=reservation.pk, at=at)
    return list(Charge.objects.filter(reservation=reservation).order_by("pk"))


def serve(reservation: Reservation) -> datetime:
    """Let the reservation's time end and return the instant at which nothing more is expected of it."""
    reservations.advance(at=reservation.ends_at)
    assert Order.objects.get(pk=reservation.order_id).status == OrderStatus.COMPLETED
    return reservation.ends_at + timedelta(hours=73)


def funding(order: Order) -> Funding:
    return Funding.objects.select_related("redemption", "wallet_hold").get(order=order)


def rows() -> dict[str, int]:
    """Return how many rows each table of facts has, to be compared after a refusal."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model._meta.db_table not in ASIDE:
                table = model._meta.db_table
                cursor.execute(f"SELECT count(*), coalesce(sum(hashtext(t::text)), 0) FROM {table} t")
                found[model._meta.db_table] = cursor.fetchone()
    return found


def fen(code: str) -> int:
    """Return the balance of a ledger account by its code, 0 if it was never opened."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(amount_fen), 0)::bigint FROM ledger_posting posting "
            "JOIN ledger_account account ON account.id = posting.account_id WHERE account.code = %s",
            [code],
        )
        return int(cursor.fetchone()[0])


BROKEN = """
SELECT 'charges are voucher and wallet' WHERE EXISTS (
    SELECT FROM billing_charge WHERE amount_fen <> voucher_fen + wallet_fen
    OR amount_fen <> provider_fen + commission_fen + vat_fen)
UNION ALL
SELECT 'the platform takes what orders and programmes say' WHERE EXISTS (
    SELECT FROM (
        SELECT funding.commission_bp AS own_bp, sum(amount_fen) AS amount, sum(charge.voucher_fen) AS public,
               sum(commission_fen + vat_fen) AS taken, sum(charge.voucher_fen * coalesce(CASE
                   WHEN added.id IS NULL THEN funding.voucher_commission_bp ELSE added.voucher_commission_bp
               END, funding.commission_bp)) AS fees
        FROM billing_charge charge JOIN market_reservation reservation ON reservation.id = charge.reservation_id
        JOIN billing_funding funding ON funding.order_id = reservation.order_id
        LEFT JOIN billing_supplement added ON added.id = charge.supplement_id
        WHERE charge.kind IN ('usage', 'credit') GROUP BY reservation.id, funding.id) sums
    WHERE taken <> CASE WHEN public <= amount THEN div((amount - public) * own_bp + fees, 10000)
                        ELSE div(fees * amount, public * 10000) END)
UNION ALL
SELECT 'every total on the meter is charged' WHERE EXISTS (
    SELECT FROM market_meteredhour metered
    LEFT JOIN (SELECT metered_hour_id, sum(accelerator_ms) AS ms FROM billing_charge GROUP BY 1) charged
        ON charged.metered_hour_id = metered.id
    WHERE NOT metered.dirty AND metered.accelerator_ms <> coalesce(charged.ms, 0))
UNION ALL
SELECT 'vouchers paid what charges say' WHERE (SELECT coalesce(sum(voucher_fen), 0) FROM billing_charge) <>
    (SELECT coalesce(sum(amount_fen), 0) FROM vouchers_capture)
    - (SELECT coalesce(sum(amount_fen), 0) FROM vouchers_refund)
    + (SELECT coalesce(sum(CASE kind WHEN 'claim-denied' THEN amount_fen ELSE -amount_fen END), 0)
       FROM ledger_transfer WHERE kind IN ('claim-denied', 'claim-denial-undone'))
UNION ALL
SELECT 'authorities owe what vouchers paid' WHERE (SELECT coalesce(sum(voucher_fen), 0) FROM billing_charge) <>
    -(SELECT coalesce(sum(amount_fen), 0) FROM ledger_posting JOIN ledger_account account ON account.id = account_id
      WHERE account.code LIKE 'authority-%')
    + (SELECT coalesce(sum(CASE kind WHEN 'claim-denial-undone' THEN -amount_fen ELSE amount_fen END), 0)
       FROM ledger_transfer WHERE kind IN ('claim-paid', 'claim-denied', 'claim-denial-undone'))
UNION ALL
SELECT 'providers are owed what charges say' WHERE (SELECT coalesce(sum(provider_fen), 0) FROM billing_charge) <>
    (SELECT coalesce(sum(amount_fen), 0) FROM ledger_posting JOIN ledger_account account ON account.id = account_id
     WHERE account.code LIKE 'provider-payable/%' OR account.code LIKE 'payout-due/%')
    + (SELECT coalesce(sum(CASE kind WHEN 'claim-denial-undone' THEN -amount_fen ELSE amount_fen END), 0)
       FROM ledger_transfer WHERE kind IN ('claim-paid', 'claim-denied', 'claim-denial-undone'))
UNION ALL
SELECT 'wallets paid what charges say' WHERE (SELECT coalesce(sum(wallet_fen), 0) FROM billing_charge) <>
    (SELECT coalesce(sum(amount_fen), 0) FROM billing_topup WHERE status = 'succeeded') -
    (SELECT coalesce(sum(CASE kind WHEN 'top-up-refunded' THEN amount_fen ELSE -amount_fen END), 0)
     FROM ledger_transfer WHERE kind IN ('top-up-refunded', 'top-up-refund-failed')) -
    (SELECT coalesce(sum(amount_fen), 0) FROM ledger_posting JOIN ledger_account account ON account.id = account_id
     WHERE account.code LIKE 'wallet/%' OR account.code LIKE 'arrears/%')
UNION ALL
SELECT 'nobody is repaid more than was lent' WHERE EXISTS (
    SELECT FROM ledger_posting JOIN ledger_account account ON account.id = account_id
    WHERE account.code LIKE 'arrears/%' GROUP BY account.id HAVING sum(amount_fen) > 0)
UNION ALL
SELECT 'a closed funding holds nothing' WHERE EXISTS (
    SELECT FROM billing_funding funding LEFT JOIN ledger_hold hold ON hold.id = funding.wallet_hold_id
    LEFT JOIN vouchers_redemption redemption ON redemption.id = funding.redemption_id
    WHERE funding.status = 'closed' AND (hold.status = 'pending' OR redemption.status = 'held'))
UNION ALL
SELECT 'a closed funding holds nothing for added hours' WHERE EXISTS (
    SELECT FROM billing_supplement added JOIN billing_funding funding ON funding.id = added.funding_id
    LEFT JOIN ledger_hold hold ON hold.id = added.wallet_hold_id
    LEFT JOIN vouchers_redemption redemption ON redemption.id = added.redemption_id
    WHERE funding.status = 'closed' AND (hold.status = 'pending' OR redemption.status = 'held'))
UNION ALL
SELECT 'a fee is what its reason says' WHERE (SELECT coalesce(sum(fee_fen), 0) FROM billing_noticefee) <>
    (SELECT coalesce(sum(amount_fen), 0) FROM billing_charge WHERE kind = 'fee')
UNION ALL
SELECT 'a charge for a line says which' WHERE (SELECT count(*) FROM billing_linecharge) <>
    (SELECT count(*) FROM billing_charge WHERE kind = 'line')
UNION ALL
SELECT 'a settled line holds nothing' WHERE EXISTS (
    SELECT FROM billing_takenline line JOIN ledger_hold hold ON hold.id = line.wallet_hold_id
    JOIN billing_funding funding ON funding.id = line.funding_id
    WHERE (line.status = 'settled' OR funding.status = 'closed') AND hold.status = 'pending')
"""


def broken() -> list[object]:
    """Return every rule that the books break; an empty list is the answer."""
    with connection.cursor() as cursor:
        cursor.execute(BROKEN)
        rules = [row[0] for row in cursor.fetchall()]
    return [*rules, *ledger_selectors.reconcile(), *reconciliation.discrepancies()]


def occupy_next_charge(ahead: int) -> None:
    """Write a transfer under the ledger key of the next charge but ``ahead - 1``, so that this charge is refused."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('billing_charge', 'id'))")
        next_id = cursor.fetchone()[0] + ahead
    opened = posting.open_accounts(floors={"nowhere": None, "somewhere": None})
    legs = [Leg(opened["nowhere"], -1), Leg(opened["somewhere"], 1)]
    posting.post(key=f"charge/{next_id}", kind="test", legs=legs, at=AT)
