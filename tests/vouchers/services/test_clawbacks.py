"""From a suspicion to the last fen that comes back: who may say what, when, and how much."""

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Interest
from accounts.services.audit import SYSTEM
from accounts.services.duties import Partial
from core.errors import IllegalMove, NotFound
from core.periods import midnight
from ledger.models import Balance
from ledger.services.posting import KeyReused
from tests.owning import as_owner
from tests.vouchers import cases, scenes
from tests.vouchers.scenes import AT, everything, officer
from vouchers import integrity, selectors
from vouchers.fraud import sums
from vouchers.fraud.sums import Part
from vouchers.models import Blacklisting, Capture, Clawback, Grant, GrantStatus, RedemptionStatus
from vouchers.selectors import GrantBalance
from vouchers.services import clawbacks, freezing, people, recoveries, redemptions, tips
from vouchers.services.clawbacks import Item

DECIDED = datetime(2025, 7, 1, 2, tzinfo=UTC)  # 1 July 2025, 10:00 in Shanghai


def recover(clawback, amount_fen, reference="bank/1"):
    return recoveries.recover(
        clawback=clawback, amount_fen=amount_fen, reference=reference, actor=officer(3), at=DECIDED
    )


def test_three_fictitious_captures_are_demanded_back_and_the_rest_is_revoked(programme):
    grant = scenes.grant(programme, face_fen=742_716 + 500_000)
    captures = cases.paid(grant, 240_000, 382_716, 120_000)
    for redemption in grant.redemptions.held():
        redemptions.release(redemption=redemption, at=AT)
    held = scenes.hold(grant, 100_000)
    assert selectors.grant_balance(grant)[1:4] == (470_000, 30_000, 742_716)

    clawback = cases.upheld(grant, captures, at=DECIDED)
    recover(clawback, 300_000)

    clawback.refresh_from_db()
    assert (clawback.status, clawback.demand_fen, clawback.revoked_fen) == ("demanded", 742_716, 500_000)
    assert integrity.summary(clawback) == {
        "demand_fen": 742_716, "recovered_fen": 300_000, "offset_fen": 0, "outstanding_fen": 442_716,
    }  # fmt: skip
    assert selectors.grant_balance(grant) == GrantBalance(1_242_716, 0, 0, 742_716, 0, 500_000)
    held.refresh_from_db()
    assert (held.status, Grant.objects.get().status) == (RedemptionStatus.RELEASED, GrantStatus.REVOKED)
    assert Blacklisting.objects.get().ends_at == midnight(date(2028, 7, 1))
    assert clawback.pay_by == midnight(date(2025, 8, 1))
    assert integrity.outstanding_fen(debtor=grant.owner) == 442_716
    anybody = grant.programme.authority_id
    in_question = captures[0].redemption_id, anybody
    assert integrity.withheld(owed=[(held.pk, anybody), in_question]) == {in_question}


def test_who_has_an_interest_in_the_debtor_does_not_decide_what_a_rule_has_raised(grant):
    items = [Item(capture, capture.amount_fen) for capture in cases.paid(grant, 1_000)]
    case = clawbacks.suspect(grant=grant, items=items, reason="related", actor=SYSTEM, at=AT)
    Interest.objects.create(user=officer(2).user, organization=grant.owner, note="a cousin's firm", declared_at=AT)

    with pytest.raises(Partial):
        clawbacks.dismiss(clawback=case, reason="nothing in it", actor=officer(2), at=AT)

    assert clawbacks.dismiss(clawback=case, reason="nothing in it", actor=officer(3), at=AT).status == "dismissed"


def test_the_last_fen_closes_the_case_and_no_fen_more_comes_back(grant):
    clawback = cases.upheld(grant, cases.paid(grant, 1_000), at=DECIDED)
    recover(clawback, 400, reference="bank/7")
    again = recover(clawback, 400, reference="bank/7")

    for amount_fen in (601, 0, -1):
        with pytest.raises(recoveries.MoreThanOwed):
            recover(clawback, amount_fen)
    with pytest.raises(KeyReused):
        recover(clawback, 401, reference="bank/7")
    with pytest.raises(recoveries.NoReference):
        recover(clawback, 600, reference=" ")
    recover(clawback, 600)

    clawback.refresh_from_db()
    assert (again.amount_fen, clawback.offset_fen, clawback.recovered_fen) == (400, 0, 1_000)
    assert (clawback.status, clawback.closed_at, clawback.outstanding_fen) == ("recovered", DECIDED, 0)
    with pytest.raises(recoveries.NothingOwed):
        recover(clawback, 1, "bank/2")


