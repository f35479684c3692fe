from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from core.errors import NotFound
from ledger.services.posting import KeyReused
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, everything, officer
from vouchers import rules, selectors
from vouchers.models import EntityYear, Redemption, RedemptionStatus
from vouchers.rules import Refusal
from vouchers.selectors import GrantBalance
from vouchers.services import grants, programmes, redemptions

pytestmark = pytest.mark.django_db


def refused_as(error, granted, amount_fen, **fields):
    """Check that a quote and a hold refuse alike, that nothing changes, and return the refusal."""
    before = everything()
    with pytest.raises(error) as refusal:
        scenes.hold(granted, amount_fen, **fields)
    assert everything() == before
    return refusal.value


def test_a_hold_sets_aside_the_ratio_of_the_spending(grant):
    redemption = scenes.hold(grant, 1_234_567, "order/1")

    stored = Redemption.objects.get(reference="order/1")
    assert (stored.pk, stored.hold_id) == (redemption.pk, redemption.hold_id)
    assert (stored.amount_fen, stored.eligible_fen) == (370_370, 1_234_567)
    assert stored.status == RedemptionStatus.HELD
    assert stored.year == 2025
    assert stored.remaining_fen == 370_370
    assert str(stored) == "order/1"
    assert selectors.grant_balance(grant) == GrantBalance(2_000_000, 1_629_630, 370_370, 0, 0, 0)
    assert EntityYear.objects.get().used_fen == 370_370


def test_a_hold_gives_its_grant_back_early_and_waits_for_the_disk(grant, django_capture_on_commit_callbacks):
    with connection.cursor() as cursor, django_capture_on_commit_callbacks(execute=True) as waits:
        cursor.execute("SET LOCAL synchronous_commit = 'on'")  # as everywhere but on the server of the tests
        scenes.hold(grant, 100_000)
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("off",)

    assert len(waits) == 1


def test_the_stored_explanation_gives_the_same_award_again(grant):
    redemption = scenes.hold(grant, 1_234_567)

    explanation = Redemption.objects.get(pk=redemption.pk).explanation

    assert rules.replay(explanation).amount_fen == redemption.amount_fen
    assert explanation["steps"][-1] == {"code": "AWARD", "amount_fen": 370_370, "params": {}}


def test_a_quote_changes_nothing_and_says_what_a_hold_would(grant):
    before = everything()

    quote = redemptions.quote(**scenes.wish(grant, 1_234_567))

    assert everything() == before
    assert quote.amount_fen == scenes.hold(grant, 1_234_567).amount_fen == 370_370


def test_the_same_reference_is_held_once(grant):
    first = scenes.hold(grant, 1_000, "order/1")
    before = everything()

    again = scenes.hold(grant, 1_000, "order/1")

    assert again.pk == first.pk
    assert everything() == before


def test_the_same_reference_for_another_wish_is_refused(grant):
    scenes.hold(grant, 1_000, "order/1")

    refused_as(KeyReused, grant, 1_001, reference="order/1")
    refused_as(KeyReused, grant, 1_000, reference="order/1", category="GPU_INFER")


def test_the_same_reference_finds_its_hold_when_the_grant_is_used_up(grant):
    first = scenes.hold(grant, 10_000_000, "order/1")

    assert scenes.hold(grant, 10_000_000, "order/1").pk == first.pk


def test_another_firms_grant_is_not_found(grant):
    refusal = refused_as(redemptions.NotOwner, grant, 1_000, owner=scenes.buyer())

    assert isinstance(refusal, NotFound)
    assert refusal.status == 404


@pytest.mark.parametrize("amount_fen", [0, -1])
def test_nothing_is_held_for_nothing(grant, amount_fen):
    refused_as(redemptions.NothingToPay, grant, amount_fen)


def test_other_categories_are_not_paid(grant):
    refusal = refused_as(redemptions.CategoryNotEligible, grant, 1_000, category="HPC")

    assert refusal.extra["explanation"]["refused"] == Refusal.CATEGORY_NOT_ELIGIBLE


def test_only_listed_providers_are_paid(db):
    listed, other = scenes.provider(), scenes.provider()
    grant = scenes.grant(scenes.published(providers=[listed]))

    refused_as(redemptions.ProviderNotListed, grant, 1_000, providers=[other])
    refused_as(redemptions.ProviderNotListed, grant, 1_000, providers=[listed, other])
    refused_as(redemptions.ProviderNotListed, grant, 1_000, providers=[])

    assert scenes.hold(grant, 1_000, providers=[listed, listed]).amount_fen == 300


