"""What nobody uses for as many days as its version says goes back to the budget; whoever uses it in time keeps it."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEntry
from core.constraints import constraint_name
from core.periods import midnight
from tests import emptying
from tests.gathering import FEW
from tests.market.races import race
from tests.vouchers import log, scenes
from tests.vouchers.scenes import AT, officer
from tests.vouchers.services.test_extensions import extendable, proposed
from tests.vouchers.test_races import without_trigger
from vouchers import selectors, tasks
from vouchers.models import Grant, GrantStatus, Redemption
from vouchers.selectors import GrantBalance
from vouchers.services import extensions, freezing, grants, idle, redemptions

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
DUE = midnight(date(2025, 7, 31))  # thirty whole days after 30 June
USED_AT = midnight(date(2025, 7, 15))
DUE_LATER = midnight(date(2025, 8, 15))


@pytest.fixture(autouse=True)
def _key_of_the_test(settings, tmp_path):
    settings.TRANSPARENCY_KEY_FILE = str(tmp_path / "log.key")


def thirty_days():
    return extendable(**{"validity.inactivity_expunge_days": 30})


def status(grant):
    return Grant.objects.get(pk=grant.pk).status


def test_a_grant_that_lies_idle_is_taken_back_on_its_day_by_the_clock(settings, tmp_path):
    programme = thirty_days()
    grant, plain = scenes.grant(programme), scenes.grant(scenes.published())
    used = scenes.hold(grant, 1_000_000)
    scenes.capture(used, 100_000)
    redemptions.release(redemption=used, at=AT)
    assert idle.taken_back([grant, plain]) == {grant.pk: DUE}
    assert idle.taken_back([plain]) == {}
    assert idle.take_back_due(at=DUE - timedelta(microseconds=1)) == 0

    (tmp_path / "clock").write_text(DUE.isoformat())
    settings.REHEARSAL_CLOCK = str(tmp_path / "clock")
    tasks.expire_grants()

    assert (status(grant), status(plain)) == (GrantStatus.UNUSED, GrantStatus.ACTIVE)
    assert selectors.grant_balance(grant) == GrantBalance(2_000_000, 0, 0, 100_000, 0, 1_900_000)
    assert selectors.programme_positions(programmes=[programme])[0].unallocated_fen == 9_999_900_000
    assert AuditEntry.objects.get(verb="grant.taken_back").object_id == str(grant.pk)
    with pytest.raises(redemptions.GrantNotUsable):
        scenes.hold(Grant.objects.get(pk=grant.pk), 1_000, at=DUE)
    redemptions.refund(redemption=used, reference="refund/1", amount_fen=40_000, at=DUE)
    assert selectors.grant_balance(grant).revoked_fen == 1_940_000
    log.published()
    verdict = log.verify(log.export(tmp_path), tmp_path / "log.pub")
    assert verdict.code == 0, verdict.said


def test_whoever_uses_a_grant_or_is_kept_from_it_has_the_days_again():
    programme = thirty_days()
    held, freed, refunded, extended, frozen, thawed, empty = (scenes.grant(programme) for _ in range(7))
    scenes.hold(held, 1_000)
    redemptions.release(redemption=scenes.hold(freed, 1_000), at=USED_AT)
    scenes.capture(paid := scenes.hold(refunded, 1_000), 300)
    redemptions.release(redemption=paid, at=AT)
    redemptions.refund(redemption=paid, reference="refund/1", amount_fen=10, at=USED_AT)
    extensions.approve(extension=proposed(extended), actor=officer(2), at=USED_AT)
    for one in (frozen, thawed):
        freezing.freeze(grant=one, reason="?", actor=officer(3), at=AT)
    freezing.lift(grant=thawed, reason="!", actor=officer(2), at=USED_AT)
    scenes.capture(spent := scenes.hold(empty, 10_000_000), 2_000_000)
    redemptions.release(redemption=spent, at=AT)

    everyone = [held, freed, refunded, extended, frozen, thawed, empty]
    clocked = [freed, refunded, extended, thawed]
    assert idle.taken_back(everyone) == dict.fromkeys([one.pk for one in clocked], DUE_LATER)
    assert idle.take_back_due(at=DUE_LATER - DAY) == 0
    assert idle.take_back_due(at=DUE_LATER) == 4
    assert {status(one) for one in clocked} == {GrantStatus.UNUSED}
    assert [status(one) for one in (held, frozen, empty)] == [
        GrantStatus.ACTIVE,
        GrantStatus.FROZEN,
        GrantStatus.ACTIVE,
    ]


def test_the_database_takes_back_only_what_its_version_says_and_nothing_that_is_held():
    allowed, plain, frozen = scenes.grant(thirty_days()), scenes.grant(scenes.published()), scenes.grant(thirty_days())
    scenes.hold(allowed, 1_000)
    freezing.freeze(grant=frozen, reason="?", actor=officer(3), at=AT)
    for grant in (allowed, plain, frozen):
        with connection.cursor() as cursor, pytest.raises(IntegrityError) as refusal, transaction.atomic():
            cursor.execute("UPDATE vouchers_grant SET status = 'unused' WHERE id = %s", [grant.pk])
        assert constraint_name(refusal.value) == "grant_idle_by_version"
    other = scenes.grant(thirty_days())
    idle.take_back_due(at=DUE)
    with pytest.raises(IntegrityError, match="stays over"), transaction.atomic():
        Grant.objects.filter(pk=other.pk).update(status="active")


@pytest.mark.django_db(transaction=True)
def test_who_holds_and_the_clock_that_takes_back_never_both_win():
    grant = scenes.grant(thirty_days())

    def hold_or_take_back(number):
        if number % 2:
            idle.take_back_due(at=DUE)
        else:
            scenes.hold(grant, 1_000, "order/1", at=DUE)

    outcomes = race(hold_or_take_back, threads=FEW)

    won = {GrantStatus.ACTIVE: ({"ok": FEW}, 1), GrantStatus.UNUSED: ({"ok": 2, "grant-not-usable": 2}, 0)}
    assert (outcomes, Redemption.objects.count()) == won[status(grant)]


@pytest.mark.django_db(transaction=True)
def test_without_the_second_look_a_grant_is_taken_back_that_was_held_meanwhile(monkeypatch):
    grant = scenes.grant(thirty_days())
    scenes.hold(grant, 1_000, at=DUE)
    monkeypatch.setattr(idle, "taken_back", lambda rows: {one.pk: DUE for one in rows})

    with without_trigger("vouchers_grant", "grant_idle_by_version"):
        assert idle._take_back(grant.pk, DUE)

        assert (status(grant), Redemption.objects.held().count()) == (GrantStatus.UNUSED, 1)
        emptying.empty()
    assert not grants.expire_due(at=DUE)
