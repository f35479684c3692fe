from datetime import timedelta

import pytest

from ledger.services.posting import KeyReused
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, everything, officer
from vouchers import selectors
from vouchers.models import Capture, EntityYear, Redemption, RedemptionStatus, Refund
from vouchers.selectors import GrantBalance
from vouchers.services import captures, grants, redemptions
from vouchers.services.redemptions import CaptureItem

pytestmark = pytest.mark.django_db


@pytest.fixture
def redemption(grant):
    return scenes.hold(grant, 2_000_000, "order/1")


def test_what_is_captured_is_redeemed_and_the_rest_returns(programme, db):
    wuhan = scenes.published(ratio_bp=5_000)
    grant = scenes.grant(wuhan, face_fen=500_000)
    redemption = scenes.hold(grant, 1_000_000)
    scenes.capture(redemption, 382_716)

    released = redemptions.release(redemption=redemption, at=AT)

    assert released.status == RedemptionStatus.CAPTURED
    assert released.closed_at == AT
    assert selectors.grant_balance(grant) == GrantBalance(500_000, 117_284, 0, 382_716, 0, 0)
    assert EntityYear.objects.get().used_fen == 382_716


def test_an_unused_hold_returns_whole(grant, redemption):
    released = redemptions.release(redemption=redemption, at=AT)

    assert released.status == RedemptionStatus.RELEASED
    assert selectors.grant_balance(grant) == GrantBalance(2_000_000, 2_000_000, 0, 0, 0, 0)
    assert EntityYear.objects.get().used_fen == 0


def test_releasing_twice_changes_nothing(redemption):
    redemptions.release(redemption=redemption, at=AT)
    before = everything()

    redemptions.release(redemption=redemption, at=AT + timedelta(days=1))

    assert everything() == before


def test_many_captures_of_many_redemptions_are_made_together(programme, django_assert_max_num_queries):
    held = [scenes.hold(scenes.grant(programme), 1_000) for _ in range(20)]
    items = [CaptureItem(one, f"charge/{n}/{one.pk}", 10 + n, AT) for n in range(5) for one in held]

    with django_assert_max_num_queries(16):
        made = redemptions.capture_many(items=items, at=AT)

    assert [capture.reference for capture in made] == [item.reference for item in items]
    assert {one.captured_fen for one in Redemption.objects.all()} == {60}
    assert selectors.programme_positions(programmes=[programme])[0].redeemed_fen == 1_200
    assert Capture.objects.of_programme(programme).count() == 100


def test_no_items_are_no_captures(db):
    assert redemptions.capture_many(items=[], at=AT) == []


def test_a_repeated_capture_counts_once(redemption):
    first = scenes.capture(redemption, 100, "charge/1")
    before = everything()

    again = scenes.capture(redemption, 100, "charge/1")

    assert again == first
    assert everything() == before


def test_a_reference_twice_in_one_batch_counts_once(redemption):
    item = CaptureItem(redemption, "charge/1", 100, AT)

    redemptions.capture_many(items=[item, item], at=AT)

    assert Capture.objects.count() == 1
    assert str(Capture.objects.get()) == "charge/1"


@pytest.mark.parametrize("other", [{"amount_fen": 101}, {"used_at": AT + timedelta(seconds=1)}])
def test_a_reference_stands_for_one_capture(redemption, other):
    item = CaptureItem(redemption, "charge/1", 100, AT)
    redemptions.capture_many(items=[item], at=AT)
    before = everything()

    with pytest.raises(KeyReused):
        redemptions.capture_many(items=[item._replace(**other)], at=AT)

    assert everything() == before


@pytest.mark.parametrize(
    ("error", "item"),
    [
        (captures.BeyondHold, {"amount_fen": 600_001}),
        (captures.BadAmount, {"amount_fen": 0}),
        (captures.BadAmount, {"amount_fen": -1}),
        (captures.UsedAfterExpiry, {"used_at": AT + timedelta(days=400)}),
    ],
)
def test_a_bad_item_spoils_its_batch(redemption, error, item):
    good = CaptureItem(redemption, "charge/1", 1, AT)
    before = everything()

    with pytest.raises(error):
        redemptions.capture_many(items=[good, good._replace(reference="charge/2", **item)], at=AT)

    assert everything() == before


