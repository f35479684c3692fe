"""Days of validity that count from the first use: its first hold fixes the end of a grant for all that comes later."""

from datetime import date, timedelta
from threading import Event, Thread

import pytest
from django.db import IntegrityError, connection, connections, transaction

from core.constraints import constraint_name
from core.periods import midnight
from tests import emptying
from tests.owning import as_owner
from tests.processes import eventually
from tests.vouchers import log, scenes
from tests.vouchers.scenes import AT, officer
from tests.vouchers.services.test_extensions import extendable, proposed
from vouchers import canonical, selectors
from vouchers.models import FirstUse, Grant, GrantStatus, LogEntry
from vouchers.selectors import GrantBalance
from vouchers.services import captures, extensions, freezing, grants, redemptions, reissues

pytestmark = pytest.mark.django_db
DAY, BEFORE = timedelta(days=1), -timedelta(microseconds=1)
LATEST = midnight(date(2027, 1, 1))  # never used
USED_AT = midnight(date(2025, 7, 15)) + BEFORE  # still 14 July in Shanghai
ENDS = midnight(date(2025, 10, 12))  # ninety days, of which the first is 14 July
DAYS = {"validity.valid_from": "FIRST_USE", "validity.days": 90, "validity.fixed_last_on": "2026-12-31"}


@pytest.fixture(autouse=True)
def _key_of_the_test(settings, tmp_path):
    settings.TRANSPARENCY_KEY_FILE = str(tmp_path / "log.key")


@pytest.fixture
def waiting() -> Grant:
    return scenes.grant(extendable(**DAYS))


def stands(grant):
    now = Grant.objects.get(pk=grant.pk)
    return now.status, now.expires_at, now.days_from_first_use


def test_the_first_hold_fixes_the_end_and_everything_later_goes_by_it(waiting, tmp_path):
    assert stands(waiting) == ("active", LATEST, 90)
    assert grants.expire_due(at=ENDS) == 0

    first = scenes.hold(waiting, 1_000_000, at=USED_AT)

    assert (first.grant.expires_at, first.grant.days_from_first_use) == (ENDS, None)
    assert stands(waiting) == ("active", ENDS, None)
    scenes.hold(waiting, 100_000, at=ENDS + BEFORE)
    assert stands(waiting) == ("active", ENDS, None)
    with pytest.raises(redemptions.GrantNotUsable):
        scenes.hold(waiting, 100_000, at=ENDS)
    scenes.capture(first, 200_000, at=ENDS, used_at=ENDS + BEFORE)
    with pytest.raises(captures.UsedAfterExpiry):
        scenes.capture(first, 1_000, at=ENDS, used_at=ENDS)
    assert grants.expire_due(at=ENDS) == 1
    refund = redemptions.refund(redemption=first, reference="refund/late", amount_fen=50_000, at=ENDS)
    assert refund.lapsed
    grants.expire_due(at=ENDS + 7 * DAY)
    assert selectors.grant_balance(waiting) == GrantBalance(2_000_000, 0, 0, 150_000, 1_850_000, 0)
    log.published()
    verdict = log.verify(log.export(tmp_path), tmp_path / "log.pub")
    assert verdict.code == 0, verdict.said
    told = {kind: canonical.decode(bytes(LogEntry.objects.get(kind=kind).payload)) for kind in ("grant", "begin")}
    assert told["grant"].items() >= {"days": 90, "expires_at": canonical.instant(LATEST)}.items()
    assert told["begin"].items() >= {
        "amount_fen": 0,
        "at": canonical.instant(USED_AT),
        "expires_at": canonical.instant(ENDS),
        "grant": str(waiting.pk),
    }.items()  # fmt: skip


def test_a_first_use_near_the_last_day_ends_with_it_and_a_refused_or_released_one_is_told_apart(waiting):
    late = LATEST - DAY
    with pytest.raises(redemptions.CategoryNotEligible):
        scenes.hold(waiting, 1_000_000, category="STORAGE", at=USED_AT)
    freezing.freeze(grant=waiting, reason="?", actor=officer(3), at=AT)
    with pytest.raises(redemptions.GrantNotUsable):
        scenes.hold(waiting, 1_000_000, at=USED_AT)
    freezing.lift(grant=waiting, reason="!", actor=officer(2), at=AT)
    assert stands(waiting) == ("active", LATEST, 90)

    held = scenes.hold(waiting, 1_000_000, at=late)

    assert stands(waiting) == ("active", LATEST, None)
    redemptions.release(redemption=held, at=late)
    assert list(FirstUse.objects.values_list("days", "used_at", "was_at", "until_at")) == [(90, late, LATEST, LATEST)]
    never = scenes.grant(waiting.programme)
    assert grants.expire_due(at=LATEST) == 2
    with pytest.raises(redemptions.GrantNotUsable):
        scenes.hold(never, 1_000_000, at=LATEST)
    assert stands(never) == ("expired", LATEST, 90)


