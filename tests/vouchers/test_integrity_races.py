"""Freezes, bars and clawbacks against holds, captures and each other, each once with its guard and once without."""

from datetime import date
from threading import Barrier, Event

import pytest
from django.db import IntegrityError, connection

from accounts.models import AuditEntry
from core.errors import IllegalMove
from tests.gathering import LONG
from tests.market.races import THREADS, race, without_constraint
from tests.vouchers import cases, scenes
from tests.vouchers.scenes import AT, officer
from tests.vouchers.test_races import hold_as_quoted, without_trigger
from vouchers.models import Capture, Clawback, ClawbackRecovery, Freeze, Grant, GrantStatus, Redemption
from vouchers.services import clawback_appeals, clawbacks, freezing, grants, recoveries, redemptions

pytestmark = pytest.mark.django_db(transaction=True)


def freeze(grant, number=1):
    freezing.freeze(grant=grant, reason="suspicion", actor=officer(number), at=AT)


def test_a_hold_races_a_freeze_and_none_comes_after_it():
    grant = scenes.grant(scenes.published(), face_fen=100_000_000)
    seen = []

    def hold_or_freeze(number: int) -> None:
        if number == THREADS // 2:
            freeze(grant)
            seen.append(Redemption.objects.count())
        else:
            scenes.hold(grant, 1_000, f"order/{number}")

    officer(1)
    outcomes = race(hold_or_freeze)

    assert set(outcomes) <= {"ok", "grant-not-usable"}
    assert Grant.objects.get().status == GrantStatus.FROZEN
    assert [Redemption.objects.count()] == seen == [outcomes["ok"] - 1]


def late_holds(grant):
    """Let holds that were quoted before a freeze be written after it; return what is held."""
    everyone_has_read, frozen = Barrier(THREADS), Event()

    def read_then_hold_late(number: int) -> None:
        quote = redemptions.quote(**scenes.wish(grant, 1_000))
        everyone_has_read.wait(timeout=60)
        if number == 0:
            freeze(grant)
            frozen.set()
        elif frozen.wait(timeout=60):
            try:
                hold_as_quoted(grant, quote, number)
            except IntegrityError:
                connection.close()

    officer(1)
    race(read_then_hold_late)
    return Redemption.objects.count()


def test_a_hold_that_was_quoted_before_a_freeze_is_refused_after_it():
    assert late_holds(scenes.grant(scenes.published())) == 0


def test_without_the_guards_a_hold_lands_on_what_was_frozen_meanwhile():
    grant = scenes.grant(scenes.published())
    with (
        without_trigger("vouchers_redemption", "redemption_gate"),
        without_trigger("vouchers_redemption", "redemption_admit"),
    ):
        assert late_holds(grant) == THREADS - 1


def test_a_capture_races_a_freeze_and_none_comes_after_it():
    grant = scenes.grant(scenes.published(), face_fen=1_000_000)
    held = [scenes.hold(grant, 100_000) for _ in range(THREADS)]
    seen = []

    def capture_or_freeze(number: int) -> None:
        if number == THREADS // 2:
            freeze(grant)
            seen.append(Capture.objects.count())
        else:
            scenes.capture(held[number], 1_000, f"charge/{number}")

    officer(1)
    outcomes = race(capture_or_freeze)

    assert set(outcomes) <= {"ok", "grant-frozen"}
    assert [Capture.objects.count()] == seen == [outcomes["ok"] - 1]


def test_a_grant_is_frozen_once_and_revoked_once_whoever_comes_first():
    grant = scenes.grant(scenes.published())
    for number in range(THREADS):
        officer(number)

    def freeze_or_revoke(number: int) -> None:
        if number % 2:
            freeze(grant, number)
        else:
            grants.revoke(grant=grant, actor=officer(number), at=AT)

    outcomes = race(freeze_or_revoke)

    assert outcomes["illegal-move"] == THREADS - outcomes["ok"]
    assert Grant.objects.get().status == GrantStatus.REVOKED
    assert Freeze.objects.count() == outcomes["ok"] - 1


