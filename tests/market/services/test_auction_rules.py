"""Published rules of the auction: who is served at what price, and that batches replay with them."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEntry, OrganizationSize
from accounts.services.audit import SYSTEM
from market.matching.auction import pricing
from market.models import AuctionRules, MatchBatch, MatchInput, OrderStatus, UnmatchedReason
from market.services import auction_rules, auctions, replays
from tests.market import scenes
from tests.market.scenes import AT, hours
from tests.market.services.test_auctions import YUAN, bid, status
from tests.owning import as_owner


def publish(**terms) -> AuctionRules:
    told = {"starts_at": AT, "reserve_bp": 0, "ageing_bp": 0, "k_bp": 0, "grounds": "Notice 12", "actor": SYSTEM}
    return auction_rules.publish(**(told | {"at": AT - hours(1)} | terms))


def free_cards(order) -> int:
    order.refresh_from_db()
    return order.unmatched_detail["free_cards"]


def test_a_share_is_for_small_firms_and_vouchers(buyer, offering, card):
    rules = publish(reserve_bp=5_000)
    large, small = scenes.buyer(), scenes.buyer()
    small.size = OrganizationSize.MICRO
    small.save(update_fields=["size"])
    too_much = bid(large, card, limit=9 * YUAN, count=8)
    rich = [bid(large, card, limit=8 * YUAN, count=4) for _ in range(2)]
    poor, voucher = bid(small, card, count=2), bid(buyer, card, count=2, by_voucher=True)

    batch = auctions.hold(at=AT)

    assert (batch.rules, batch.matched) == (rules, 3)
    assert status(poor) == status(voucher) == (OrderStatus.MATCHED, "")
    assert sorted(status(one) for one in rich)[1] == (OrderStatus.OPEN, UnmatchedReason.OUTRANKED)
    assert status(too_much) == (OrderStatus.OPEN, UnmatchedReason.CAPACITY)
    assert free_cards(too_much) == 4
    assert replays.replay(batch).same


def test_what_is_reserved_is_not_counted_as_free_for_others(offering, card):
    publish(reserve_bp=5_000)
    large = scenes.buyer()
    first, second = bid(large, card, limit=8 * YUAN, count=4), bid(large, card, limit=3 * YUAN, count=4)

    auctions.hold(at=AT)

    assert status(first) == (OrderStatus.MATCHED, "")
    assert (status(second)[1], free_cards(second)) == (UnmatchedReason.OUTRANKED, 0)


def test_who_has_waited_comes_before_who_pays_a_little_more(buyer, offering, card):
    publish(ageing_bp=1_000)
    waiting = bid(buyer, card, limit=30 * YUAN // 10)
    bid(buyer, card, limit=9 * YUAN, start_max=AT + hours(1))
    auctions.hold(at=AT)
    assert status(waiting)[1] == UnmatchedReason.OUTRANKED
    scenes.listed(offering.provider, card, name="later", opens_at=AT - timedelta(days=1))
    newer = bid(buyer, card, limit=32 * YUAN // 10, at=AT + timedelta(minutes=1))

    batch = auctions.hold(at=AT + timedelta(minutes=2))

    assert (status(waiting)[0], status(newer)[0]) == (OrderStatus.MATCHED, OrderStatus.OPEN)
    assert replays.replay(batch).same


@pytest.mark.parametrize(("by_voucher", "price"), [(False, 3_500_000), (True, 2_000_000)])
def test_cash_pays_a_share_of_its_limit_and_a_voucher_the_ask(buyer, offering, card, by_voucher, price):
    publish(k_bp=5_000)
    order = bid(buyer, card, limit=5 * YUAN, by_voucher=by_voucher)

    auctions.hold(at=AT)

    order.refresh_from_db()
    assert (order.reservation.price_micro, order.match.price_micro) == (price, price)


@given(
    st.lists(st.integers(0, 10**12), min_size=1, max_size=50), st.integers(0, 10**12), st.integers(0, 10_000),
)  # fmt: skip
def test_all_hours_together_cost_no_more_than_the_limit_and_no_less_than_the_asks(asks, room, k_bp):
    limit = -(-sum(asks) // len(asks)) + room

    paid = pricing.contract_prices_micro(asks, limit_micro=limit, k_bp=k_bp)

    assert sum(asks) <= sum(paid) <= limit * len(asks)
    assert all(price >= ask for price, ask in zip(paid, asks, strict=True))
    assert pricing.contract_prices_micro(asks, limit_micro=limit, k_bp=k_bp, voucher=True) == tuple(asks)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 2_500), (2_500, 2_500), (2_500, 0)])
def test_prices_are_carried_over_and_replayed(buyer, offering, card, provider, before, after):
    publish(reserve_bp=before)
    publish(reserve_bp=after, starts_at=AT + hours(1), at=AT)
    for number in range(8):
        bid(buyer, card, limit=(3 + number) * YUAN, count=3, start_max=AT + hours(4), by_voucher=number % 2 == 0)
    first = auctions.hold(at=AT)
    scenes.listed(provider, card)

    second = auctions.hold(at=AT + hours(1))

    assert [replays.is_warm(one) for one in (first, second)] == [False, True]
    assert all(replays.replay(one).same for one in (first, second))
    found, begun = (replays.arrays(one)["price"] for one in (first.input.outcome, second.input.instance))
    left = min(found.shape[-1] - 1, begun.shape[-1])
    assert found[0].any()
    assert (begun[0, :, :left] == found[0, :, 1 : left + 1]).all()


def test_after_a_day_prices_are_found_anew(buyer, offering, card):
    bid(buyer, card, limit=3 * YUAN)
    auctions.hold(at=AT)
    bid(buyer, card, start_min=AT + hours(26), start_max=AT + hours(26), at=AT + hours(25))

    assert not replays.is_warm(auctions.hold(at=AT + hours(25)))


def test_another_engines_batch_is_not_replayed_by_this_one(buyer, offering, card):
    bid(buyer, card)
    batch = auctions.hold(at=AT)
    older = MatchBatch.objects.create(at=AT, engine="call-auction/1", input_sha256="", orders=1, matched=0)
    MatchInput.objects.create(batch=older, instance=batch.input.instance, outcome=batch.input.outcome)

    with pytest.raises(replays.HeldByAnother):
        replays.replay(older)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"reserve_bp": 5_001}, "reserve_bp"),
        ({"ageing_bp": -1}, "ageing_bp"),
        ({"k_bp": 10_001}, "k_bp"),
        ({"grounds": " "}, "grounds"),
        ({"starts_at": AT - hours(1)}, "starts_at"),
    ],
)
def test_rules_that_make_no_sense_are_refused(db, terms, field):
    with pytest.raises(auction_rules.BadAuctionRules) as refused:
        publish(**terms)

    assert set(refused.value.fields) == {field}
    assert not AuctionRules.objects.exists()


def test_rules_begin_once_and_are_never_changed(db):
    rules = publish()
    with pytest.raises(auction_rules.AuctionRulesTaken):
        publish(k_bp=1)
    with as_owner(), pytest.raises(IntegrityError), transaction.atomic():
        AuctionRules.objects.update(k_bp=1)

    assert auction_rules.in_effect(AT) == rules
    assert auction_rules.in_effect(AT - hours(1)) is None
    assert AuditEntry.objects.get(verb="auction-rules.published").object_id == str(rules.pk)


def test_everybody_reads_the_rules_and_an_operator_publishes_them(db, client, admin_client):
    address = reverse("admin:market_auctionrules_add")
    told = {"reserve_bp": 1_000, "ageing_bp": 200, "k_bp": 0, "grounds": "Notice 12", "starts_at_0": "2099-01-01"}

    admin_client.post(address, told | {"starts_at_1": "00:00", "reserve_bp": 9_000}, follow=True)
    assert not AuctionRules.objects.exists()
    admin_client.post(address, told | {"starts_at_1": "00:00"})

    assert AuctionRules.objects.get().reserve_bp == 1_000
    assert "Notice 12" in client.get(reverse("portal:measure")).content.decode()
