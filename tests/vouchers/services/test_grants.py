from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import AuditEntry
from core.errors import IllegalMove
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, everything, officer
from vouchers import selectors, tasks
from vouchers.models import Grant, GrantStatus, Redemption, RedemptionStatus
from vouchers.selectors import GrantBalance
from vouchers.services import grants, people, programmes, redemptions

EXPIRY = datetime(2026, 6, 29, 16, tzinfo=UTC)  # the end of 29 June 2026 in Shanghai
GRACE = timedelta(days=7)


def balance(grant):
    return selectors.grant_balance(grant)


def test_an_approved_grant_has_its_value_until_the_end_of_its_last_day(programme):
    grant = scenes.grant(programme, face_fen=2_000_000)

    assert grant.status == GrantStatus.ACTIVE
    assert grant.expires_at == EXPIRY
    assert balance(grant) == GrantBalance(2_000_000, 2_000_000, 0, 0, 0, 0)
    position = selectors.programme_positions(programmes=[programme])[0]
    assert (position.unallocated_fen, position.available_fen) == (9_998_000_000, 2_000_000)


def test_a_proposed_grant_moves_nothing(programme):
    grant = grants.propose(programme=programme, owner=scenes.buyer(), face_fen=5, actor=officer(1), at=AT)

    assert balance(grant) == GrantBalance(5, 0, 0, 0, 0, 0)
    assert selectors.programme_positions(programmes=[programme])[0].unallocated_fen == programme.budget_fen


def test_nobody_approves_what_they_proposed(programme):
    grant = grants.propose(programme=programme, owner=scenes.buyer(), face_fen=5, actor=officer(1), at=AT)
    before = everything()

    with pytest.raises(people.MakerIsChecker):
        grants.approve(grant=grant, actor=officer(1), at=AT)

    assert everything() == before


def test_a_grant_is_approved_once(grant):
    before = everything()

    with pytest.raises(IllegalMove):
        grants.approve(grant=grant, actor=officer(2), at=AT)

    assert everything() == before


def test_the_budget_ends_where_it_ends(programme):
    scenes.grant(programme, face_fen=programme.budget_fen)
    last = grants.propose(programme=programme, owner=scenes.buyer(), face_fen=1, actor=officer(1), at=AT)
    before = everything()

    with pytest.raises(grants.BudgetExhausted):
        grants.approve(grant=last, actor=officer(2), at=AT)

    assert everything() == before


def test_a_rejected_grant_is_over(programme):
    grant = grants.propose(programme=programme, owner=scenes.buyer(), face_fen=5, actor=officer(1), at=AT)

    rejected = grants.reject(grant=grant, actor=officer(2), at=AT)

    assert rejected.status == GrantStatus.REJECTED
    with pytest.raises(IllegalMove):
        grants.approve(grant=grant, actor=officer(2), at=AT)


@pytest.mark.parametrize("at", [datetime(2024, 12, 31, 15, 59, tzinfo=UTC), datetime(2025, 12, 31, 16, tzinfo=UTC)])
def test_nothing_is_granted_outside_the_programmes_time(programme, at):
    with pytest.raises(grants.NotGranting):
        grants.propose(programme=programme, owner=scenes.buyer(), face_fen=5, actor=officer(1), at=at)

    assert not Grant.objects.exists()


def test_a_paused_programme_grants_nothing(programme):
    proposed = grants.propose(programme=programme, owner=scenes.buyer(), face_fen=5, actor=officer(1), at=AT)
    programmes.pause(programme=programme, actor=officer(1), at=AT)

    with pytest.raises(grants.NotGranting):
        grants.approve(grant=proposed, actor=officer(2), at=AT)

    assert Grant.objects.get().status == GrantStatus.PROPOSED


def test_grants_go_to_buyers(programme):
    with pytest.raises(grants.NotABuyer):
        grants.propose(programme=programme, owner=scenes.provider(), face_fen=5, actor=officer(1), at=AT)

    assert not Grant.objects.exists()


@pytest.mark.parametrize(("smallest", "face_fen"), [(0, 0), (0, -1), (500_000, 499_999)])
def test_a_grant_is_not_too_small(db, smallest, face_fen):
    programme = scenes.published(min_grant_fen=smallest)

    with pytest.raises(grants.FaceTooSmall):
        grants.propose(programme=programme, owner=scenes.buyer(), face_fen=face_fen, actor=officer(1), at=AT)

    assert not Grant.objects.exists()