def test_two_cases_never_take_back_the_same_capture():
    grant = scenes.grant(scenes.published())
    captures = cases.paid(grant, 1_000)
    for number in range(THREADS):
        officer(number)

    outcomes = race(lambda n: cases.suspected(grant, captures, by=n))

    assert outcomes == {"ok": 1, "beyond-paid": THREADS - 1}


def test_without_its_guard_a_capture_is_taken_back_many_times():
    grant = scenes.grant(scenes.published())
    captures = cases.paid(grant, 1_000)
    with without_trigger("vouchers_clawbackitem", "clawback_item_within_what_was_paid"):
        for _ in range(3):
            cases.suspected(grant, captures)

        assert Clawback.objects.count() == 3


def demanded():
    grant = scenes.grant(scenes.published())
    officer(3)
    return cases.upheld(grant, cases.paid(grant, 1_000), at=AT)


def recover(clawback, reference):
    recoveries.recover(clawback=clawback, amount_fen=300, reference=reference, actor=officer(3), at=AT)


def test_no_more_comes_back_than_is_owed_and_each_reference_once():
    clawback = demanded()

    outcomes = race(lambda n: recover(clawback, f"bank/{n % 8}"))

    clawback.refresh_from_db()
    assert (clawback.recovered_fen, clawback.outstanding_fen) == (900, 100)
    assert outcomes == {"ok": 12, "more-than-owed": 20}
    assert ClawbackRecovery.objects.count() == 3


def decide_appeal(appeal, number):
    return clawback_appeals.quash(appeal=appeal, reason="The logs prove it.", actor=officer(number), at=AT)


def appealed():
    case = demanded()
    for number in range(THREADS + 10):
        officer(number)
    return clawback_appeals.lodge(clawback=case, text="We did use it.", actor=cases.speaks_for(case.debtor), at=AT)


def test_an_appeal_is_decided_once_and_its_demand_remitted_once():
    appeal = appealed()

    outcomes = race(lambda n: decide_appeal(appeal, n + 10))

    case = Clawback.objects.get()
    assert outcomes == {"ok": 1, "appeal-decided": THREADS - 1}
    assert (case.status, case.remitted_fen, case.restored_fen, case.outstanding_fen) == ("quashed", 1_000, 0, 0)


def test_without_its_guard_an_appeal_is_decided_twice():
    appeal = appealed()
    with without_trigger("vouchers_clawbackappeal", "clawback_appeal_decided_once"):
        for number in (10, 11):
            clawback_appeals.uphold(appeal=appeal, reason="Nothing new.", actor=officer(number), at=AT)
        appeal.refresh_from_db()
        assert appeal.decided_by == officer(11).user


def planned_while_appealed(monkeypatch, look, *, patience):
    """Agree instalments, and let the debtor appeal after the look; return what became of it, in its order."""
    case, looked, appealed_ = demanded(), Event(), Event()

    def looked_at(clawback):
        found = look(clawback)
        looked.set()
        appealed_.wait(timeout=patience)
        return found

    def plan_or_appeal(number):
        if number == 0:
            recoveries.plan(clawback=case, parts=[(date(2026, 1, 1), 1_000)], actor=officer(2), at=AT)
        elif looked.wait(timeout=LONG):
            clawback_appeals.lodge(clawback=case, text="We did use it.", actor=cases.speaks_for(case.debtor), at=AT)
            appealed_.set()

    monkeypatch.setattr(recoveries, "_locked", looked_at)
    cases.speaks_for(case.debtor)
    outcomes = race(plan_or_appeal, threads=2)
    acts = AuditEntry.objects.filter(verb__in=["clawback.planned", "clawback.appealed"], object_id=str(case.pk))
    return dict(outcomes), [act.verb.removeprefix("clawback.") for act in acts.order_by("pk")]


