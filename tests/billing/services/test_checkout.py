"""Checkout: the order and all the money for it, or nothing."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from accounts.services import relations
from accounts.services.audit import Actor
from billing import selectors
from billing.models import Funding, FundingStatus
from billing.services import checkout, extending, purchases
from billing.services.covered_hours import ExpiresFirst
from core import afterwards
from core.errors import IllegalMove, NotFound
from core.periods import HOUR, date_of
from ledger.models import Hold, HoldStatus
from market.measure import Metric
from market.models import CalendarHour, Order, OrderStatus
from market.pricing import Plan
from market.services import matching, orders, reservations
from tests.billing import scenes
from tests.billing.scenes import AT, START
from tests.gathering import FEW, LONG, Gathering
from tests.journeys.test_order_conditions import figure
from tests.market import scenes as markets
from tests.market.races import race
from vouchers.models import Finding, ProviderListing, Redemption, RedemptionStatus
from vouchers.services import blacklisting, price_filings, programmes, redemptions, registry
from vouchers.services.refusals import NotFirstPurchase


@pytest.fixture
def actor(buyer):
    return Actor(organization=buyer)


def test_an_order_sets_aside_the_voucher_first_and_the_wallet_for_the_rest(buyer, offering, grant):
    order = scenes.place(buyer, offering, voucher=grant)

    funding = scenes.funding(order)
    assert (funding.status, funding.estimate_fen) == (FundingStatus.OPEN, 1_200)
    assert (funding.voucher_fen, funding.redemption.amount_fen) == (600, 600)
    assert (funding.wallet_fen, funding.wallet_hold.amount_fen) == (600, 600)
    assert (funding.commission_bp, funding.commission_vat_bp) == (500, 600)
    assert selectors.wallet(buyer).available_fen == 100_000 - 600
    assert AuditEntry.objects.get(verb="order.placed").after == {"estimate_fen": 1_200, "voucher_fen": 600}


def test_an_order_with_a_voucher_goes_to_the_providers_of_its_programme(buyer, provider, offering, grant):
    order = scenes.place(buyer, offering, voucher=grant)

    assert list(order.providers.all()) == [provider]


def test_an_order_without_a_voucher_goes_to_whoever_sells(buyer, offering):
    order = scenes.place(buyer, offering)

    assert not order.providers.exists()
    assert scenes.funding(order).redemption is None


def test_a_programme_with_an_open_registry_leaves_the_providers_open(buyer, offering):
    voucher = scenes.grant(buyer, scenes.programme([], open_registry=True))

    order = scenes.place(buyer, offering, voucher=voucher)

    assert not order.providers.exists()
    assert scenes.funding(order).voucher_fen == 600


def refused(error, buyer, offering, **terms):
    """Place an order that must be refused, and check that nothing at all has changed."""
    before = scenes.rows()
    with pytest.raises(error) as refusal:
        scenes.place(buyer, offering, **terms)
    assert scenes.rows() == before
    return refusal.value


def test_a_wallet_that_is_too_low_refuses_the_whole_order(offering, programme):
    poor = scenes.funded_buyer(599)
    voucher = scenes.grant(poor, programme)

    error = refused(checkout.WalletTooLow, poor, offering, voucher=voucher)

    assert error.extra == {"available_fen": 599, "needed_fen": 600}


def test_a_wallet_that_never_had_money_is_too_low(offering):
    poor = scenes.funded_buyer(0)

    error = refused(checkout.WalletTooLow, poor, offering)

    assert error.extra == {"available_fen": 0, "needed_fen": 1_200}


def test_a_voucher_that_does_not_pay_refuses_the_whole_order(buyer, offering, grant):
    other = markets.listed(markets.provider(), offering.accelerator)

    refused(redemptions.ProviderNotListed, buyer, offering, voucher=grant, providers=(other.provider,))


def test_a_voucher_of_a_programme_that_lists_nobody_pays_nobody(buyer, offering):
    voucher = scenes.grant(buyer, scenes.programme([]))

    refused(redemptions.ProviderNotListed, buyer, offering, voucher=voucher)


def filed(rules, provider, price_micro, on):
    """List a provider with a price that it has filed."""
    one, other = (Actor(user=scenes.person()) for _ in range(2))
    terms = {"valid_from": on, "valid_until": on + timedelta(days=300), "actor": one, "at": AT}
    listing = registry.apply(programme=rules, provider=provider, **terms)
    registry.review(listing=listing, actor=other, at=AT)
    filing = price_filings.file(listing=listing, price_micro=price_micro, first_on=on, actor=one, at=AT)
    price_filings.approve(filing=filing, actor=other, at=AT)
    registry.list_(listing=listing, actor=other, at=AT)


def test_an_order_goes_to_those_whose_filed_price_is_not_below_its_limit_and_hours_are_added_so(buyer, offering, actor):
    rules = scenes.programme([], changes={"providers.price_filing_required": True})
    cheap, voucher = markets.listed(markets.provider(), offering.accelerator), scenes.grant(buyer, rules)
    filed(rules, offering.provider, offering.price_micro, date_of(AT))
    filed(rules, cheap.provider, offering.price_micro - 1, date_of(AT))

    refused(redemptions.PriceNotFiled, buyer, offering, voucher=voucher, limit_micro=offering.price_micro + 1)
    first = scenes.matched(buyer, offering, starts_at=START, at=AT, voucher=voucher)

    assert list(first.order.providers.all()) == [offering.provider]
    assert scenes.funding(first.order).voucher_fen == 600
    terms = {"reservation": first, "hours": 1, "grant": voucher}
    assert extending.quote(**terms, at=AT).voucher_fen == 200
    one, other = (Actor(user=scenes.person()) for _ in range(2))
    tomorrow, listing = AT + timedelta(days=1), ProviderListing.objects.get(provider=offering.provider)
    lower = {"price_micro": offering.price_micro - 1, "first_on": date_of(tomorrow)}
    price_filings.approve(filing=price_filings.file(listing=listing, actor=one, at=AT, **lower), actor=other, at=AT)
    assert extending.quote(**terms, at=AT).voucher_fen == 200
    quoted = extending.quote(**terms, at=tomorrow)
    assert (quoted.voucher_fen, quoted.voucher_quote.refused) == (0, "PRICE_NOT_FILED")
    assert extending.extend(**terms, actor=actor, at=AT).voucher_fen == 200


def test_the_limit_of_an_order_by_performance_is_for_all_its_cards_and_a_filed_price_for_one(buyer, offering, card):
    rules = scenes.programme([], changes={"providers.price_filing_required": True})
    filed(rules, offering.provider, offering.price_micro, date_of(AT))
    figure(card, Metric.FP16, 100_000)  # so that 150 TFLOPS are two cards
    wish = {"count": 0, "tflops": 150, "precision": "fp16", "voucher": scenes.grant(buyer, rules)}

    refused(redemptions.PriceNotFiled, buyer, offering, limit_micro=4_000_002, **wish)
    order = scenes.place(buyer, offering, limit_micro=4_000_001, **wish)

    assert scenes.funding(order).voucher_fen == 600
    refused(orders.UnknownModel, buyer, offering, limit_micro=4_000_001, **(wish | {"precision": "fp64"}))


def test_added_hours_of_which_one_is_dearer_than_what_was_filed_are_not_paid_by_a_voucher(buyer, offering, actor):
    rules = scenes.programme([], changes={"providers.price_filing_required": True})
    filed(rules, offering.provider, offering.price_micro, date_of(AT))
    voucher = scenes.grant(buyer, rules)
    first = scenes.matched(buyer, offering, starts_at=START, at=AT, voucher=voucher)
    for hour, micro in ((3, offering.price_micro + 1), (4, 1_000_000)):
        plan = Plan(base_micro=micro)
        markets.priced(offering, plan, starts_at=START + hour * HOUR)

    quoted = extending.quote(reservation=first, hours=2, grant=voucher, at=AT)

    assert (quoted.voucher_fen, quoted.voucher_quote.refused) == (0, "PRICE_NOT_FILED")  # whatever they cost on average
    with pytest.raises(redemptions.PriceNotFiled):
        extending.extend(reservation=first, hours=2, grant=voucher, actor=actor, at=AT)


def test_a_paused_programme_refuses_the_whole_order(buyer, offering, grant, programme):
    programmes.pause(programme=programme, actor=Actor(user=scenes.person()), at=AT)

    refused(redemptions.ProgrammeNotOpen, buyer, offering, voucher=grant)


def test_a_category_that_the_programme_does_not_pay_refuses_the_whole_order(buyer, provider, offering):
    voucher = scenes.grant(buyer, scenes.programme([provider], eligible_categories=["HPC"]))

    refused(redemptions.CategoryNotEligible, buyer, offering, voucher=voucher)


def test_another_firms_voucher_looks_like_none(buyer, offering, programme):
    foreign = scenes.grant(scenes.funded_buyer(), programme)

    refused(NotFound, buyer, offering, voucher=foreign)


def test_a_voucher_pays_up_to_the_cap_of_an_order(buyer, provider, offering):
    voucher = scenes.grant(buyer, scenes.programme([provider], order_cap_fen=250))

    funding = scenes.funding(scenes.place(buyer, offering, voucher=voucher))

    assert (funding.voucher_fen, funding.wallet_fen) == (250, 950)


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"count": 0}, orders.BadCount),
        ({"hours": -1}, orders.BadCount),
        ({"accelerators": ()}, orders.UnknownModel),
        ({"start_min": AT - timedelta(hours=3), "start_max": AT - timedelta(hours=2)}, orders.BadWindow),
        ({"start_min": START, "start_max": AT}, orders.BadWindow),
        ({"limit_micro": 1_999_999}, orders.NoPriceInReach),
    ],
)
def test_an_order_that_could_never_be_served_is_refused(buyer, offering, grant, terms, error):
    refused(error, buyer, offering, voucher=grant, **terms)


def test_only_buyers_order(provider, offering):
    refused(checkout.NotABuyer, provider, offering)


def test_a_quote_tells_what_an_order_would_set_aside_and_has_no_effect(buyer, offering, grant):
    before = scenes.rows()

    quote = checkout.quote(buyer=buyer, demand=scenes.demand(offering), grant=grant, at=AT)

    assert (quote.estimate_fen, quote.voucher_fen, quote.wallet_fen) == (1_200, 600, 600)
    assert quote.wallet_available_fen == 100_000
    assert quote.voucher_quote.amount_fen == 600
    assert scenes.rows() == before


def test_a_quote_without_a_voucher_is_all_wallet(buyer, offering):
    quote = checkout.quote(buyer=buyer, demand=scenes.demand(offering), grant=None, at=AT)

    assert (quote.voucher_fen, quote.wallet_fen, quote.voucher_quote) == (0, 1_200, None)


def test_placing_an_order_takes_few_queries(buyer, offering, grant):
    with CaptureQueriesContext(connection) as queries:
        scenes.place(buyer, offering, voucher=grant)

    assert len(queries) <= 27


def test_cancelling_gives_everything_back(buyer, offering, grant, actor):
    order = scenes.place(buyer, offering, voucher=grant)

    checkout.cancel(order=order, actor=actor, at=AT)

    funding = scenes.funding(order)
    assert Order.objects.get().status == OrderStatus.CANCELLED
    assert funding.status == FundingStatus.CLOSED
    assert funding.redemption.status == RedemptionStatus.RELEASED
    assert funding.wallet_hold.status == HoldStatus.POSTED
    assert selectors.wallet(buyer) == selectors.Wallet(balance_fen=100_000, held_fen=0, arrears_fen=0)
    assert AuditEntry.objects.get(verb="order.cancelled").before == {"status": "open"}
    assert scenes.broken() == []


def test_cancelling_a_matched_order_frees_its_cards(buyer, offering, actor):
    order = scenes.place(buyer, offering)
    matching.run(at=AT)

    checkout.cancel(order=Order.objects.get(), actor=actor, at=AT)

    assert scenes.funding(order).status == FundingStatus.CLOSED
    assert set(CalendarHour.objects.values_list("reserved", flat=True)) == {0}


def test_an_order_is_cancelled_once(buyer, offering, actor):
    order = scenes.place(buyer, offering)
    checkout.cancel(order=order, actor=actor, at=AT)
    before = scenes.rows()

    with pytest.raises(IllegalMove):
        checkout.cancel(order=order, actor=actor, at=AT)

    assert scenes.rows() == before


def test_an_order_that_has_started_is_not_cancelled(buyer, offering, grant, actor):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    before = scenes.rows()

    with pytest.raises(reservations.AlreadyStarted):
        checkout.cancel(order=reservation.order, actor=actor, at=START)

    assert scenes.rows() == before


@pytest.mark.parametrize("stranger", [True, False])
def test_another_firms_order_looks_like_none(buyer, offering, stranger):
    order = scenes.place(buyer, offering)
    before = scenes.rows()
    who = scenes.funded_buyer(0) if stranger else None
    before = scenes.rows()

    with pytest.raises(NotFound):
        checkout.cancel(order=order, actor=Actor(organization=who), at=AT)

    assert scenes.rows() == before


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("estimate_fen = estimate_fen + 1", "funding_identity"),
        ("commission_bp = 0", "funding_identity"),
        ("status = 'other'", "billing_funding_moves"),
    ],
)
def test_raw_sql_cannot_change_what_was_agreed(buyer, offering, change, constraint):
    scenes.place(buyer, offering)

    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE billing_funding SET {change}")

    assert refusal.value.__cause__.diag.constraint_name == constraint
    assert Funding.objects.get().estimate_fen == 1_200


def test_raw_sql_cannot_take_another_commission_of_a_voucher_than_its_programme_says(buyer, offering, grant):
    scenes.place(buyer, offering, voucher=grant)
    copied = "jsonb_populate_record(funding, jsonb_build_object('voucher_commission_bp', 1))"

    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO billing_funding SELECT ({copied}).* FROM billing_funding funding")

    assert refusal.value.__cause__.diag.constraint_name == "voucher_commission_is_the_programmes"
    assert Funding.objects.get().voucher_commission_bp == 0


def test_what_was_set_aside_names_its_order(buyer, offering, grant):
    order = scenes.place(buyer, offering, voucher=grant)

    assert Hold.objects.filter(key=f"order/{order.pk}").count() == 1
    assert Redemption.objects.get().reference == f"order/{order.pk}"


def test_a_voucher_order_that_names_nobody_is_never_matched_with_a_related_party(buyer, offering, provider, card):
    stranger = markets.provider("Stranger")
    markets.listed(stranger, card, price_micro=2_000_000)
    voucher = scenes.grant(buyer, scenes.programme([provider, stranger]))
    relations.declare(first=buyer, second=provider, ground="controller", source="R", actor=Actor(), at=AT)

    order = scenes.place(buyer, offering, voucher=voucher)

    matching.run(at=AT)

    assert list(order.providers.all()) == [stranger]
    assert order.reservation.provider == stranger


def test_with_an_open_registry_only_payable_providers_are_named(buyer, offering, provider, card):
    stranger = markets.provider("Stranger")
    markets.listed(stranger, card, price_micro=2_000_000)
    voucher = scenes.grant(buyer, scenes.programme([], open_registry=True))
    assert list(scenes.place(buyer, offering, voucher=voucher).providers.all()) == []

    blacklisting.bar(
        organization=provider, until=date(2035, 1, 1), reason="fraud", actor=Actor(user=scenes.person()), at=AT
    )
    assert list(scenes.place(buyer, offering, voucher=voucher).providers.all()) == [stranger]


def test_where_every_listed_provider_is_related_the_order_is_refused_and_says_why(buyer, offering, grant, provider):
    relations.declare(first=buyer, second=provider, ground="controller", source="R", actor=Actor(), at=AT)
    before = scenes.rows()

    with afterwards.keeping(), pytest.raises(redemptions.RelatedParty):
        scenes.place(buyer, offering, voucher=grant)

    assert Finding.objects.get().counterparty == provider
    after = scenes.rows()
    assert {name for name in after if after[name] != before.get(name)} == {"vouchers_finding"}


def once(buyer, provider):
    """Return a voucher that pays for a first purchase only."""
    return scenes.grant(buyer, scenes.programme([provider], changes={"caps.first_purchase_only": True}))


def test_a_voucher_for_a_first_purchase_pays_for_no_other_but_for_all_of_it(buyer, provider, offering, actor):
    voucher = once(buyer, provider)
    dropped = scenes.place(buyer, offering, voucher=voucher)
    checkout.cancel(order=dropped, actor=actor, at=AT)
    assert checkout.quote(buyer=buyer, demand=scenes.demand(offering), grant=voucher, at=AT).voucher_fen == 600

    first = scenes.matched(buyer, offering, starts_at=START, at=AT, voucher=voucher)
    later = AT + timedelta(minutes=1)
    quoted = checkout.quote(buyer=buyer, demand=scenes.demand(offering), grant=voucher, at=later)
    assert (quoted.voucher_fen, quoted.voucher_quote.refused) == (0, "NOT_FIRST_PURCHASE")
    refused(NotFirstPurchase, buyer, offering, voucher=voucher, at=later)
    scenes.place(buyer, offering, at=later)

    terms = {"reservation": first, "hours": 1, "grant": voucher, "at": later}
    assert extending.quote(**terms).voucher_fen == 200
    assert extending.extend(**terms, actor=actor).voucher_fen == 200


@pytest.fixture
def first_only(transactional_db, buyer, provider):
    return once(buyer, provider)


def place_at_once(voucher, buyer, offering):
    return race(lambda _number: scenes.place(buyer, offering, voucher=voucher, hours=1, count=1), threads=FEW)


def test_one_order_at_a_time_is_a_first_purchase(first_only, buyer, offering):
    assert place_at_once(first_only, buyer, offering) == {"ok": 1, "not-first-purchase": FEW - 1}
    assert scenes.broken() == []


def test_without_waiting_for_each_other_every_order_is_a_first_purchase(first_only, buyer, offering, monkeypatch):
    monkeypatch.setattr(purchases, "ONE_BY_ONE", "SELECT %s")
    monkeypatch.setattr(purchases, "_case", Gathering(FEW, patience=LONG).after(purchases._case))

    assert place_at_once(first_only, buyer, offering) == {"ok": FEW}


def test_hours_that_begin_once_the_voucher_has_expired_are_the_wallets_from_the_first(buyer, provider, offering):
    voucher = scenes.grant(buyer, scenes.programme([provider], validity_days=1))
    starts_at = voucher.expires_at - HOUR
    wanted = scenes.demand(offering, start_min=starts_at, start_max=starts_at)
    told = checkout.quote(buyer=buyer, demand=wanted, grant=voucher, at=AT)

    order = scenes.place(buyer, offering, voucher=voucher, start_min=starts_at, start_max=starts_at)

    # one of three hours is half the voucher's
    funding = scenes.funding(order)
    assert (funding.voucher_fen, funding.wallet_fen) == (200, 1_000) == (told.voucher_fen, told.wallet_fen)
    with pytest.raises(ExpiresFirst):
        scenes.place(buyer, offering, voucher=voucher, start_min=starts_at + HOUR, start_max=starts_at + HOUR)
