"""Rounds and applications in the administration, and their clock."""

import pytest

from tests.vouchers import filing
from tests.vouchers.scenes import AT
from tests.vouchers.test_admin import _noon, act, desk  # noqa: F401 - a fixture
from vouchers import tasks
from vouchers.models import Round, RoundStatus

pytestmark = pytest.mark.django_db


def round_form(programme, **changes):
    filled = {
        "programme": programme.pk,
        "name": "Q3",
        "opens_at_0": "2025-06-29",
        "opens_at_1": "00:00:00",
        "closes_at_0": "2025-06-30",
        "closes_at_1": "12:00:00",
        "method": "first_come",
        "required_evidence": "contract",
        "reviewers": 1,
        "panel_size": 0,
        "review_days": 5,
        "supplement_days": 5,
        "publicity_days": 5,
        "appeal_days": 10,
    }
    return filled | changes


def test_one_officer_drafts_a_round_and_another_opens_it(programme):
    answer = desk(1).post("/admin/vouchers/round/add/", round_form(programme))

    assert answer.status_code == 302, answer.context["errors"]
    made = Round.objects.get()
    assert (made.status, made.required_evidence) == (RoundStatus.DRAFT, ["contract"])
    assert act(desk(1), "round", "open_rounds", made) == ["Q3: Another person must approve what you proposed."]
    act(desk(2), "round", "open_rounds", made)
    assert Round.objects.get().status == RoundStatus.OPEN
    tasks.advance_applications()
    assert Round.objects.get().status == RoundStatus.CLOSED
    assert desk(2).get(f"/admin/vouchers/round/{made.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"opens_at_0": "2199-12-31"}, "closes_at", "A round ends after it begins."),
        ({"opens_at_0": "9999-12-31"}, "opens_at", "Choose a year between 1900 and 2199."),
        ({"panel_size": 16}, "panel_size", "At most 15 experts score."),
        ({"name": "Q2"}, "name", "The programme has a round of this name."),
    ],
)
def test_a_round_that_contradicts_itself_is_refused_in_words(programme, changes, field, words):
    filing.opened(programme, **filing.SIMPLE | {"name": "Q2"})

    answer = desk(1).post("/admin/vouchers/round/add/", round_form(programme, **changes))

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors == {field: [words]}
    assert Round.objects.count() == 1


def test_applications_are_read_and_not_written(programme):
    application = filing.submitted(filing.opened(programme, **filing.SIMPLE | {"reviewers": 1}), at=AT)

    assert desk(1).get("/admin/vouchers/application/").status_code == 200
    assert desk(1).get(f"/admin/vouchers/application/{application.pk}/change/").status_code == 200
    assert desk(1).get("/admin/vouchers/application/add/").status_code == 403
