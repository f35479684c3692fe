"""Standing instructions: they extend in time, within budget, price and time, and say what keeps them from it."""

from datetime import timedelta
from threading import Event

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEntry, Membership, Role
from accounts.services.audit import Actor
from billing import selectors, tasks
from billing.models import ApprovalRequest, AutoExtension, AutoExtensionStep, Supplement
from billing.services import approvals, asking, auto_extensions, checkout, early_ends, extending, spending_limits
from billing.services.approvals import ApprovalOver, SecondApproverNeeded
from billing.services.auto_extensions import AlreadyInstructed, BadInstruction, Instruction, NotInstructed
from core.constraints import constraint_name
from core.errors import NotFound
from core.models import EntityQuerySet
from core.periods import HOUR
from market.models import Reservation, StopCode
from market.notice import CURRENT
from market.pricing import Plan
from market.services import lifecycle, prices, reservations
from tests.billing import scenes
from tests.gathering import FEW, LONG, look_instead_of_locking, meanwhile
from tests.market import scenes as markets
from tests.market.races import race, without_constraint
from tests.market.scenes import SYSTEM

NOW = CURRENT.starts_at + timedelta(days=9, hours=10)
START = NOW + HOUR
ENDS = START + 3 * HOUR


@pytest.fixture
def running(buyer, offering):
    """Two cards at ¥2.00 over three hours that have begun."""
    reservation = scenes.matched(buyer, offering, starts_at=START, at=NOW)
    reservations.advance(at=START)
    return again(reservation)


def again(reservation):
    return Reservation.objects.select_related("order__buyer", "provider").get(pk=reservation.pk)


def instruct(reservation, by=None, **changes):
    wanted = {"budget_fen": 2_000, "limit_micro": 2_000_000, "until": START + 24 * HOUR, "step_hours": 2}
    return auto_extensions.instruct(
        reservation=reservation,
        instruction=Instruction(**(wanted | changes)),
        actor=by or Actor(organization=reservation.order.buyer),
        at=START,
    )


def step(instruction, at):
    made = auto_extensions.step(instruction_id=instruction.pk, at=at)
    instruction.refresh_from_db()
    return made


def test_each_step_comes_in_time_and_once_until_the_budget_ends_it(running, buyer):
    instruction = instruct(running)
    assert step(instruction, ENDS - 2 * HOUR - timedelta(seconds=1)) is None

    first = step(instruction, ENDS - 2 * HOUR)

    assert (first.starts_at, first.ends_at, first.estimate_fen) == (ENDS, ENDS + 2 * HOUR, 800)
    assert step(instruction, ENDS - 2 * HOUR) is None  # a doubled message
    assert step(instruction, ENDS) is not None
    assert (instruction.spent_fen, instruction.status) == (1_600, "active")
    assert step(instruction, ENDS + 2 * HOUR) is None
    assert (instruction.status, instruction.end_code, instruction.spent_fen) == ("ended", "budget", 1_600)
    assert again(running).ends_at == ENDS + 4 * HOUR
    assert selectors.wallet(buyer).held_fen == 1_200 + 1_600
    assert AuditEntry.objects.get(verb="auto-extension.ended").after["end_code"] == "budget"
    assert scenes.broken() == []


def test_the_last_step_is_as_short_as_the_time_until_which_it_extends(running):
    instruction = instruct(running, until=ENDS + 3 * HOUR)
    step(instruction, ENDS - HOUR)
    step(instruction, ENDS + HOUR)

    assert step(instruction, ENDS + 2 * HOUR) is None

    assert (instruction.end_code, again(running).ends_at) == ("until", ENDS + 3 * HOUR)
    assert list(AutoExtensionStep.objects.order_by("number").values_list("estimate_fen", flat=True)) == [800, 400]


def test_a_step_adds_nothing_once_its_buyer_has_extended_by_hand(transactional_db, running, monkeypatch):
    instruction = instruct(running, until=ENDS + 2 * HOUR)
    extend, seen = extending.extend, []
    by_hand = {"hours": 2, "grant": None, "actor": Actor(organization=running.order.buyer), "at": ENDS - HOUR}

    def extended_by_hand_before(**terms):
        seen.append(meanwhile(lambda: extend(reservation=again(running), **by_hand)))
        return extend(**terms)

    monkeypatch.setattr(extending, "extend", extended_by_hand_before)
    assert step(instruction, ENDS - HOUR) is None

    assert seen == ["ok"]
    assert (instruction.problem, instruction.spent_fen) == ("other-hours", 0)
    assert again(running).ends_at == ENDS + 2 * HOUR
    assert scenes.broken() == []