def test_nothing_expires_before_its_instant(grant):
    before = everything()

    assert grants.expire_due(at=EXPIRY - timedelta(milliseconds=1)) == 0

    assert everything() == before


def test_usage_before_the_expiry_is_paid_in_the_grace_and_the_rest_lapses(grant):
    redemption = scenes.hold(grant, 2_000_000)

    assert grants.expire_due(at=EXPIRY) == 1
    assert balance(grant) == GrantBalance(2_000_000, 0, 600_000, 0, 1_400_000, 0)
    scenes.capture(redemption, 240_000, used_at=EXPIRY - timedelta(hours=1), at=EXPIRY + timedelta(days=1))
    with pytest.raises(redemptions.UsedAfterExpiry):
        scenes.capture(redemption, 100, used_at=EXPIRY, at=EXPIRY + timedelta(days=1))
    redemptions.release(redemption=redemption, at=EXPIRY + timedelta(days=2))

    assert balance(grant) == GrantBalance(2_000_000, 0, 0, 240_000, 1_760_000, 0)
    assert AuditEntry.objects.filter(verb="grant.expired").count() == 1


def test_after_the_grace_the_clock_itself_releases_what_is_held(grant):
    redemption = scenes.hold(grant, 2_000_000)
    grants.expire_due(at=EXPIRY)

    assert grants.expire_due(at=EXPIRY + GRACE - timedelta(microseconds=1)) == 0
    assert grants.expire_due(at=EXPIRY + GRACE) == 1

    redemption.refresh_from_db()
    assert redemption.status == RedemptionStatus.RELEASED
    assert balance(grant) == GrantBalance(2_000_000, 0, 0, 0, 2_000_000, 0)


def test_a_late_clock_does_both_at_once(grant):
    scenes.hold(grant, 2_000_000)

    assert grants.expire_due(at=EXPIRY + GRACE) == 2
    assert grants.expire_due(at=EXPIRY + GRACE) == 0

    assert balance(grant) == GrantBalance(2_000_000, 0, 0, 0, 2_000_000, 0)


def test_a_revoked_grants_holds_end_and_its_value_returns_to_the_budget(programme, grant):
    used = scenes.hold(grant, 1_000_000)
    scenes.capture(used, 200_000)
    unused = scenes.hold(grant, 1_000_000)

    revoked = grants.revoke(grant=grant, actor=officer(1), at=AT)

    assert revoked.status == GrantStatus.REVOKED
    assert balance(grant) == GrantBalance(2_000_000, 0, 0, 200_000, 0, 1_800_000)
    assert selectors.programme_positions(programmes=[programme])[0].unallocated_fen == programme.budget_fen - 200_000
    assert Redemption.objects.get(pk=used.pk).status == RedemptionStatus.CAPTURED
    assert Redemption.objects.get(pk=unused.pk).status == RedemptionStatus.RELEASED
    with pytest.raises(IllegalMove):
        grants.revoke(grant=grant, actor=officer(1), at=AT)


def test_a_used_up_grant_is_revoked_without_a_movement(grant):
    scenes.capture(scenes.hold(grant, 10_000_000), 2_000_000)

    grants.revoke(grant=grant, actor=officer(1), at=AT)

    assert balance(grant) == GrantBalance(2_000_000, 0, 0, 2_000_000, 0, 0)


def test_the_clock_expires_grants(grant, settings, tmp_path):
    clock = tmp_path / "clock"
    clock.write_text(EXPIRY.isoformat())
    settings.REHEARSAL_CLOCK = str(clock)

    tasks.expire_grants()

    grant.refresh_from_db()
    assert grant.status == GrantStatus.EXPIRED


def test_grants_that_expire_first_are_offered_first(programme):
    owner = scenes.buyer()
    first, second = scenes.grant(programme, owner), scenes.grant(programme, owner)
    scenes.grant(programme)
    longer = scenes.grant(scenes.published(validity_days=500), owner)

    assert list(selectors.usable_grants(owner=owner, at=AT)) == [first, second, longer]
    assert list(selectors.usable_grants(owner=owner, at=EXPIRY)) == [longer]
