"""How long an authority has to decide on an application: working days, for as long as the case lies with it.

The day on which a case is handed in does not count, nor do days before the end of the window where all are decided
together, nor those on which the applicant supplements it. The last day ends at midnight in Shanghai.
"""

from datetime import date, datetime
from typing import Any

from core.periods import date_of, midnight
from vouchers import workdays
from vouchers.allocation import Method
from vouchers.models import Application, ApplicationStatus


def begun(application: Application, at: datetime) -> dict[str, Any]:
    """Return what is set when a case comes to the authority, or is reviewed anew."""
    days = application.programme.parameters.allocation.decide_within_days
    last_on = workdays.after(_from(application, date_of(at)), days)
    return {"decide_by": midnight(workdays.next_day(last_on)), "decided_at": None}


def resumed(application: Application, at: datetime) -> dict[str, Any]:
    """Return what is set when a case was supplemented: the working days that were left count from today on.

    A case that was late already when it was asked for more stays late; one that is older than the clock begins it now.
    """
    if application.decide_by is None:
        return begun(application, at)
    asked = application.steps.filter(status=ApplicationStatus.SUPPLEMENT).order_by("-pk").values_list("at", flat=True)
    asked_on = _from(application, date_of(asked[0]))
    if midnight(asked_on) >= application.decide_by:
        return {}
    left = workdays.between(asked_on, date_of(application.decide_by - datetime.resolution))
    last_on = workdays.after(_from(application, date_of(at)), left)
    return {"decide_by": midnight(workdays.next_day(last_on))}


def _from(application: Application, day: date) -> date:
    """Return the day after which days count: a window that all wait for is over first."""
    if application.round.method == Method.FIRST_COME:
        return day
    return max(day, date_of(application.round.closes_at - datetime.resolution))