def test_ten_working_days_to_answer_leave_out_the_holidays_of_the_state_council(grant):
    on_30_september = datetime(2025, 9, 30, 4, tzinfo=UTC)
    clawback = cases.noticed(grant, cases.paid(grant, 1_000), at=on_30_september)

    # Off 1 to 8 October, at work on Saturday the 11th: 9, 10, 11, 13 … 17, 20, 21 October.
    assert clawback.response_due_at == midnight(date(2025, 10, 22))
    last = clawback.response_due_at - timedelta(milliseconds=1)
    with pytest.raises(clawbacks.StillTime):
        clawbacks.uphold(clawback=clawback, reason="x", actor=officer(2), at=last)
    with pytest.raises(NotFound):
        clawbacks.respond(clawback=clawback, text="x", actor=cases.speaks_for(scenes.buyer()), at=last)
    debtor = cases.speaks_for(grant.owner)
    with pytest.raises(clawbacks.AnswerOver):
        clawbacks.respond(clawback=clawback, text="x", actor=debtor, at=clawback.response_due_at)
    with pytest.raises(freezing.ReasonMissing):
        clawbacks.respond(clawback=clawback, text=" ", actor=debtor, at=last)

    clawbacks.respond(clawback=clawback, text="first", actor=debtor, at=last)
    clawbacks.respond(clawback=clawback, text="second", actor=debtor, at=last)
    decided = clawbacks.uphold(clawback=clawback, reason="x", actor=officer(2), at=last)
    assert [one.text for one in decided.answers.order_by("pk")] == ["first", "second"]
    with pytest.raises(clawbacks.AnswerOver):
        clawbacks.respond(clawback=clawback, text="third", actor=debtor, at=last)


def test_silence_is_decided_on_at_the_end_of_the_time_to_answer(grant):
    clawback = cases.noticed(grant, cases.paid(grant, 1_000))

    decided = clawbacks.uphold(clawback=clawback, reason="silence", actor=officer(2), at=clawback.response_due_at)

    assert decided.status == "demanded"


def test_who_raised_a_case_does_not_decide_it_and_its_steps_come_in_their_order(grant):
    clawback = cases.suspected(grant, cases.paid(grant, 1_000))
    before = everything()

    for act, error in [
        (lambda: clawbacks.dismiss(clawback=clawback, reason="x", actor=officer(1), at=AT), people.MakerIsChecker),
        (lambda: clawbacks.uphold(clawback=clawback, reason="x", actor=officer(2), at=AT), IllegalMove),
        (lambda: clawbacks.send_notice(clawback=clawback, notice="x", actor=officer(1), at=AT), IllegalMove),
        (lambda: recover(clawback, 1), recoveries.NothingOwed),
        (lambda: recoveries.plan(clawback=clawback, parts=[], actor=officer(1), at=AT), recoveries.NothingOwed),
        (lambda: recoveries.refer(clawback=clawback, to="x", actor=officer(1), at=AT), recoveries.NothingOwed),
    ]:
        with pytest.raises(error), transaction.atomic():
            act()

    assert everything() == before
    for values, rule in [
        ({"status": "demanded"}, "takes its course"),
        ({"reason": "another"}, "said and decided"),
        ({"recovered_fen": 1}, "only recoveries"),
    ]:
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            Clawback.objects.update(**values)


def test_no_more_is_taken_back_than_was_paid_and_once_only(grant):
    captures = cases.paid(grant, 1_000, 500)
    first = cases.suspected(grant, captures[:1])
    beyond = [
        [Item(captures[0], 1)],
        [Item(captures[1], 501)],
        [Item(captures[1], 0)],
        [Item(captures[1], 1), Item(captures[1], 1)],
        [Item(cases.paid(scenes.grant(grant.programme), 10)[0], 10)],
    ]

    for items in beyond:
        with pytest.raises(clawbacks.BeyondPaid):
            clawbacks.suspect(grant=grant, items=items, reason="x", actor=officer(1), at=AT)
    with pytest.raises(clawbacks.NothingTaken):
        clawbacks.suspect(grant=grant, items=[], reason="x", actor=officer(1), at=AT)
    assert Clawback.objects.count() == 1

    clawbacks.dismiss(clawback=first, reason="an error of ours", actor=officer(2), at=AT)
    assert cases.suspected(grant, captures).items.count() == 2


