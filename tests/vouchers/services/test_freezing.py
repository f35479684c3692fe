"""A frozen grant pays nothing, a barred firm gets nothing, and another person than who did it undoes it."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Interest, Membership, Role
from accounts.services.audit import Actor
from accounts.services.duties import NotYourDuty, Partial
from core.errors import IllegalMove
from core.periods import midnight
from tests.vouchers import cases, scenes
from tests.vouchers.scenes import AT, everything, officer
from vouchers import selectors
from vouchers.models import Blacklisting, Capture, Grant, GrantStatus, RedemptionStatus
from vouchers.selectors import GrantBalance
from vouchers.services import blacklisting, captures, freezing, grants, people, redemptions
from vouchers.services.refusals import Barred


def frozen(grant):
    freezing.freeze(grant=grant, reason="suspicion", actor=officer(1), at=AT)
    return Grant.objects.get(pk=grant.pk)


def test_a_frozen_grant_holds_and_pays_nothing_until_the_freeze_is_lifted(grant):
    redemption = scenes.hold(grant, 1_000_000)
    frozen(grant)
    before = everything()

    with pytest.raises(redemptions.GrantNotUsable):
        scenes.hold(grant, 1_000)
    with pytest.raises(captures.GrantFrozen):
        scenes.capture(redemption, 100)
    with pytest.raises(people.MakerIsChecker), transaction.atomic():
        freezing.lift(grant=grant, reason="fine", actor=officer(1), at=AT)
    with pytest.raises(freezing.ReasonMissing), transaction.atomic():
        freezing.lift(grant=grant, reason=" ", actor=officer(2), at=AT)
    assert everything() == before

    freezing.lift(grant=grant, reason="fine", actor=officer(2), at=AT)
    scenes.capture(redemption, 100)
    assert scenes.hold(grant, 1_000).amount_fen == 300
    with pytest.raises(IllegalMove), transaction.atomic():
        freezing.lift(grant=grant, reason="fine", actor=officer(2), at=AT)


def test_postgresql_refuses_to_capture_from_a_frozen_grant(grant):
    redemption = scenes.hold(grant, 1_000_000)
    frozen(grant)

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Capture.objects.create(redemption=redemption, reference="x", amount_fen=1, used_at=AT, captured_at=AT)
    with pytest.raises(IntegrityError, match="stays over"), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(status="proposed")


def test_what_comes_back_to_a_frozen_grant_stays_its_own_and_frozen(grant):
    spent, unused = scenes.hold(grant, 1_000_000), scenes.hold(grant, 1_000_000)
    scenes.capture(spent, 300_000)
    frozen(grant)

    redemptions.refund(redemption=spent, reference="r", amount_fen=100_000, at=AT)
    redemptions.release(redemption=unused, at=AT)

    assert selectors.grant_balance(grant) == GrantBalance(2_000_000, 1_800_000, 0, 200_000, 0, 0)


def test_a_frozen_grant_expires_and_is_revoked_like_any_other(programme):
    expiring, revoked = (scenes.grant(programme, face_fen=1_000) for _ in range(2))
    scenes.hold(revoked, 1_000)
    frozen(expiring), frozen(revoked)

    grants.revoke(grant=revoked, actor=officer(1), at=AT)
    grants.expire_due(at=expiring.expires_at)

    assert selectors.grant_balance(revoked) == GrantBalance(1_000, 0, 0, 0, 0, 1_000)
    assert revoked.redemptions.get().status == RedemptionStatus.RELEASED
    assert selectors.grant_balance(expiring) == GrantBalance(1_000, 0, 0, 0, 1_000, 0)
    assert Grant.objects.get(pk=expiring.pk).status == GrantStatus.EXPIRED


def test_a_barred_firm_gets_no_hold_and_no_grant_until_its_last_midnight(grant):
    until = date(2026, 1, 1)
    row = blacklisting.bar(organization=grant.owner, until=until, reason="fraud", actor=officer(1), at=AT)

    for at in (AT, midnight(until) - timedelta(milliseconds=1)):
        with pytest.raises(redemptions.Barred):
            scenes.hold(grant, 1_000, at=at)
    with pytest.raises(Barred):
        scenes.grant(grant.programme, grant.owner)
    with pytest.raises(people.MakerIsChecker):
        blacklisting.lift(blacklisting=row, reason="served", actor=officer(1), at=AT)
    assert scenes.hold(grant, 1_000, at=midnight(until)).amount_fen == 300

    with pytest.raises(blacklisting.BadBar):
        blacklisting.lift(blacklisting=row, reason=" ", actor=officer(2), at=AT)
    blacklisting.lift(blacklisting=row, reason="served", actor=officer(2), at=AT)
    assert scenes.hold(grant, 1_000).amount_fen == 300
    with pytest.raises(blacklisting.NotBarred):
        blacklisting.lift(blacklisting=row, reason="served", actor=officer(2), at=AT)


def test_nobody_is_paid_for_a_barred_provider_and_a_bar_needs_a_day_and_a_reason(grant):
    provider = scenes.provider()
    blacklisting.bar(organization=provider, until=date(2026, 1, 1), reason="fraud", actor=officer(1), at=AT)

    with pytest.raises(redemptions.Barred):
        scenes.hold(grant, 1_000, providers=[provider])
    for until, reason in ((date(2025, 6, 30), "fraud"), (date(2026, 1, 1), " ")):
        with pytest.raises(blacklisting.BadBar):
            blacklisting.bar(organization=provider, until=until, reason=reason, actor=officer(1), at=AT)


def owner_of(authority, number):
    user = officer(number).user
    Membership.objects.create(user=user, organization=authority, role=Role.OWNER)
    return Actor(user=user, organization=authority)


def test_a_bar_is_lifted_by_the_authority_that_set_it_and_by_nobody_with_an_interest(grant):
    ours, theirs = grant.programme.authority, scenes.authority()
    terms = {"organization": grant.owner, "until": date(2026, 1, 1), "reason": "fraud", "at": AT}
    row = blacklisting.bar(actor=owner_of(ours, 21), **terms)
    partial, judge = owner_of(ours, 23), owner_of(ours, 24)
    Interest.objects.create(user=partial.user, organization=grant.owner, note="n", declared_at=AT)

    assert row.authority == ours
    with pytest.raises(NotYourDuty):
        blacklisting.lift(blacklisting=row, reason="mercy", actor=owner_of(theirs, 22), at=AT)
    with pytest.raises(Partial):
        blacklisting.lift(blacklisting=row, reason="mercy", actor=partial, at=AT)
    of_nobody = blacklisting.bar(actor=officer(1), **terms)
    with pytest.raises(NotYourDuty):
        blacklisting.lift(blacklisting=of_nobody, reason="mercy", actor=judge, at=AT)
    assert Blacklisting.objects.standing(AT).count() == 2

    assert blacklisting.lift(blacklisting=row, reason="mercy", actor=judge, at=AT).lifted_by == judge.user


def test_the_bar_of_a_clawback_is_that_of_its_authority(grant):
    case = cases.upheld(grant, cases.paid(grant, 1_000), at=AT + timedelta(days=60))

    assert case.blacklisting.authority == grant.programme.authority


def test_only_those_whose_duty_it_is_freeze_and_bar(grant):
    with pytest.raises(NotYourDuty):
        freezing.freeze(grant=grant, reason="x", actor=cases.speaks_for(grant.programme.authority), at=AT)
    with pytest.raises(NotYourDuty):
        blacklisting.bar(
            organization=grant.owner, until=date(2026, 1, 1), reason="x", actor=cases.speaks_for(grant.owner), at=AT
        )
