"""Thirty-two threads at the same moment, each race once with the guard and once without it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier, Event

import pytest
from django.db import connection

from ledger.models import Hold
from tests import emptying
from tests.market.races import THREADS, race, without_constraint
from tests.owning import as_owner
from tests.vouchers import cases, scenes
from tests.vouchers.scenes import AT, officer
from vouchers import selectors
from vouchers.models import Capture, EntityYear, Grant, GrantStatus, Redemption, RedemptionStatus
from vouchers.parameters import codec
from vouchers.rules import Quote
from vouchers.selectors import GrantBalance
from vouchers.services import grants, programmes, redemptions

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def without_trigger(table: str, name: str) -> Iterator[None]:
    """Take a guard away for a negative control, and put it back when the tables are empty."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    try:
        yield
    finally:
        emptying.empty()
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")


def held_amounts() -> Counter[int]:
    return Counter(Redemption.objects.values_list("amount_fen", flat=True))


def read_then_hold(grant: Grant, amount_fen: int):
    """Return an act that writes what it read a moment ago, as engines do that check before they record."""
    everyone_has_read = Barrier(THREADS)

    def act(number: int) -> None:
        quote = redemptions.quote(**scenes.wish(grant, amount_fen))
        everyone_has_read.wait(timeout=60)
        hold_as_quoted(grant, quote, number)

    return act


def hold_as_quoted(grant: Grant, quote: Quote, number: int) -> None:
    row = [grant.pk, grant.account_id, f"order/{number}", AT.year, quote.eligible_fen, quote.amount_fen, AT]
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT voucher_hold(uuidv7(), %s, %s, %s, %s::smallint, %s, %s, '{}', %s)", row)
        assert cursor.fetchone()[0].isdigit()


@pytest.mark.parametrize(
    ("partly", "held"), [(True, {300_000: 3, 100_000: 1}), (False, {300_000: 3})], ids=["in part", "whole"]
)
def test_a_pool_is_held_to_its_last_fen_and_no_further(partly, held):
    grant = scenes.grant(scenes.published(partial_when_short=partly), face_fen=1_000_000)

    outcomes = race(lambda n: scenes.hold(grant, 1_000_000, f"order/{n}"), threads=50)

    assert outcomes == {"ok": sum(held.values()), "voucher-short": 50 - sum(held.values())}
    assert held_amounts() == held
    committed = sum(amount * number for amount, number in held.items())
    assert selectors.grant_balance(grant)[1:3] == (1_000_000 - committed, committed)


def test_without_the_floor_a_pool_is_held_many_times_over():
    grant = scenes.grant(scenes.published(), face_fen=1_000_000)

    with without_constraint("ledger_balance", "ledger_balance_floor"):
        race(read_then_hold(grant, 1_000_000))

        assert held_amounts() == {300_000: THREADS}


def test_the_yearly_cap_holds_across_the_grants_of_a_firm():
    programme, owner = scenes.published(entity_year_cap_fen=1_000_000), scenes.buyer()
    granted = [scenes.grant(programme, owner) for _ in range(8)]

    outcomes = race(lambda n: scenes.hold(granted[n % 8], 1_000_000, f"order/{n}"))

    assert outcomes == {"ok": 4, "voucher-short": THREADS - 4}
    assert held_amounts() == {300_000: 3, 100_000: 1}
    assert EntityYear.objects.get().used_fen == 1_000_000


def test_without_its_constraint_the_yearly_cap_is_passed():
    programme, owner = scenes.published(entity_year_cap_fen=1_000_000), scenes.buyer()
    grant = scenes.grant(programme, owner, face_fen=100_000_000)

    with without_constraint("vouchers_entityyear", "entity_year_within_cap"):
        race(read_then_hold(grant, 1_000_000))

        assert EntityYear.objects.get().used_fen == 300_000 * THREADS


def in_one_group(number: int) -> list[Grant]:
    """Return grants of firms that one controller stands behind, which share a cap of 1,000,000 fen a year."""
    plain = scenes.draft(open_registry=True, entity_year_cap_fen=1_000_000)
    together = {"caps.group_counts_together": True, "identity.code": f"{plain.code}-G"}
    parameters = codec.changed(plain.parameters, together)
    programme = programmes.draft_of(authority=plain.authority, parameters=parameters, actor=officer(1), at=AT)
    programme = programmes.publish(programme=programme, actor=officer(2), at=AT)
    granted = [scenes.grant(programme) for _ in range(number)]
    cases.controlled_by("Zhang San", *(one.owner for one in granted))
    return granted


def test_the_cap_of_a_group_holds_across_its_firms():
    granted = in_one_group(8)

    outcomes = race(lambda n: scenes.hold(granted[n % 8], 1_000_000, f"order/{n}"))

    assert outcomes == {"ok": 4, "voucher-short": THREADS - 4}
    assert held_amounts() == {300_000: 3, 100_000: 1}


def test_without_the_look_at_shared_caps_the_cap_of_a_group_is_passed():
    granted = in_one_group(8)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('voucher_keep_shared_caps'::regproc)")
        (guard,) = cursor.fetchone()
        cursor.execute(f"{guard.partition('BEGIN')[0]}BEGIN END $function$")
    everyone_has_read = Barrier(8)

    def act(number: int) -> None:
        quote = redemptions.quote(**scenes.wish(granted[number], 1_000_000))
        everyone_has_read.wait(timeout=60)
        hold_as_quoted(granted[number], quote, number)

    try:
        race(act, threads=8)
        assert held_amounts() == {300_000: 8}
    finally:
        emptying.empty()
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(guard)