def test_a_hold_that_is_cut_under_the_locks_begins_the_days_as_well():
    grant = scenes.grant(extendable(**DAYS), face_fen=900_000)
    other = scenes.grant(grant.programme, grant.owner, face_fen=200_000_000)
    scenes.hold(other, 665_000_000)  # 199,500,000 of the year's 200,000,000

    held = redemptions._try_under_locks(
        redemptions._Wish(
            grant_id=grant.pk,
            owner=grant.owner,
            reference="order/locked",
            category="GPU_TRAIN",
            providers=(),
            amount_fen=10_000_000,
            at=USED_AT,
        ),
        None,
    )

    assert (held.amount_fen, held.grant.expires_at) == (500_000, ENDS)
    assert stands(grant) == ("active", ENDS, None)


def test_what_is_issued_anew_has_the_days_that_were_left_and_a_begun_one_keeps_its_end(waiting):
    begun = scenes.grant(waiting.programme)
    redemptions.release(redemption=scenes.hold(begun, 1_000_000, at=USED_AT), at=USED_AT)
    later = extensions.approve(extension=proposed(begun, date(2025, 12, 31)), actor=officer(2), at=USED_AT).expires_at
    moved = []
    for one in (waiting, begun):
        terms = {"grant": one, "successor": scenes.buyer(), "reason": "Merger"}
        made = reissues.propose(actor=officer(1), at=USED_AT, **terms)
        moved.append(reissues.approve(reissue=made, actor=officer(2), at=USED_AT))

    assert [stands(one) for one in moved] == [("active", LATEST, 90), ("active", later, None)]
    for one in moved:
        scenes.hold(one, 1_000_000, at=USED_AT)
    assert [stands(one) for one in moved] == [("active", ENDS, None), ("active", later, None)]


def test_the_database_lets_nothing_but_a_first_hold_begin_the_days(waiting):
    begun = scenes.grant(waiting.programme)
    scenes.hold(begun, 1_000_000, at=USED_AT)
    of = f"WHERE id = '{waiting.pk}'"
    insert = "INSERT INTO vouchers_firstuse (grant_id, days, used_at, was_at, until_at)"
    for statement, constraint in {
        f"UPDATE vouchers_grant SET days_from_first_use = NULL {of}": "grant_approved_once",
        f"UPDATE vouchers_grant SET days_from_first_use = 91 {of}": "grant_approved_once",
        f"UPDATE vouchers_grant SET expires_at = '{ENDS}', days_from_first_use = NULL {of}": "grant_approved_once",
        f"UPDATE vouchers_grant SET days_from_first_use = 90 WHERE id = '{begun.pk}'": "grant_approved_once",
        f"{insert} VALUES ('{waiting.pk}', 90, '{AT}', '{LATEST}', '{ENDS}')": "first_use_by_a_hold",
        f"SELECT voucher_begin('{waiting.pk}', '{AT}')": "first_use_by_a_hold",
        "UPDATE vouchers_firstuse SET until_at = was_at": "vouchers_firstuse_append_only",
        "DELETE FROM vouchers_firstuse": "vouchers_firstuse_append_only",
    }.items():
        with (
            as_owner(),
            connection.cursor() as cursor,
            pytest.raises(IntegrityError) as refusal,
            transaction.atomic(),
        ):
            cursor.execute(statement)
        assert (statement, constraint_name(refusal.value)) == (statement, constraint)
    assert (stands(waiting), stands(begun)) == (("active", LATEST, 90), ("active", ENDS, None))


def somebody_waits_for_a_lock():
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.rowcount > 0


def hold_while_another_begins(grant):
    """Hold in a transaction that has not ended when another holds, and return what the other met."""
    begun, go, met = Event(), Event(), []

    def first():
        with transaction.atomic():
            scenes.hold(grant, 100_000, at=USED_AT)
            begun.set()
            go.wait(60)
        connections.close_all()

    def second():
        try:
            met.append(scenes.hold(grant, 100_000, at=USED_AT).amount_fen)
        except IntegrityError as refusal:
            met.append(constraint_name(refusal))
        connections.close_all()

    threads = [Thread(target=first), Thread(target=second)]
    threads[0].start()
    assert begun.wait(60)
    threads[1].start()
    eventually(lambda: not threads[1].is_alive() or somebody_waits_for_a_lock())
    go.set()
    for thread in threads:
        thread.join(60)
    return met


@pytest.mark.django_db(transaction=True)
def test_two_who_use_a_grant_for_the_first_time_at_once_both_hold_and_it_begins_once(waiting):
    assert hold_while_another_begins(waiting) == [30_000]

    assert FirstUse.objects.count() == 1
    assert (stands(waiting), selectors.grant_balance(waiting).held_fen) == (("active", ENDS, None), 60_000)


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_on_the_grant_the_second_meets_the_first_use_of_the_other(waiting):
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('voucher_begin'::regproc)")
        (guard,) = cursor.fetchone()
        assert " FOR NO KEY UPDATE" in guard
        cursor.execute(guard.replace(" FOR NO KEY UPDATE", ""))
    try:
        assert hold_while_another_begins(waiting) == ["first_use_once"]
    finally:
        emptying.empty()
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(guard)


def test_a_frozen_grant_that_has_begun_expires_on_its_day(waiting):
    scenes.hold(waiting, 100_000, at=USED_AT)
    freezing.freeze(grant=waiting, reason="?", actor=officer(3), at=USED_AT)

    assert grants.expire_due(at=ENDS) == 1

    assert stands(waiting)[0] == GrantStatus.EXPIRED