def test_what_is_in_the_way_is_noted_and_tried_again_until_the_end(running, buyer, offering):
    other = scenes.matched(scenes.funded_buyer(), offering, starts_at=ENDS, at=NOW, count=7, hours=5)
    instruction = instruct(running)

    assert step(instruction, ENDS - HOUR) is None
    assert (instruction.problem, instruction.problem_at, instruction.status) == ("overbooked", ENDS - HOUR, "active")

    early_ends.shorten(reservation=other, hours=2, actor=Actor(organization=other.order.buyer), at=START)
    assert step(instruction, ENDS - HOUR) is None
    reservations.advance(at=ENDS)
    assert step(instruction, ENDS) is None
    assert (instruction.end_code, instruction.problem) == ("over", "overbooked")
    assert selectors.wallet(buyer).held_fen == 1_200


@pytest.fixture
def two(buyer):
    """Two owners of a buyer, of whom one may not order by herself what costs more than ¥19.99."""
    people = [Actor(user=scenes.person(name), organization=buyer) for name in ("asks", "agrees")]
    for one in people:
        Membership.objects.create(user=one.user, organization=buyer, role=Role.OWNER)
    spending_limits.set_limit(organization=buyer, limit_fen=1_999, actor=people[0], at=NOW)
    return people


def asked_by_itself(reservation, by, *, at=ENDS - HOUR, **changes):
    """Return an instruction and the request for its step."""
    instruction = instruct(reservation, by=by, **changes)
    assert step(instruction, at) is None
    return instruction, ApprovalRequest.objects.latest("pk")


def test_a_step_above_the_limit_of_the_buyer_waits_for_a_second_person_and_is_asked_for_once(running, buyer, two):
    by, second = two
    instruction, asked = asked_by_itself(running, by, budget_fen=1_600)
    assert step(instruction, ENDS - HOUR) is None
    assert asked == ApprovalRequest.objects.get()
    assert (instruction.problem, asked.status) == ("approval-needed", "awaiting_approval")
    assert (asked.estimate_fen, asked.requested_by, asked.expires_at) == (2_000, by.user, ENDS)
    assert selectors.wallet(buyer).held_fen == 1_200
    with pytest.raises(SecondApproverNeeded):
        approvals.approve(request=asked, actor=by, at=ENDS - HOUR)
    approvals.approve(request=asked, actor=second, at=ENDS - HOUR)
    instruction.refresh_from_db()
    assert (instruction.spent_fen, instruction.problem, again(running).ends_at) == (800, "", ENDS + 2 * HOUR)

    step(instruction, ENDS)
    another = ApprovalRequest.objects.exclude(pk=asked.pk).get()
    approvals.reject(request=another, reason="enough", actor=second, at=ENDS)
    assert step(instruction, ENDS) is None
    assert (instruction.status, ApprovalRequest.objects.count()) == ("active", 2)
    auto_extensions.revoke(reservation=running, actor=by, at=ENDS)
    beyond = instruct(running, budget_fen=799, by=by)
    step(beyond, ENDS)
    assert (beyond.end_code, ApprovalRequest.objects.count()) == ("budget", 2)
    assert scenes.broken() == []


def test_who_ends_an_instruction_closes_its_request_and_another_may_be_asked_for(running, two):
    by, second = two
    _instruction, asked = asked_by_itself(running, by)
    auto_extensions.revoke(reservation=running, actor=by, at=ENDS - HOUR)

    asked.refresh_from_db()
    assert (asked.status, asked.end_code, asked.decided_by) == ("withdrawn", "instruction", None)
    closing = AuditEntry.objects.get(verb="approval.withdrawn")
    assert (closing.actor, closing.object_id, closing.after) == (by.user, str(asked.pk), {"end_code": "instruction"})
    with pytest.raises(ApprovalOver):
        approvals.approve(request=asked, actor=second, at=ENDS - HOUR)
    asking.extend(reservation=again(running), hours=2, grant=None, actor=by, at=ENDS - HOUR)
    assert step(instruct(running, by=by), ENDS - HOUR) is None
    assert AutoExtension.objects.latest("pk").problem == "already-asked"

    AutoExtension.objects.active().update(status="cancelled", end_code="revoked", ended_at=ENDS)
    ApprovalRequest.objects.awaiting().get().move_to("withdrawn")
    _instruction, left = asked_by_itself(running, by)
    AutoExtension.objects.active().update(status="cancelled", end_code="revoked", ended_at=ENDS)
    with pytest.raises(NotInstructed):
        approvals.approve(request=left, actor=second, at=ENDS - HOUR)