def test_one_reference_is_held_once():
    grant = scenes.grant(scenes.published())

    outcomes = race(lambda _n: scenes.hold(grant, 1_000, "order/1"))

    assert outcomes == {"ok": THREADS}
    assert held_amounts() == {300: 1}


def test_without_its_constraint_one_reference_is_held_many_times():
    grant = scenes.grant(scenes.published())
    everyone_has_looked = Barrier(THREADS)

    def hold(number: int) -> None:
        new = not Redemption.objects.filter(reference="order/1").exists()
        everyone_has_looked.wait(timeout=60)
        if new:
            scenes.hold(grant, 1_000, "order/1")

    with without_constraint("vouchers_redemption", "redemption_reference_once"):
        race(hold)

        assert held_amounts() == {300: THREADS}


def test_one_reference_for_the_last_of_a_grant_is_held_once_and_nobody_waits_in_a_circle():
    grant = scenes.grant(scenes.published(), face_fen=100)

    outcomes = race(lambda n: scenes.hold(grant, 1_000, f"order/{n % 2}"))

    assert outcomes["ok"] == THREADS // 2
    assert outcomes["voucher-short"] == THREADS // 2
    assert held_amounts() == {100: 1}


def test_a_capture_races_the_end_of_its_grace():
    grant = scenes.grant(scenes.published(), face_fen=1_000_000)
    held = [scenes.hold(grant, 100_000) for _ in range(THREADS)]
    late = grant.expires_at + timedelta(days=7)
    grants.expire_due(at=grant.expires_at)

    def capture_or_expire(number: int) -> None:
        if number % 8 == 0:
            grants.expire_due(at=late)
        else:
            scenes.capture(held[number], 1_000, f"charge/{number}", at=late)

    outcomes = race(capture_or_expire)

    captured = Capture.objects.count()
    assert outcomes == Counter({"ok": captured + THREADS // 8, "redemption-closed": THREADS - THREADS // 8 - captured})
    assert selectors.grant_balance(grant) == GrantBalance(
        1_000_000, 0, 0, captured * 1_000, 1_000_000 - captured * 1_000, 0
    )
    assert not Redemption.objects.held().exists()


def test_without_its_guard_a_capture_lands_on_what_was_closed_meanwhile():
    redemption = scenes.hold(scenes.grant(scenes.published()), 1_000_000)
    scenes.capture(redemption, 1)
    everyone_has_read, closed = Barrier(THREADS), Event()

    def read_then_capture(number: int) -> None:
        found = Redemption.objects.get()
        everyone_has_read.wait(timeout=60)
        if number == 0:
            redemptions.release(redemption=found, at=AT)
            closed.set()
        elif found.is_held and closed.wait(timeout=60):
            reference = f"charge/{number}"
            Capture.objects.create(redemption=found, reference=reference, amount_fen=1, used_at=AT, captured_at=AT)

    with without_trigger("vouchers_redemption", "redemption_closed_once"):
        race(read_then_capture)

        found = Redemption.objects.get()
        assert (found.status, found.captured_fen) == (RedemptionStatus.CAPTURED, THREADS)


def test_a_hold_races_a_revocation_and_nothing_stays_in_the_grant():
    grant = scenes.grant(scenes.published(), face_fen=100_000_000)

    def hold_or_revoke(number: int) -> None:
        if number == THREADS // 2:
            grants.revoke(grant=grant, actor=officer(1), at=AT)
        else:
            scenes.hold(grant, 1_000, f"order/{number}")

    officer(1)
    outcomes = race(hold_or_revoke)

    assert set(outcomes) <= {"ok", "grant-not-usable"}
    assert Grant.objects.get().status == GrantStatus.REVOKED
    assert set(Redemption.objects.values_list("status", flat=True)) <= {RedemptionStatus.RELEASED}
    assert selectors.grant_balance(grant) == GrantBalance(100_000_000, 0, 0, 0, 0, 100_000_000)
    assert not Hold.objects.filter(status="pending").exists()


def test_without_the_guards_a_hold_lands_on_what_was_revoked_meanwhile():
    grant = scenes.grant(scenes.published())
    EntityYear.objects.create(programme=grant.programme, entity=grant.owner, year=2025)
    everyone_has_read, revoked = Barrier(THREADS), Event()

    def read_then_hold_late(number: int) -> None:
        quote = redemptions.quote(**scenes.wish(grant, 1_000))
        everyone_has_read.wait(timeout=60)
        if number == 0:
            grants.revoke(grant=grant, actor=officer(1), at=AT)
            revoked.set()
        elif revoked.wait(timeout=60):
            hold_as_quoted(grant, quote, number)

    officer(1)
    with (
        without_trigger("vouchers_redemption", "redemption_gate"),
        without_trigger("vouchers_redemption", "redemption_admit"),
        without_constraint("ledger_balance", "ledger_balance_floor"),
    ):
        race(read_then_hold_late)

        assert Grant.objects.get().status == GrantStatus.REVOKED
        assert held_amounts() == {300: THREADS - 1}