def test_a_dismissed_case_lifts_the_freeze_unless_the_same_person_froze(grant):
    captures = cases.paid(grant, 1_000, 2_000)
    first = clawbacks.place_hold(clawback=cases.suspected(grant, captures[:1]), actor=officer(1), at=AT)
    second = clawbacks.place_hold(clawback=cases.suspected(grant, captures[1:], by=3), actor=officer(3), at=AT)
    with pytest.raises(freezing.UnderInvestigation), transaction.atomic():
        freezing.lift(grant=grant, reason="x", actor=officer(2), at=AT)

    clawbacks.dismiss(clawback=first, reason="x", actor=officer(2), at=AT)
    assert Grant.objects.get(pk=grant.pk).status == GrantStatus.FROZEN
    clawbacks.dismiss(clawback=second, reason="x", actor=officer(1), at=AT)
    assert Grant.objects.get(pk=grant.pk).status == GrantStatus.FROZEN

    freezing.lift(grant=grant, reason="x", actor=officer(2), at=AT)
    third = clawbacks.place_hold(clawback=cases.suspected(grant, captures), actor=officer(1), at=AT)
    clawbacks.dismiss(clawback=third, reason="x", actor=officer(2), at=AT)
    assert Grant.objects.get(pk=grant.pk).status == GrantStatus.ACTIVE


def test_what_was_refunded_meanwhile_is_not_demanded_and_a_case_about_nothing_is_over(grant):
    (capture,) = cases.paid(grant, 1_000)
    clawback = cases.noticed(grant, [capture])
    redemptions.refund(redemption=capture.redemption, reference="r", amount_fen=1_000, at=AT)

    decided = clawbacks.uphold(clawback=clawback, reason="x", actor=officer(2), at=clawback.response_due_at)

    assert (decided.demand_fen, decided.status) == (0, "recovered")


def test_what_was_demanded_back_is_not_refunded_as_well(grant):
    one, other = cases.paid(grant, 1_000, 500)
    redemptions.refund(redemption=one.redemption, reference="before", amount_fen=100, at=AT)
    clawback = clawbacks.suspect(grant=grant, items=[Item(one, 700)], reason="x", actor=officer(1), at=AT)
    held = clawbacks.place_hold(clawback=clawback, actor=officer(1), at=AT)
    noticed = clawbacks.send_notice(clawback=held, notice="x", actor=officer(1), at=AT)
    clawbacks.uphold(clawback=noticed, reason="x", actor=officer(2), at=noticed.response_due_at)

    with pytest.raises(redemptions.DemandedBack) as refusal:
        redemptions.refund(redemption=one.redemption, reference="after", amount_fen=201, at=DECIDED)
    redemptions.refund(redemption=one.redemption, reference="after", amount_fen=200, at=DECIDED)
    redemptions.refund(redemption=other.redemption, reference="another", amount_fen=500, at=DECIDED)

    one.redemption.refresh_from_db()
    found = (one.redemption.captured_fen, one.redemption.refunded_fen, one.redemption.clawed_back_fen)
    assert (refusal.value.extra["refundable_fen"], found) == (200, (1_000, 300, 700))
    assert selectors.grant_balance(grant).redeemed_fen == 700
    with pytest.raises(IntegrityError, match="only captures, refunds and demands count"), transaction.atomic():
        one.redemption.grant.redemptions.update(clawed_back_fen=0)


def test_what_is_owed_may_be_paid_by_instalments_and_is_referred_when_it_is_late(grant):
    clawback = cases.upheld(grant, cases.paid(grant, 1_000), at=DECIDED)
    recover(clawback, 100)
    parts = [(date(2025, 7, 10), 400), (date(2025, 8, 10), 500)]

    for wrong in (
        parts[:1],
        parts[::-1],
        [(date(2025, 7, 1), 900)],
        [(date(2025, 8, 1), 1_000), (date(2025, 8, 2), -100)],
    ):
        with pytest.raises(recoveries.BadPlan):
            recoveries.plan(clawback=clawback, parts=wrong, actor=officer(2), at=DECIDED)
    recoveries.plan(clawback=clawback, parts=parts, actor=officer(2), at=DECIDED)
    with pytest.raises(recoveries.BadPlan):
        recoveries.plan(clawback=clawback, parts=parts, actor=officer(2), at=DECIDED)

    clawback.refresh_from_db()
    assert recoveries.overdue_fen(clawback, at=DECIDED) == 0
    recover(clawback, 250, "bank/2")
    clawback.refresh_from_db()
    assert recoveries.overdue_fen(clawback, at=midnight(date(2025, 7, 10))) == 150
    assert recoveries.overdue_fen(clawback, at=midnight(date(2025, 8, 10))) == 650
    with pytest.raises(recoveries.NothingOwed):
        recoveries.refer(clawback=clawback, to="court", actor=officer(2), at=clawback.pay_by - timedelta(seconds=1))
    recoveries.refer(clawback=clawback, to="court", actor=officer(2), at=clawback.pay_by)
    recover(clawback, 650, "bank/3")
    clawback.refresh_from_db()
    assert (clawback.status, recoveries.overdue_fen(clawback, at=clawback.pay_by)) == ("recovered", 0)