ENDINGS = {
    "cancelled": (NOW, lambda one, by: checkout.cancel(order=one.order, actor=by, at=NOW)),
    "failed": (NOW, lambda one, _by: stop(one, StopCode.NO_CAPACITY, at=NOW)),
    "terminated": (START, lambda one, by: early_ends.terminate(reservation=one, actor=by, at=START)),
    "interrupted": (START, lambda one, _by: stop(one, StopCode.HARDWARE, at=START)),
    "finished": (START, lambda one, _by: stop(one, StopCode.FINISHED, at=START)),
    "completed": (ENDS, lambda _one, _by: reservations.advance(at=ENDS)),
}


def stop(reservation, code, *, at):
    seller = Actor(organization=reservation.provider)
    lifecycle.stop(reservation=reservation, code=code, detail="", actor=seller, at=at)


@pytest.mark.parametrize(("number", "ending"), list(enumerate(ENDINGS)))
def test_however_a_reservation_ends_no_request_for_its_hours_goes_on_waiting(buyer, offering, two, number, ending):
    (by, second), (at, end) = two, ENDINGS[ending]
    reservation = scenes.matched(buyer, offering, starts_at=START, at=NOW)
    instruction, asked = asked_by_itself(reservation, by, lead_hours=300, at=NOW)
    if at > NOW:
        reservations.advance(at=START)
    end(again(reservation), by)

    with pytest.raises(ApprovalOver):
        approvals.approve(request=asked, actor=second, at=at)
    sweeps = [
        lambda: approvals.expire_overdue(at=at),
        lambda: [auto_extensions.step(instruction_id=one, at=at) for one in auto_extensions.due(at=at, limit=9)],
    ]
    for sweep in sweeps if number % 2 else sweeps[::-1]:  # whichever comes first
        sweep()

    asked.refresh_from_db()
    instruction.refresh_from_db()
    assert (asked.status, asked.end_code, instruction.end_code) == ("expired", "over", "over")
    assert not ApprovalRequest.objects.awaiting().exists()


def test_a_request_by_hand_is_over_with_its_reservation(running, two):
    by, _second = two
    asked = asking.extend(reservation=running, hours=2, grant=None, actor=by, at=START)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        ApprovalRequest.objects.update(status="withdrawn", end_code="over")
    assert constraint_name(refused.value) == "approval_over_without_decision"
    early_ends.terminate(reservation=running, actor=by, at=START)

    assert approvals.expire_overdue(at=START) == 1
    asked.refresh_from_db()
    assert (asked.status, asked.end_code) == ("expired", "over")


def ended_or_approved(reservation, two):
    (by, second), (_instruction, asked) = two, asked_by_itself(reservation, two[0])

    def act(number: int) -> None:
        if number % 2:
            auto_extensions.revoke(reservation=reservation, actor=by, at=ENDS - HOUR)
        else:
            approvals.approve(request=asked, actor=second, at=ENDS - HOUR)

    return act


def test_who_ends_an_instruction_and_who_approves_its_step_wait_for_each_other(transactional_db, running, two):
    outcomes = race(ended_or_approved(running, two), threads=FEW)

    approved = ApprovalRequest.objects.get().status == "approved"
    assert outcomes["ok"] == (2 if approved else 1)
    assert outcomes["instruction-over"] == 1
    assert AutoExtensionStep.objects.count() == approved


def test_without_its_locks_an_approval_that_looked_before_the_end_reaches_the_last_guard(
    transactional_db, running, two, monkeypatch
):
    act, looked, ended, move = ended_or_approved(running, two), Event(), Event(), ApprovalRequest.move_to

    def move_late(self, target, **stamps):
        if target == "approved":
            looked.set()
            assert ended.wait(timeout=LONG)
        move(self, target, **stamps)

    def in_turn(number):
        if number == 0:
            return act(0)
        assert looked.wait(timeout=LONG)
        act(1)
        return ended.set()

    monkeypatch.setattr(EntityQuerySet, "locked", lambda rows: rows.order_by("pk"))
    monkeypatch.setattr(ApprovalRequest, "move_to", move_late)
    assert race(in_turn, threads=2) == {"ok": 1, "illegal-move": 1}

    assert (ApprovalRequest.objects.get().status, AutoExtensionStep.objects.count()) == ("withdrawn", 0)


def test_a_price_above_the_limit_extends_nothing_and_a_fallen_one_does(running, offering):
    plan = Plan(base_micro=2_000_001)
    prices.publish(offering=offering, plan=plan, starts_at=ENDS, actor=SYSTEM, at=START)
    instruction = instruct(running)
    assert step(instruction, ENDS - HOUR) is None
    assert instruction.problem == "price-risen"

    AutoExtension.objects.update(problem="price-risen")
    prices.publish(offering=offering, plan=Plan(base_micro=1_000_000), starts_at=ENDS + HOUR, actor=SYSTEM, at=START)
    assert step(instruction, ENDS - HOUR) is None  # the first hour is still too dear
    assert not Supplement.objects.exists()


