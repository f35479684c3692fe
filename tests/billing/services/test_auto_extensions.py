"""Standing instructions: they extend in time, within budget, price and time, and say what keeps them from it."""

from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import AuditEntry, Membership, Role
from accounts.services.audit import Actor
from billing import selectors, tasks
from billing.models import ApprovalRequest, AutoExtension, AutoExtensionStep, Supplement
from billing.services import approvals, auto_extensions, early_ends, spending_limits
from billing.services.approvals import SecondApproverNeeded
from billing.services.auto_extensions import AlreadyInstructed, BadInstruction, Instruction, NotInstructed
from core.errors import NotFound
from core.periods import HOUR
from market.models import Reservation
from market.notice import CURRENT
from market.pricing import Plan
from market.services import prices, reservations
from tests.billing import scenes
from tests.gathering import FEW, look_instead_of_locking
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


def test_a_step_above_the_limit_of_the_buyer_waits_for_a_second_person_and_is_asked_for_once(running, buyer):
    maker, checker = scenes.person("asks"), scenes.person("agrees")
    for person in (maker, checker):
        Membership.objects.create(user=person, organization=buyer, role=Role.OWNER)
    by, second = Actor(user=maker, organization=buyer), Actor(user=checker, organization=buyer)
    spending_limits.set_limit(organization=buyer, limit_fen=1_999, actor=by, at=START)
    instruction = instruct(running, budget_fen=1_600, by=by)

    for _minute in range(2):
        assert step(instruction, ENDS - HOUR) is None
    asked = ApprovalRequest.objects.get()
    assert (instruction.problem, asked.status) == ("approval-needed", "awaiting_approval")
    assert (asked.estimate_fen, asked.requested_by, asked.expires_at) == (2_000, maker, ENDS)
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
    last = instruct(running, by=by)
    step(last, ENDS)
    auto_extensions.revoke(reservation=running, actor=by, at=ENDS)
    with pytest.raises(NotInstructed):
        approvals.approve(request=ApprovalRequest.objects.latest("pk"), actor=second, at=ENDS)
    assert step(instruct(running, by=by), ENDS) is None
    assert AutoExtension.objects.latest("pk").problem == "already-asked"
    assert scenes.broken() == []


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
