"""An authority decides within working days; what lies with the applicant, or waits for a window, does not count."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction

from tests.owning import as_owner
from tests.vouchers import filing, scenes
from tests.vouchers.filing import AT, CLOSES, applicant
from tests.vouchers.scenes import officer
from vouchers import dashboards, kpis
from vouchers.models import Appeal, Application, ReasonCode
from vouchers.parameters import codec
from vouchers.services import programmes
from vouchers.services.applications import deciding, publicity, reviewing, rounds, submitting, sweeping

pytestmark = pytest.mark.django_db
DAY, MS = timedelta(days=1), timedelta(milliseconds=1)
# Handed in on Monday 30 June 2025; 14 July is the tenth working day after it, in Shanghai.
DUE = datetime(2025, 7, 14, 16, tzinfo=UTC)
PLAIN = {"reviewers": 1, "publicity_days": 0, "required_evidence": [], "supplement_days": 30}


def opened(days=10, **procedure):
    drafted = scenes.draft(open_registry=True)
    changes = {"identity.code": f"{drafted.code}-C", "allocation.decide_within_days": days}
    parameters = codec.changed(drafted.parameters, changes)
    drafted = programmes.draft_of(authority=drafted.authority, parameters=parameters, actor=officer(1), at=AT)
    return filing.opened(programmes.publish(programme=drafted, actor=officer(2), at=AT), **PLAIN | procedure)


def fresh(application):
    return Application.objects.select_related("programme").get(pk=application.pk)


def clock(application):
    return fresh(application).decide_by


def asked(application, at):
    terms = {"stage": application.status, "reason": "缺页", "actor": officer(3), "at": at}
    return reviewing.ask_for_supplement(application=fresh(application), **terms)


def returned(application, at):
    return submitting.supplement(application=fresh(application), actor=applicant(application), at=at)


def figures(programme, at):
    applied = kpis.oversight(programmes=[programme.pk], at=at).applied
    late = Application.objects.late(at).filter(programme=programme).count()
    assert dashboards.of(programmes=[programme], at=at)[programme.pk].undecided == late
    return applied.in_time, applied.late, late


def test_the_last_working_day_ends_at_midnight_in_shanghai():
    procedure = opened()
    soon, late, never = (filing.submitted(procedure) for _number in range(3))
    assert {clock(one) for one in (soon, late, never)} == {DUE}
    assert clock(filing.submitted(opened(days=0))) == datetime(2025, 6, 30, 16, tzinfo=UTC)

    filing.passed(soon, at=DUE - MS)
    assert figures(procedure.programme, DUE - MS) == (1, 0, 0)
    assert figures(procedure.programme, DUE) == (1, 2, 2)
    filing.passed(late, at=DUE)
    assert figures(procedure.programme, DUE) == (1, 2, 1)
    assert [fresh(one).decided_at for one in (soon, late, never)] == [DUE - MS, DUE, None]
    assert kpis.oversight(programmes=[procedure.programme.pk], at=DUE).applied.in_time_bp == 3_333
    assert (fresh(never).undecided_by, fresh(late).undecided_by) == (DUE, None)


def test_the_clock_stops_while_the_applicant_supplements():
    procedure = opened()
    paused, at_last, overdue = (filing.submitted(procedure) for _number in range(3))
    asked(paused, datetime(2025, 7, 3, 4, tzinfo=UTC))  # seven working days are left: 4, 7 to 11, 14
    asked(at_last, DUE - MS)
    asked(overdue, DUE)
    assert figures(procedure.programme, DUE + 9 * DAY) == (0, 0, 0)

    returned(paused, datetime(2025, 7, 7, 15, 59, 59, 999_000, tzinfo=UTC))
    assert clock(paused) == datetime(2025, 7, 16, 16, tzinfo=UTC)
    for one in (at_last, overdue):
        returned(one, datetime(2025, 7, 17, 4, tzinfo=UTC))
    assert clock(at_last) == datetime(2025, 7, 17, 16, tzinfo=UTC)
    assert clock(overdue) == DUE


def test_where_all_are_decided_together_days_count_after_the_window():
    procedure = opened(method="batch")
    application = filing.submitted(procedure)
    due = datetime(2025, 7, 24, 16, tzinfo=UTC)  # the window closes at noon on 10 July
    assert clock(application) == due
    asked(application, AT + DAY)
    returned(application, AT + 2 * DAY)
    assert clock(application) == due

    filing.passed(application, at=AT + 3 * DAY)
    assert (fresh(application).status, fresh(application).undecided_by) == ("waitlisted", due)
    sweeping.close_windows(at=CLOSES)
    Application.objects.filter(pk=application.pk).update(recommended_fen=1)  # below the smallest award
    rounds.allocate(procedure=procedure, actor=officer(1), at=due - MS)
    assert (fresh(application).decided_at, fresh(application).undecided_by) == (due - MS, None)


def test_a_window_that_closes_at_midnight_ends_with_the_day_before():
    closes_at = datetime(2025, 7, 10, 16, tzinfo=UTC)
    assert clock(filing.submitted(opened(method="batch", closes_at=closes_at))) == datetime(2025, 7, 24, 16, tzinfo=UTC)


def test_who_passed_and_waits_for_budget_has_a_decision():
    procedure = opened(reviewers=0, budget_fen=filing.ASKED_FEN)
    first, second = filing.submitted(procedure), filing.submitted(procedure)
    assert [(fresh(one).status, fresh(one).decided_at) for one in (first, second)] == [
        ("proposed", AT),
        ("waitlisted", AT),
    ]


def test_a_review_anew_begins_a_clock_anew():
    procedure = opened(publicity_days=5)
    appealed, objected = filing.submitted(procedure), filing.submitted(procedure)
    turned = {"reason_code": ReasonCode.EVIDENCE, "reason": "不足", "no_interest": True, "actor": officer(3), "at": AT}
    reviewing.reject(application=appealed, stage="review_1", **turned)
    deciding.appeal(application=fresh(appealed), text="有误", actor=applicant(appealed), at=AT + DAY)
    publicity.publish(applications=[filing.passed(objected)], actor=officer(1), at=AT)
    raised = {"name": "甲", "contact": "1", "text": "有误", "at": AT + DAY}
    objection = publicity.raise_objection(application=fresh(objected), **raised)
    assert fresh(appealed).decided_at == fresh(objected).decided_at == AT

    again, terms = AT + 21 * DAY, {"upheld": True, "answer": "成立", "actor": officer(2)}
    deciding.decide_appeal(made=Appeal.objects.get(), at=again, **terms)
    publicity.uphold(objection=objection, answer="成立", actor=officer(2), at=AT + DAY)
    # Monday 21 July, and Tuesday 1 July.
    assert (clock(appealed), fresh(appealed).decided_at) == (datetime(2025, 8, 4, 16, tzinfo=UTC), None)
    assert (clock(objected), fresh(objected).decided_at) == (datetime(2025, 7, 15, 16, tzinfo=UTC), None)


def test_a_case_that_is_older_than_clocks_counts_from_when_it_last_came():
    """As the migration finds it: no case has a clock, and whoever waits for budget has no decision."""
    one_by_one = opened(budget_fen=filing.ASKED_FEN, publicity_days=5)
    first, returned_, anew, asked_ = (filing.submitted(one_by_one) for _number in range(4))
    together = filing.submitted(opened(method="batch"))
    asked(returned_, AT)
    returned(returned_, AT + DAY)
    asked(asked_, AT)
    turned = {"reason_code": ReasonCode.EVIDENCE, "reason": "不足", "no_interest": True, "actor": officer(3), "at": AT}
    reviewing.reject(application=anew, stage="review_1", **turned)
    deciding.appeal(application=fresh(anew), text="有误", actor=applicant(anew), at=AT + DAY)
    decided = {"upheld": True, "answer": "成立", "actor": officer(2)}
    deciding.decide_appeal(made=Appeal.objects.get(), at=AT + 2 * DAY, **decided)
    proposed = filing.passed(filing.submitted(one_by_one), at=AT + DAY)
    waits = filing.passed(filing.submitted(one_by_one), at=AT + DAY)
    assert (proposed.status, waits.status) == ("proposed", "waitlisted")
    migration = import_module("vouchers.migrations.0039_begin_clocks_of_older_cases")
    connection.check_constraints()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(migration.OFF)
        cursor.execute("UPDATE vouchers_application SET decide_by = NULL")
        cursor.execute("UPDATE vouchers_application SET decided_at = NULL WHERE status = 'waitlisted'")
        migration.begin(None, connection.schema_editor())
        cursor.execute(migration.ON)

    assert [clock(one) for one in (first, returned_, anew)] == [DUE, DUE + DAY, DUE + 2 * DAY]
    assert clock(together) == datetime(2025, 7, 24, 16, tzinfo=UTC)
    assert (clock(waits), fresh(waits).decided_at, clock(proposed)) == (None, AT + DAY, None)
    assert clock(asked_) is None
    returned(asked_, AT + DAY)
    assert clock(asked_) == DUE + DAY


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"decide_by": DUE + DAY}, "review_1", "application_clock_goes_on"),
        ({"decide_by": None}, "review_1", "application_clock_goes_on"),
        ({"decided_at": AT}, "review_1", "application_decided_as_it_stands"),
        ({"status": "submitted", "submitted_at": AT}, "draft", "application_clock_begins"),
    ],
)
def test_the_database_keeps_the_clock(change, status, name):
    procedure = opened()
    application = filing.drafted(procedure) if status == "draft" else filing.submitted(procedure)
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Application.objects.filter(pk=application.pk).update(**change)
    assert refusal.value.__cause__.diag.constraint_name == name