def test_a_voucher_pays_its_part_of_every_step(running, buyer, grant):
    instruction = instruct(running, grant=grant)

    supplement = step(instruction, ENDS - HOUR)

    assert (supplement.voucher_fen, supplement.wallet_fen, instruction.spent_fen) == (400, 400, 800)


def test_its_buyer_ends_it_and_what_it_extended_stays(running, buyer):
    instruction = instruct(running)
    with pytest.raises(AlreadyInstructed):
        instruct(running)
    step(instruction, ENDS - HOUR)

    auto_extensions.revoke(reservation=running, actor=Actor(organization=buyer), at=ENDS - HOUR)

    instruction.refresh_from_db()
    assert (instruction.status, instruction.end_code) == ("cancelled", "revoked")
    assert step(instruction, ENDS + HOUR) is None
    assert again(running).ends_at == ENDS + 2 * HOUR
    with pytest.raises(NotInstructed):
        auto_extensions.revoke(reservation=running, actor=Actor(organization=buyer), at=ENDS)


@pytest.mark.parametrize(
    "changes",
    [
        {"budget_fen": 0},
        {"limit_micro": 0},
        {"step_hours": 0},
        {"lead_hours": 10_000},
        {"until": ENDS},
        {"until": ENDS + timedelta(minutes=90)},
    ],
)
def test_an_instruction_that_makes_no_sense_is_refused(running, changes):
    with pytest.raises(BadInstruction) as refusal:
        instruct(running, **changes)

    assert list(refusal.value.fields) == list(changes)
    assert not AutoExtension.objects.exists()


def test_strangers_give_no_instructions_and_nobody_does_for_what_is_over(running):
    with pytest.raises(NotFound):
        auto_extensions.revoke(reservation=running, actor=Actor(organization=markets.buyer()), at=START)
    Reservation.objects.update(ends_at=START + timedelta(hours=0.5))
    with pytest.raises(BadInstruction):
        auto_extensions.instruct(
            reservation=again(running),
            instruction=Instruction(budget_fen=1, limit_micro=1, until=ENDS, step_hours=1),
            actor=Actor(organization=running.order.buyer),
            at=ENDS,
        )


def test_the_sweep_sends_what_is_due_and_a_task_makes_one_step(running, set_clock, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.current_app, "send_task", lambda name, kwargs: sent.append((name, kwargs)))
    instruction = instruct(running)
    set_clock(START)
    tasks.extend_automatically()
    assert sent == []
    set_clock(ENDS - HOUR)
    tasks.extend_automatically()

    for name, kwargs in sent:
        assert name == "billing.extend_one"
        tasks.extend_one(**kwargs)
    tasks.expire_approvals()

    assert Supplement.objects.count() == 1
    assert AutoExtension.objects.get() == instruction


def test_what_cannot_be_extended_keeps_nobody_else_from_it(buyer, offering):
    held = [scenes.matched(buyer, offering, starts_at=START, at=NOW) for _one in range(2)]
    stuck, other = instruct(held[0], limit_micro=1), instruct(held[1])
    assert step(stuck, ENDS - HOUR) is None

    assert auto_extensions.due(at=ENDS - HOUR, limit=1) == [other.pk]
    assert auto_extensions.due(at=ENDS - HOUR, limit=2) == [other.pk, stuck.pk]


@pytest.fixture
def instructed(transactional_db, buyer, offering):
    """An instruction whose budget is enough for three steps of an hour, each of which is due a day before."""
    running = scenes.matched(buyer, offering, starts_at=START, at=NOW)
    return instruct(running, step_hours=1, lead_hours=300, budget_fen=1_299)


def many_steps(instruction):
    def act(_number: int) -> None:
        auto_extensions.step(instruction_id=instruction.pk, at=START)

    return act


def test_however_many_try_at_once_the_budget_is_kept(instructed):
    race(many_steps(instructed))

    instructed.refresh_from_db()
    assert (instructed.spent_fen, instructed.end_code) == (1_200, "budget")
    assert (Supplement.objects.count(), Reservation.objects.get().ends_at) == (3, ENDS + 3 * HOUR)
    assert scenes.broken() == []


def test_without_its_guards_the_budget_is_exceeded(instructed, monkeypatch):
    look_instead_of_locking(monkeypatch, parties=FEW)

    with without_constraint("billing_autoextension", "auto_extension_within_budget"):
        race(many_steps(instructed), threads=FEW)

        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(spent_fen) > sum(budget_fen) FROM billing_autoextension")
            assert cursor.fetchone() == (True,)


def test_the_budget_is_what_its_steps_set_aside_whoever_writes(running):
    instruction = instruct(running)
    step(instruction, ENDS - HOUR)

    assert instruction.spent_fen == sum(AutoExtensionStep.objects.values_list("estimate_fen", flat=True))