def test_together_captures_stay_within_the_hold(redemption):
    items = [CaptureItem(redemption, f"charge/{n}", 300_001, AT) for n in range(2)]
    before = everything()

    with pytest.raises(captures.BeyondHold):
        redemptions.capture_many(items=items, at=AT)

    assert everything() == before


def test_a_closed_redemption_captures_nothing(redemption):
    redemptions.release(redemption=redemption, at=AT)
    before = everything()

    with pytest.raises(redemptions.RedemptionClosed):
        scenes.capture(redemption, 1)

    assert everything() == before


def test_a_refund_returns_to_the_grant_with_its_first_expiry(grant, redemption):
    scenes.capture(redemption, 240_000)

    refund = redemptions.refund(redemption=redemption, reference="refund/1", amount_fen=150_000, at=AT)

    assert not refund.lapsed
    assert str(refund) == "refund/1"
    assert selectors.grant_balance(grant) == GrantBalance(2_000_000, 1_550_000, 360_000, 90_000, 0, 0)
    redemption.refresh_from_db()
    assert redemption.refundable_fen == 90_000
    assert EntityYear.objects.get().used_fen == 450_000
    before = grant.expires_at
    grant.refresh_from_db()
    assert grant.expires_at == before


def test_a_refund_after_the_expiry_goes_to_the_programme(grant, redemption):
    scenes.capture(redemption, 240_000)
    grants.expire_due(at=grant.expires_at)
    redemptions.release(redemption=redemption, at=grant.expires_at)

    refund = redemptions.refund(
        redemption=redemption, reference="refund/1", amount_fen=150_000, at=grant.expires_at + timedelta(days=30)
    )

    assert refund.lapsed
    assert selectors.grant_balance(grant) == GrantBalance(2_000_000, 0, 0, 90_000, 1_910_000, 0)


def test_a_refund_at_the_expiry_lapses_even_before_the_clock_has_swept(grant, redemption):
    scenes.capture(redemption, 240_000)

    redemptions.refund(redemption=redemption, reference="refund/1", amount_fen=150_000, at=grant.expires_at)

    assert selectors.grant_balance(grant).expired_fen == 150_000


def test_a_refund_of_a_revoked_grant_returns_to_the_budget(programme, grant, redemption):
    scenes.capture(redemption, 240_000)
    grants.revoke(grant=grant, actor=officer(1), at=AT)

    redemptions.refund(redemption=redemption, reference="refund/1", amount_fen=150_000, at=AT)

    assert selectors.grant_balance(grant) == GrantBalance(2_000_000, 0, 0, 90_000, 0, 1_910_000)
    assert selectors.programme_positions(programmes=[programme])[0].unallocated_fen == programme.budget_fen - 90_000


def test_a_repeated_refund_counts_once(redemption):
    scenes.capture(redemption, 240_000)
    first = redemptions.refund(redemption=redemption, reference="refund/1", amount_fen=100, at=AT)
    before = everything()

    assert redemptions.refund(redemption=redemption, reference="refund/1", amount_fen=100, at=AT) == first
    with pytest.raises(KeyReused):
        redemptions.refund(redemption=redemption, reference="refund/1", amount_fen=101, at=AT)

    assert everything() == before


@pytest.mark.parametrize(("error", "amount_fen"), [(captures.BeyondCaptured, 241), (captures.BadAmount, 0)])
def test_no_more_comes_back_than_was_captured(redemption, error, amount_fen):
    scenes.capture(redemption, 240)
    before = everything()

    with pytest.raises(error):
        redemptions.refund(redemption=redemption, reference="refund/1", amount_fen=amount_fen, at=AT)

    assert everything() == before
    assert not Refund.objects.exists()


def test_a_refunded_share_can_be_held_again(grant, redemption):
    scenes.capture(redemption, 600_000)
    redemptions.release(redemption=redemption, at=AT)
    redemptions.refund(redemption=redemption, reference="refund/1", amount_fen=600_000, at=AT)

    assert scenes.hold(grant, 10_000_000).amount_fen == 2_000_000