def test_instalments_are_agreed_before_an_appeal_or_not_at_all(monkeypatch):
    locked, unlocked = recoveries._locked, lambda case: Clawback.objects.get(pk=case.pk)

    assert planned_while_appealed(monkeypatch, locked, patience=1) == ({"ok": 2}, ["planned", "appealed"])
    refused = planned_while_appealed(monkeypatch, unlocked, patience=LONG)
    assert refused == ({"ok": 1, "bad-plan": 1}, ["appealed"])
    (case,) = Clawback.objects.filter(instalments=None)
    with pytest.raises(recoveries.NothingOwed, match=r"申诉|appeal"):
        recoveries.plan(clawback=case, parts=[(date(2026, 1, 1), 1_000)], actor=officer(2), at=AT)


def test_without_the_guards_instalments_are_agreed_while_an_appeal_waits(monkeypatch):
    with without_trigger("vouchers_clawbackinstalment", "clawback_plan_is_what_is_owed"):
        unlocked = planned_while_appealed(monkeypatch, lambda case: Clawback.objects.get(pk=case.pk), patience=LONG)

    assert unlocked == ({"ok": 2}, ["appealed", "planned"])


def test_without_its_constraint_more_comes_back_than_is_owed():
    clawback = demanded()
    with without_constraint("vouchers_clawback", "clawback_recovered_within_demand"):
        for number in range(5):
            fields = {"kind": "repayment", "reference": str(number), "amount_fen": 300, "recovered_at": AT}
            ClawbackRecovery.objects.create(clawback=clawback, **fields)

        clawback.refresh_from_db()
        assert clawback.outstanding_fen == -500


def decide_and_refund():
    """Let a decision and refunds of what it is about come at once; return what was refunded and demanded."""
    grant = scenes.grant(scenes.published())
    (capture,) = cases.paid(grant, 1_000)
    clawback = cases.noticed(grant, [capture])
    officer(2)

    def decide_or_refund(number: int) -> None:
        if number == 3:
            clawbacks.uphold(clawback=clawback, reason="x", actor=officer(2), at=clawback.response_due_at)
        else:
            facts = {"reference": f"credit/{number}", "amount_fen": 300, "at": AT}
            redemptions.refund(redemption=capture.redemption, **facts)

    outcomes = race(decide_or_refund, threads=8)
    redemption, clawback = Redemption.objects.get(), Clawback.objects.get()
    return outcomes, redemption, clawback.demand_fen


def test_a_refund_races_a_decision_and_no_fen_comes_back_twice():
    outcomes, redemption, demand_fen = decide_and_refund()

    assert demand_fen == redemption.clawed_back_fen == 1_000 - redemption.refunded_fen
    assert outcomes["ok"] == 1 + redemption.refunded_fen // 300
    assert set(outcomes) <= {"ok", "demanded-back", "beyond-captured"}


def test_without_its_guard_what_was_demanded_is_refunded_as_well():
    with without_trigger("vouchers_redemption", "redemption_refunded_beside_clawback"):
        clawback = demanded()
        redemption = Redemption.objects.get()
        redemptions.refund(redemption=redemption, reference="credit/1", amount_fen=1_000, at=AT)

        redemption.refresh_from_db()
        assert clawback.demand_fen + redemption.refunded_fen == 2 * redemption.captured_fen


def test_two_people_decide_at_once_and_one_decision_stands():
    grant = scenes.grant(scenes.published())
    clawback = cases.noticed(grant, cases.paid(grant, 1_000))
    for number in range(THREADS):
        officer(number)

    def decide(number: int) -> None:
        act = clawbacks.uphold if number % 2 else clawbacks.dismiss
        act(clawback=clawback, reason="x", actor=officer(number + 2), at=clawback.response_due_at)

    for number in range(THREADS + 2):
        officer(number)
    outcomes = race(decide)

    assert outcomes == {"ok": 1, IllegalMove.code: THREADS - 1}
    assert Clawback.objects.get().status in ("demanded", "dismissed")