def test_an_award_below_the_minimum_is_refused(db):
    grant = scenes.grant(scenes.published(min_award_fen=301))

    refused_as(redemptions.BelowMinimum, grant, 1_000)


def test_a_grant_that_waits_for_approval_pays_nothing(programme):
    grant = grants.propose(programme=programme, owner=scenes.buyer(), face_fen=5, actor=officer(1), at=AT)

    refused_as(redemptions.GrantNotUsable, grant, 1_000)


def test_an_expired_grant_pays_nothing_even_before_the_clock_has_swept_it(grant):
    refused_as(redemptions.GrantNotUsable, grant, 1_000, at=grant.expires_at)

    assert scenes.hold(grant, 1_000, at=grant.expires_at - timedelta(microseconds=1)).amount_fen == 300


def test_a_revoked_grant_pays_nothing(grant):
    grants.revoke(grant=grant, actor=officer(1), at=AT)

    refused_as(redemptions.GrantNotUsable, grant, 1_000)


def test_a_paused_programme_pays_nothing_and_a_closed_one_keeps_its_word(programme, grant):
    programmes.pause(programme=programme, actor=officer(1), at=AT)
    refused_as(redemptions.ProgrammeNotOpen, grant, 1_000)
    programme.refresh_from_db()
    programmes.close(programme=programme, actor=officer(1), at=AT)

    assert scenes.hold(grant, 1_000).amount_fen == 300


def test_the_yearly_cap_cuts_and_is_named(db):
    programme = scenes.published(entity_year_cap_fen=200_000_000)
    owner = scenes.buyer()
    scenes.hold(scenes.grant(programme, owner, face_fen=199_900_000), 199_900_000 * 10 // 3 + 1)
    grant = scenes.grant(programme, owner, face_fen=10_000_000)

    redemption = scenes.hold(grant, 10_000_000)

    assert redemption.amount_fen == 100_000
    assert redemption.explanation["binding_cap"] == "ENTITY_YEAR"
    refusal = refused_as(redemptions.Short, grant, 10_000_000)
    assert refusal.extra["cap"] == "ENTITY_YEAR"


def test_without_parts_a_cap_refuses_and_changes_nothing(db):
    programme = scenes.published(entity_year_cap_fen=400_000, partial_when_short=False)
    grant = scenes.grant(programme)
    scenes.hold(grant, 1_000_000)

    refusal = refused_as(redemptions.Short, grant, 1_000_000)

    assert refusal.extra["cap"] == "ENTITY_YEAR"


def test_the_cap_begins_anew_with_the_year_of_shanghai(db):
    grant = scenes.grant(scenes.published(entity_year_cap_fen=300_000))
    scenes.hold(grant, 1_000_000, at=datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC))

    redemption = scenes.hold(grant, 1_000_000, at=datetime(2025, 12, 31, 16, tzinfo=UTC))

    assert redemption.amount_fen == 300_000
    assert list(EntityYear.objects.order_by("year").values_list("year", "used_fen", "cap_fen")) == [
        (2025, 300_000, 300_000),
        (2026, 300_000, 300_000),
    ]


def test_a_programme_without_a_yearly_cap_has_none(db):
    grant = scenes.grant(scenes.published(entity_year_cap_fen=None), face_fen=900_000_000)

    assert scenes.hold(grant, 3_000_000_000).amount_fen == 900_000_000
    assert EntityYear.objects.get().cap_fen is None


def test_the_cap_per_order_cuts_and_is_named(db):
    grant = scenes.grant(scenes.published(order_cap_fen=50_000))

    redemption = scenes.hold(grant, 1_000_000)

    assert redemption.amount_fen == 50_000
    assert redemption.explanation["binding_cap"] == "ORDER_CAP"


def test_the_last_of_a_grant_is_held_in_part(grant):
    scenes.hold(grant, 6_000_000)

    redemption = scenes.hold(grant, 1_000_000)

    assert redemption.amount_fen == 200_000
    assert redemption.explanation["binding_cap"] == "GRANT"
    assert refused_as(redemptions.Short, grant, 1_000_000).extra["cap"] == "GRANT"


def test_a_caller_who_was_told_more_is_refused(grant):
    refusal = refused_as(redemptions.QuoteChanged, grant, 10_000_000, expected_fen=3_000_000)

    assert refusal.extra == {"amount_fen": 2_000_000}
    assert scenes.hold(grant, 10_000_000, expected_fen=2_000_000).amount_fen == 2_000_000
