"""Awards: a bid becomes an order at exactly its price, or nothing happens at all."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry, Onboarding
from accounts.services import onboardings
from accounts.services.audit import Actor
from billing import selectors
from billing.models import Funding
from billing.services import rfq_awards
from billing.services.checkout import WalletTooLow
from core.errors import NotFound
from market.models import CalendarHour, ExclusionReason, Order, OrderStatus, RfqStatus, TradeExclusion
from market.services import awards, matching, tape
from market.services.reservations import Overbooked
from market.services.vetting import ProviderNotVerified
from tests.billing import scenes
from tests.market import rfqs
from tests.market import scenes as markets
from tests.market.rfqs import START, UNTIL


@pytest.fixture
def rich(buyer):
    """The buyer with enough for sixteen cards over a day."""
    scenes.top_up(buyer, 1_000_00)
    return buyer


@pytest.fixture
def other(card):
    return markets.listed(markets.provider("Chengdu Centre"), card, price_micro=9_000_000)


@pytest.fixture
def rfq(rich, offering, other):
    """Two bids of eight cards each: the first provider's at ¥1.90, the other's at ¥1.70."""
    asked = rfqs.publish(rich, offering)
    rfqs.bid(asked, offering, price_micro=1_900_000)
    rfqs.bid(asked, other, price_micro=1_700_000)
    return asked


def award(rfq, *bids, at=UNTIL, **terms):
    by = Actor(organization=rfq.buyer)
    return rfq_awards.award(rfq=rfq, buyer=rfq.buyer, bids=bids, actor=by, at=at, **terms)


def test_the_cheapest_bid_becomes_an_order_at_its_price(rfq, other):
    cheapest, _dearer = rfqs.opened(rfq)

    (order,) = award(rfq, cheapest)

    order.refresh_from_db()
    rfq.refresh_from_db()
    reservation = order.reservation
    assert (rfq.status, order.status) == (RfqStatus.AWARDED, OrderStatus.MATCHED)
    assert (reservation.offering, reservation.price_micro, reservation.count) == (other, 1_700_000, 8)
    assert (reservation.starts_at, reservation.ends_at) == (START, START + timedelta(hours=24))
    assert order.match.reason == {"rfq": str(rfq.pk), "bid": str(cheapest.pk)}
    # 8 cards × 24 hours × ¥1.70
    assert order.funding.wallet_fen == 326_40
    assert selectors.wallet(rfq.buyer).held_fen == 326_40
    assert set(CalendarHour.objects.filter(offering=other).values_list("reserved", flat=True)) == {8}
    assert AuditEntry.objects.filter(verb__in=["rfq.awarded", "order.placed"]).count() == 2


def test_an_award_may_be_split(rfq):
    orders = award(rfq, *rfqs.opened(rfq))

    assert sorted(order.funding.wallet_fen for order in orders) == [326_40, 364_80]


def test_a_dearer_bid_wins_only_with_a_reason(rfq):
    _cheapest, dearer = rfqs.opened(rfq)
    with pytest.raises(awards.ReasonMissing):
        award(rfq, dearer)
    assert not Order.objects.exists()

    award(rfq, dearer, reason="Its network is faster.")

    rfq.refresh_from_db()
    assert rfq.reason == "Its network is faster."


def test_a_voucher_pays_its_part_of_an_award(rfq, grant):
    _cheapest, dearer = rfqs.opened(rfq)

    (order,) = award(rfq, dearer, grant=grant, reason="The programme lists this provider.")

    assert (order.funding.voucher_fen, order.funding.wallet_fen) == (182_40, 182_40)


def test_a_voucher_pays_for_one_order_only(rfq, grant):
    with pytest.raises(awards.BadAward):
        award(rfq, *rfqs.opened(rfq), grant=grant)


def test_what_is_awarded_happens_as_a_whole_or_not_at_all(rfq, other):
    both = rfqs.opened(rfq)
    full = markets.past_reservation(scenes.funded_buyer(), other, starts_at=START, cards=1, length=1)
    before = scenes.rows()

    with pytest.raises(Overbooked):
        award(rfq, *both)

    assert scenes.rows() == before
    assert full.count == 1


def test_a_poor_buyer_awards_nothing(buyer, offering):
    asked = rfqs.publish(buyer, offering, hours=24 * 30, start_max=START + timedelta(hours=1))
    rfqs.bid(asked, offering, price_micro=9_000_000)
    (bid,) = rfqs.opened(asked)
    before = scenes.rows()

    with pytest.raises(WalletTooLow):
        award(asked, bid)

    assert scenes.rows() == before


def test_sealed_foreign_late_and_awarded_bids_are_refused(rfq):
    with pytest.raises(awards.BidsNotOpen):
        award(rfq)
    cheapest, dearer = rfqs.opened(rfq)
    stranger = scenes.funded_buyer()
    with pytest.raises(NotFound):
        rfq_awards.award(rfq=rfq, buyer=stranger, bids=[cheapest], actor=Actor(organization=stranger), at=UNTIL)
    with pytest.raises(awards.BadAward):
        award(rfq)
    with pytest.raises(awards.BidLapsed):
        award(rfq, cheapest, at=START)
    assert not Order.objects.exists()

    award(rfq, cheapest)

    with pytest.raises(awards.BidsNotOpen):
        award(rfq, dearer, reason="Second thoughts.")
    assert Order.objects.count() == 1


def test_a_clearing_leaves_an_award_alone_and_the_index_does_not_count_it(rfq):
    award(rfq, rfqs.opened(rfq)[0])

    assert matching.run(at=UNTIL) is None
    tape.record(at=UNTIL)

    assert TradeExclusion.objects.get().reason == ExclusionReason.NEGOTIATED
    assert Funding.objects.count() == 1


def test_a_provider_that_was_suspended_wins_nothing_and_its_bid_is_passed_over_without_a_reason(rfq, other):
    cheapest, dearer = rfqs.opened(rfq)
    onboarding = Onboarding.objects.get(organization=other.provider)
    onboardings.suspend(onboarding=onboarding, reason="Licence withdrawn", actor=markets.operator(), at=UNTIL)

    with pytest.raises(ProviderNotVerified):
        award(rfq, cheapest)
    assert not Order.objects.exists()

    (order,) = award(rfq, dearer)
    assert order.reservation.provider == dearer.provider
