"""Blocks that are paid month by month: vouchers as long as they can, once per month, and an end that had its notice."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services.audit import Actor
from billing.models import Instalment, InstalmentPlan, SpendingLimit, Supplement
from billing.selectors import wallet
from billing.services import asking, early_ends, fundings, held_quotes, instalments, spending_limits, taken_lines
from billing.services.held_quotes import Chosen
from billing.services.spending_limits import ApprovalNeeded
from core.periods import HOUR, midnight
from market.models import ExtraLine, Offering, OrderKind, Reservation
from market.services import blocks, quotes, reservations
from tests.billing import scenes
from tests.billing.scenes import AT
from tests.gathering import FEW, look_instead_of_locking
from tests.market.races import race, without_constraint

DAY = 24 * HOUR
BEGINS, DECEMBER = midnight(date(2026, 11, 1)), midnight(date(2026, 12, 1))
JANUARY, FEBRUARY = midnight(date(2027, 1, 1)), midnight(date(2027, 2, 1))
NOVEMBER_FEN, DECEMBER_FEN = 720 * 200, 744 * 200


@pytest.fixture
def rich(buyer):
    scenes.top_up(buyer, 1_000_000)
    return buyer


def buy(buyer, offering, chosen, actor):
    demand = blocks.demand_of(offering, count=1, starts_on=date(2026, 11, 1), months=3, at=AT)
    return held_quotes.buy(offering=offering, buyer=buyer, demand=demand, chosen=chosen, actor=actor, at=AT)


def bought(buyer, offering, grant=None, actor=None):
    """Buy a card for the last two months of the year and January, month by month, at ¥2.00."""
    buy(buyer, offering, Chosen(grant, {}, OrderKind.BLOCK, monthly=True), actor or Actor(organization=buyer))
    return InstalmentPlan.objects.get()


def ends():
    return Reservation.objects.get().ends_at


def test_a_voucher_pays_its_part_of_a_month_while_it_can_and_then_the_wallet_pays_all(rich, offering, programme):
    grant = scenes.grant(rich, programme, 160_000)
    plan = bought(rich, offering, grant)
    assert wallet(rich).held_fen == NOVEMBER_FEN // 2

    second = instalments.step(plan_id=plan.pk, at=DECEMBER - 7 * DAY)
    # The voucher expires after ninety days: January is cash.
    third = instalments.step(plan_id=plan.pk, at=JANUARY - 2 * DAY)

    # Of December 29 days begin before that.
    assert (second.voucher_fen, second.wallet_fen) == (29 * 24 * 100, DECEMBER_FEN - 29 * 24 * 100)
    assert (third.voucher_fen, third.wallet_fen) == (0, DECEMBER_FEN)
    plan.refresh_from_db()
    assert (plan.status, plan.periods, plan.next_at) == ("done", 3, FEBRUARY)
    assert instalments.step(plan_id=plan.pk, at=JANUARY) is None


def test_what_is_given_back_before_its_month_is_never_set_aside(rich, offering):
    plan = bought(rich, offering)
    by = Actor(organization=rich)
    early_ends.shorten(reservation=Reservation.objects.get(), hours=(FEBRUARY - DECEMBER) // HOUR, actor=by, at=AT)
    plan.refresh_from_db()
    assert plan.status == "done"  # so that it may be extended at once

    assert instalments.step(plan_id=plan.pk, at=DECEMBER - 8 * DAY) is None

    plan.refresh_from_db()
    assert (plan.status, Supplement.objects.count(), ends()) == ("done", 0, DECEMBER)


def test_a_sweep_that_comes_late_still_pays_or_ends_the_block_at_the_next_hour(rich, offering):
    plan = bought(rich, offering)
    reservations.advance(at=BEGINS)
    SpendingLimit.objects.create(organization=rich, limit_fen=NOVEMBER_FEN, set_by=scenes.person(), set_at=AT)
    instalments.step(plan_id=plan.pk, at=DECEMBER - 3 * DAY - timedelta(minutes=1))
    plan.refresh_from_db()
    assert (plan.status, plan.problem, ends()) == ("active", "approval-needed", FEBRUARY)

    instalments.step(plan_id=plan.pk, at=DECEMBER + HOUR + timedelta(minutes=5))

    plan.refresh_from_db()
    assert (plan.status, plan.problem, ends()) == ("missed", "approval-needed", DECEMBER + 2 * HOUR)
    reservations.advance(at=DECEMBER + 2 * HOUR)
    fundings.close(funding=fundings.due(at=DECEMBER + 80 * HOUR).get(), at=DECEMBER + 80 * HOUR)
    assert wallet(rich).held_fen == 0
    assert scenes.broken() == []


@transaction.atomic
def past_the_check(quote_id, chosen, actor):
    quote = quotes.standing(quote_id=quote_id, buyer=actor.organization, at=AT)
    order = held_quotes.take_up(quote=quote, chosen=chosen, at=AT)
    instalments.fund(order=order, demand=quotes.demand_of(quote), grant=None, actor=actor, at=AT)


def test_the_limit_of_a_buyer_is_asked_for_all_months_together(rich, offering):
    owner = scenes.person()
    SpendingLimit.objects.create(organization=rich, limit_fen=NOVEMBER_FEN, set_by=owner, set_at=AT)
    with pytest.raises(ApprovalNeeded):
        bought(rich, offering)

    demand = blocks.demand_of(offering, count=1, starts_on=date(2026, 11, 1), months=3, at=AT)
    chosen = Chosen(None, {}, OrderKind.BLOCK, monthly=True)
    actor = Actor(user=owner, organization=rich)
    waits = asking.buy(offering=offering, buyer=rich, demand=demand, chosen=chosen, actor=actor, at=AT)

    assert waits.estimate_fen == NOVEMBER_FEN + 2 * DECEMBER_FEN
    with pytest.raises(IntegrityError, match="more than one person"):
        past_the_check(waits.quote_id, chosen, actor)
    line = ExtraLine.objects.create(offering=offering, kind="storage", name="Disk", unit="month", price_micro=1)
    SpendingLimit.objects.update(limit_fen=NOVEMBER_FEN + 2 * DECEMBER_FEN)
    with pytest.raises(ApprovalNeeded):
        buy(rich, offering, Chosen(None, {line.pk: 10**7}, OrderKind.BLOCK, monthly=True), actor)
    assert Chosen.unpack(waits.choice, grant=None) == chosen


def test_every_month_is_rounded_up_and_together_they_are_what_the_limit_is_asked_for(rich, offering):
    Offering.objects.filter(pk=offering.pk).update(price_micro=2_000_001)
    offering.refresh_from_db()
    limit = SpendingLimit.objects.create(organization=rich, limit_fen=441_602, set_by=scenes.person(), set_at=AT)
    with pytest.raises(ApprovalNeeded):  # all at once it would be 441,600
        bought(rich, offering)
    SpendingLimit.objects.filter(pk=limit.pk).update(limit_fen=441_603)
    plan = bought(rich, offering)
    assert (wallet(rich).held_fen, committed_fen(plan)) == (144_001, 441_603)

    steps = [instalments.step(plan_id=plan.pk, at=at) for at in (DECEMBER - 7 * DAY, JANUARY - 7 * DAY)]

    assert [one.estimate_fen for one in steps] == [148_801, 148_801]


def test_the_database_keeps_a_plan_as_it_was_agreed(rich, offering):
    plan = bought(rich, offering)
    skipped, moved = {"periods": 3, "next_at": JANUARY}, {"next_at": JANUARY}
    for change in (skipped, moved, {"grant": scenes.grant(rich, scenes.programme([]))}):
        with pytest.raises(IntegrityError, match="as it was agreed"), transaction.atomic():
            InstalmentPlan.objects.filter(pk=plan.pk).update(**change)


def committed_fen(plan):
    """What the order of a plan may cost, as the services add it, and the database."""
    funding = scenes.funding(plan.reservation.order)
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_committed(%s)", [funding.pk])
        [[in_sql]] = cursor.fetchall()
    assert spending_limits.committed_fen(funding) == in_sql
    return in_sql


def test_a_line_taken_later_counts_beside_the_months_to_come(rich, offering):
    Offering.objects.filter(pk=offering.pk).update(price_micro=2_000_001)
    offering.refresh_from_db()
    plan = bought(rich, offering)
    total = 144_001 + 2 * 148_801
    assert (plan.to_come_fen, committed_fen(plan)) == (2 * 148_801, total)
    line = ExtraLine.objects.create(offering=offering, kind="storage", name="Disk", unit="month", price_micro=7_200_000)
    owner, hours = scenes.person(), 92 * 24
    SpendingLimit.objects.create(organization=rich, limit_fen=total + hours - 1, set_by=owner, set_at=AT)
    take = {"reservation": plan.reservation, "wanted": {line.pk: 1}, "actor": Actor(organization=rich), "at": AT}

    with pytest.raises(ApprovalNeeded):
        taken_lines.take(**take)
    SpendingLimit.objects.update(limit_fen=total + hours)
    taken_lines.take(**take)

    assert committed_fen(plan) == total + hours
    instalments.step(plan_id=plan.pk, at=DECEMBER - 7 * DAY)  # a month set aside counts once: the limit is just enough
    assert (committed_fen(plan), InstalmentPlan.objects.get().to_come_fen) == (total + hours, 148_801)
    early_ends.shorten(reservation=Reservation.objects.get(), hours=1, actor=Actor(organization=rich), at=AT)
    assert InstalmentPlan.objects.get().to_come_fen == 743 * 200 + 1
    SpendingLimit.objects.update(limit_fen=total)
    instalments.step(plan_id=plan.pk, at=JANUARY - 7 * DAY)
    plan.refresh_from_db()
    assert (plan.problem, plan.to_come_fen) == ("approval-needed", 743 * 200 + 1)


def test_months_to_come_cost_less_once_cards_are_given_back_and_are_never_more(rich, offering):
    buy_two = blocks.demand_of(offering, count=2, starts_on=date(2026, 11, 1), months=3, at=AT)
    chosen, by = Chosen(None, {}, OrderKind.BLOCK, monthly=True), Actor(organization=rich)
    held_quotes.buy(offering=offering, buyer=rich, demand=buy_two, chosen=chosen, actor=by, at=AT)
    plan = InstalmentPlan.objects.get()
    assert plan.to_come_fen == 4 * DECEMBER_FEN

    early_ends.return_cards(reservation=plan.reservation, cards=1, actor=by, at=AT)

    assert committed_fen(plan) == 2 * NOVEMBER_FEN + 2 * DECEMBER_FEN
    with pytest.raises(IntegrityError, match="as it was agreed"), transaction.atomic():
        InstalmentPlan.objects.filter(pk=plan.pk).update(to_come_fen=2 * DECEMBER_FEN + 1)


def many(plan):
    return lambda _number: instalments.step(plan_id=plan.pk, at=DECEMBER - 7 * DAY)


def test_a_month_is_set_aside_once_however_many_try(transactional_db, rich, offering):
    plan = bought(rich, offering)

    race(many(plan), threads=8)

    assert Instalment.objects.count() == 1
    assert wallet(rich).held_fen == NOVEMBER_FEN + DECEMBER_FEN


def test_without_its_guards_a_month_is_set_aside_twice(transactional_db, rich, offering, monkeypatch):
    plan = bought(rich, offering)
    look_instead_of_locking(monkeypatch, parties=FEW)

    once, in_turn = ("billing_instalment", "instalment_once"), ("billing_supplement", "supplement_in_turn")
    with without_constraint(*once), without_constraint(*in_turn):
        race(many(plan), threads=FEW)

        assert Instalment.objects.count() > 1


def test_what_cannot_be_paid_keeps_no_other_month_from_being_set_aside(rich, offering):
    stuck = bought(rich, offering)
    buy(rich, offering, Chosen(None, {}, OrderKind.BLOCK, monthly=True), Actor(organization=rich))
    other = InstalmentPlan.objects.exclude(pk=stuck.pk).get()
    InstalmentPlan.objects.filter(pk=stuck.pk).update(problem="wallet-too-low", problem_at=DECEMBER - 7 * DAY)

    assert instalments.due(at=DECEMBER - 6 * DAY, limit=1) == [other.pk]