def test_without_a_plan_all_is_overdue_from_the_day_on_which_it_was_to_be_paid(grant):
    clawback = cases.upheld(grant, cases.paid(grant, 1_000), at=DECIDED)

    assert recoveries.overdue_fen(clawback, at=clawback.pay_by - timedelta(seconds=1)) == 0
    assert recoveries.overdue_fen(clawback, at=clawback.pay_by) == 1_000


def test_settled_captures_stay_what_they_were(grant):
    captures = cases.paid(grant, 1_000)
    before = list(Capture.objects.values())

    cases.upheld(grant, captures, at=DECIDED)

    assert list(Capture.objects.values()) == before
    assert selectors.grant_balance(grant).redeemed_fen == 1_000
    for rows in (Clawback.objects.get().items, Clawback.objects.get().answers):
        with as_owner(), pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            rows.all().delete()


parts_of = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 10**9), st.dates(date(2024, 1, 1), date(2025, 12, 31))), max_size=6
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts_of, st.lists(st.integers(0, 10**9), min_size=3, max_size=3), st.integers(0, 2_000))
def test_a_demand_never_exceeds_what_was_paid_net_of_refunds(parts, net, interest_bp):
    net_fen = dict(enumerate(net))
    asked = [Part(*part) for part in parts]

    found = sums.walk(asked, net_fen=net_fen, interest_bp=interest_bp, on=date(2026, 1, 1))

    principal_fen, interest_fen = sum(one.taken_fen for one in found), sum(one.interest_fen for one in found)
    by_redemption = {key: sum(part.amount_fen for part in asked if part.redemption == key) for key in net_fen}
    assert principal_fen == sum(min(fen, net_fen[key]) for key, fen in by_redemption.items())
    assert 0 <= interest_fen <= principal_fen * interest_bp * 732 // 3_650_000


@pytest.mark.parametrize(
    ("bp", "days", "interest"), [(0, 365, 0), (435, 365, 43_500), (435, 1, 119), (435, 0, 0), (10_000, 730, 2_000_000)]
)
def test_interest_is_simple_and_rounded_down(bp, days, interest):
    paid_on = date(2025, 1, 1)

    (found,) = sums.walk(
        [Part(0, 1_000_000, paid_on)], net_fen={0: 1_000_000}, interest_bp=bp, on=paid_on + timedelta(days)
    )

    assert (found.taken_fen, found.interest_fen) == (1_000_000, interest)


def test_three_years_after_29_february_is_28_february():
    assert sums.years_later(date(2024, 2, 29), 3) == date(2027, 2, 28)
    assert sums.years_later(date(2025, 7, 1), 3) == date(2028, 7, 1)


@given(st.lists(st.integers(1, 700), max_size=6))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_demand_is_repaid_and_outstanding_whatever_comes_back(programme, parts):
    grant = scenes.grant(programme, face_fen=5_000)
    clawback = cases.upheld(grant, cases.paid(grant, 1_000), at=DECIDED)

    for number, amount_fen in enumerate(parts):
        with contextlib.suppress(recoveries.MoreThanOwed, recoveries.NothingOwed):
            recover(clawback, amount_fen, str(number))
        clawback.refresh_from_db()
        found = integrity.summary(clawback)
        assert min(found.values()) >= 0
        assert found["demand_fen"] == found["recovered_fen"] + found["offset_fen"] + found["outstanding_fen"] == 1_000
        assert Balance.objects.get(pk=clawback.account_id).posted_fen == found["outstanding_fen"]
        assert (clawback.status == "recovered") == (found["outstanding_fen"] == 0)


def test_every_register_of_integrity_opens(grant, admin_client):
    cases.upheld(grant, cases.paid(grant, 1_000), at=DECIDED)
    tips.receive(text="They resell.", about="", contact="", at=AT)
    recover(Clawback.objects.get(), 1)

    for name in ("freeze", "blacklisting", "finding", "clawback", "clawbackrecovery", "tip", "foreignclaim"):
        assert admin_client.get(f"/admin/vouchers/{name}/").status_code == 200
