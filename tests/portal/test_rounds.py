"""Rounds on the desk: drafted, opened by another, looked at in every way, allocated, and sent out."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import openpyxl
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization, OrganizationKind, Role
from tests.market import scenes
from tests.portal import filing
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from vouchers import allocation
from vouchers.models import Application, Round, RoundStatus
from vouchers.services.applications import publicity, reviewing, sweeping

MOST_QUERIES = 15
OVER = {"opens_at": worlds.NOW - 5 * filing.DAY, "closes_at": worlds.NOW - filing.DAY}
FORM = {
    "name": "2026 年第四季度",
    "opens_at": "2026-10-21T09:00",
    "closes_at": "2026-11-20T18:00",
    "method": "batch",
    "reviewers": "1",
    "panel_size": "0",
    "review_days": "5",
    "supplement_days": "5",
    "publicity_days": "7",
    "appeal_days": "10",
    "required_evidence": ["contract"],
    "once_per_contract": "on",
}


def address(name: str, procedure: Round, *more: str) -> str:
    return reverse(f"portal:{name}", args=[procedure.pk, *more])


def closed(world: World, method: str, firms: int = 3, **procedure: Any) -> Round:
    """Let firms pass in a round whose window is over; each asks for 8,000 yuan."""
    named = OVER | {"method": method, "required_evidence": [], "reviewers": 0, "publicity_days": 5} | procedure
    made = filing.opened(world, **named)
    for number in range(1, firms + 1):
        filing.handed_in(made, number, district="高新区" if number % 2 else "武侯区")
    sweeping.close_windows(at=worlds.NOW)
    return Round.objects.get(pk=made.pk)


def test_a_round_is_drafted_in_the_form_and_opened_by_another(world: World, sign_in: SignIn) -> None:
    first, second = sign_in("officer1"), sign_in("officer2")
    page = reverse("portal:round-new", args=[world.programme.pk])
    assert first.get(page).context["form"]["publicity_days"].value() == 0  # as the programme's parameters say

    made = first.post(page, FORM | {"budget": "500,000", "most": "80000", "partly": "on"})

    procedure = Round.objects.get()
    assert made["Location"] == address("round-desk", procedure)
    assert (procedure.budget_fen, procedure.most_fen, procedure.partly) == (500_000_00, 80_000_00, True)
    assert (procedure.opens_at.hour, procedure.publicity_days, procedure.status) == (1, 7, RoundStatus.DRAFT)
    assert "您是起草人" in first.get(made["Location"]).content.decode()
    first.post(address("round-act", procedure, "open"))
    procedure.refresh_from_db()
    assert procedure.status == RoundStatus.DRAFT
    assert "开放批次" in second.get(made["Location"]).content.decode()
    second.post(address("round-act", procedure, "open"))
    procedure.refresh_from_db()
    assert (procedure.status, procedure.opened_by) == (RoundStatus.OPEN, world.people["officer2"])
    second.post(address("round-act", procedure, "close"))  # the window is not over
    procedure.refresh_from_db()
    assert procedure.status == RoundStatus.OPEN


BAD: list[tuple[Any, str]] = [
    ({"closes_at": "2026-10-20T18:00"}, "closes_at"),
    ({"method": "ranked"}, "panel_size"),
    ({"method": "lottery"}, "seed"),
    ({"reviewers": "3"}, "reviewers"),
    ({"budget": "0"}, "budget"),
    ({"most": "nothing"}, "most"),
    ({"required_evidence": ["soul"]}, "required_evidence"),
    ({"name": "\x00"}, "name"),
    ({"opens_at": ""}, "opens_at"),
]


def test_a_bad_procedure_is_refused_at_its_field(world: World, sign_in: SignIn) -> None:
    client, page = sign_in("officer1"), reverse("portal:round-new", args=[world.programme.pk])

    for changes, field in BAD:
        answer = client.post(page, FORM | changes)
        assert (changes, answer.status_code, list(answer.context["form"].errors)) == (changes, 200, [field])
    assert not Round.objects.exists()


def test_windows_and_names_of_a_programme_do_not_meet(world: World, sign_in: SignIn) -> None:
    client, page = sign_in("officer1"), reverse("portal:round-new", args=[world.programme.pk])
    client.post(page, FORM)

    overlap = client.post(page, FORM | {"name": "另一批次"})
    twice = client.post(page, FORM | {"opens_at": "2026-11-21T09:00", "closes_at": "2026-11-22T09:00"})

    assert overlap.context["form"].non_field_errors()
    assert twice.context["form"].errors["name"]
    assert Round.objects.count() == 1


def test_every_way_is_shown_to_the_fen_and_the_own_way_is_what_happens(world: World, sign_in: SignIn) -> None:
    procedure = closed(world, "batch", budget_fen=20_000_00, partly=True)
    client, page = sign_in("officer1"), address("round-desk", procedure)

    seen = client.get(page)

    told = [
        (str(one.method), one.served, one.in_part, one.total_fen, one.left_fen, one.cut_off, one.factor_bp)
        for one in seen.context["ways"]
    ]
    assert told == [
        ("batch", 3, 1, 20_000_00, 0, 3, 8_333),
        ("pro_rata", 3, 3, 20_000_00, 0, 3, 8_333),
        ("lottery", 3, 1, 20_000_00, 0, 3, 8_333),
    ]
    assert [award.amount_fen for _one, award, _could in seen.context["preview"]] == [8_000_00, 8_000_00, 4_000_00]
    other = client.get(f"{page}?way=pro_rata").context["preview"]
    assert [award.amount_fen for _one, award, _could in other] == [6_666_67, 6_666_67, 6_666_66]
    assert client.get(f"{page}?way=%00").status_code == 200
    assert not Application.objects.filter(reserved_fen__gt=0).exists()

    client.post(address("round-act", procedure, "allocate"))

    procedure.refresh_from_db()
    rows = Application.objects.order_by("place").values_list("place", "reserved_fen", "status")
    assert list(rows) == [(1, 8_000_00, "proposed"), (2, 8_000_00, "proposed"), (3, 4_000_00, "proposed")]
    assert (procedure.status, procedure.allocated_by) == (RoundStatus.ALLOCATED, world.people["officer1"])
    result = client.get(page)
    assert "3 件拟发放待公示或批准" in result.content.decode()
    publicity.publish(
        applications=Application.objects.all(), actor=world.actor("officer1", world.authority), at=worlds.NOW
    )
    assert "2026-10-26 00:00" in client.get(page).content.decode()  # five whole days of publicity


def test_those_with_the_best_scores_are_ranked_first(world: World, sign_in: SignIn) -> None:
    procedure = closed(world, "ranked", panel_size=1, budget_fen=16_000_00)
    expert = world.actor("expert1", world.authority)
    client, page = sign_in("officer1"), address("round-desk", procedure)
    scores = {1: 61, 2: 90, 3: 75}
    for number, application in enumerate(Application.objects.order_by("submitted_at", "pk"), start=1):
        if number == len(scores):
            assert "尚有 1 件申请未审结" in client.get(page).content.decode()
            client.post(address("round-act", procedure, "allocate"))
            procedure.refresh_from_db()
            assert procedure.status == RoundStatus.CLOSED  # one is not decided yet
        terms: dict[str, Any] = {"stage": "panel", "no_interest": True, "actor": expert, "at": worlds.NOW}
        reviewing.approve(application=application, score=scores[number], **terms)

    way = client.get(page).context["way"]
    assert [(one.score, award.amount_fen) for one, award, _could in way.rows] == [
        (90_00, 8_000_00),
        (75_00, 8_000_00),
        (61_00, 0),
    ]
    assert (way.cut_off, way.served) == (2, 2)
    client.post(address("round-act", procedure, "allocate"))
    assert list(Application.objects.order_by("place").values_list("score", flat=True)) == [90_00, 75_00, 61_00]


def test_lots_are_drawn_with_the_seed_that_was_committed_to(world: World, sign_in: SignIn) -> None:
    client = sign_in("officer1")
    page = reverse("portal:round-new", args=[world.programme.pk])
    client.post(page, FORM | {"name": "摇号", "method": "lottery", "seed": " 2026 "})
    assert Round.objects.get().seed_commitment == allocation.seed_commitment("2026")
    procedure = closed(world, "lottery", budget_fen=8_000_00, seed_commitment=allocation.seed_commitment("2026"))
    shown = client.get(address("round-desk", procedure))
    assert shown.context["way"].served == 1
    assert "不预示中签者" in shown.content.decode()

    for seed, status in {"2025": RoundStatus.CLOSED, "\x00": RoundStatus.CLOSED, "2026": RoundStatus.ALLOCATED}.items():
        client.post(address("round-act", procedure, "allocate"), {"seed": seed})
        procedure.refresh_from_db()
        assert (seed, procedure.status) == (seed, status)


def test_a_round_leaves_as_csv_and_xlsx_without_formulas(world: World, sign_in: SignIn) -> None:
    procedure = closed(world, "batch", 2)
    Organization.objects.filter(name="成都样例企业001有限公司").update(name="=cmd|' /C calc'!A0")
    client = sign_in("auditor")

    text = client.get(address("round-csv", procedure)).content.decode("utf-8-sig").splitlines()
    book = openpyxl.load_workbook(BytesIO(client.get(address("round-xlsx", procedure)).content))

    assert text[1].split(",")[1].startswith("'=cmd")
    assert text[2].split(",")[1:2] + text[2].split(",")[3:5] == [
        "成都样例企业002有限公司",
        "武侯区",
        "通过，待安排",
    ]
    assert [cell.data_type for cell in book.worksheets[0][2]].count("f") == 0
    assert book.worksheets[0].max_row == 3


def test_an_empty_round_ends_without_an_award(world: World, sign_in: SignIn) -> None:
    procedure = closed(world, "batch", 0)
    client = sign_in("officer1")
    assert "没有通过审核的申请" in client.get(address("round-desk", procedure)).content.decode()

    client.post(address("round-act", procedure, "allocate"))

    procedure.refresh_from_db()
    assert procedure.status == RoundStatus.ALLOCATED


def test_rounds_open_to_those_whose_duty_it_is_and_ask_few_questions(world: World, sign_in: SignIn) -> None:
    procedure = closed(world, "batch", 4)
    for number in range(12):
        begins = worlds.NOW + timedelta(days=30 + number)
        filing.opened(world, name=f"R{number}", opens_at=begins, closes_at=begins + filing.DAY, required_evidence=[])
    worlds.person(world, "stranger", scenes.organization(OrganizationKind.AUTHORITY), Role.OWNER)
    pages = {
        "list": f"{reverse('portal:rounds-desk')}?state=open&programme={world.programme.pk}",
        "round": address("round-desk", procedure),
        "csv": address("round-csv", procedure),
        "new": reverse("portal:round-new", args=[world.programme.pk]),
    }
    may = {
        "officer1": {"list", "round", "csv", "new"},
        "officer2": {"list", "round", "csv", "new"},
        "treasurer": {"list", "round", "csv"},
        "auditor": {"list", "round", "csv"},
        "district1": set(),
        "expert1": set(),
        "operator1": set(),
        "buyer": set(),
    }
    for who, allowed in may.items():
        client = sign_in(who)
        for name, page in pages.items():
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(page)
            assert (who, name, answer.status_code) == (who, name, 200 if name in allowed else 403)
            assert len(queries) <= MOST_QUERIES, (name, [one["sql"][:90] for one in queries])
    for who in ("treasurer", "auditor", "district1"):
        sign_in(who).post(address("round-act", procedure, "allocate"))
        procedure.refresh_from_db()
        assert (who, procedure.status) == (who, RoundStatus.CLOSED)
    stranger = sign_in("stranger")
    for name, page in pages.items():
        assert (name, stranger.get(page).status_code) == (name, 200 if name == "list" else 404)
    assert stranger.post(address("round-act", procedure, "allocate")).status_code == 404
    assert sign_in("officer1").post(address("round-act", procedure, "burn")).status_code == 404
    assert (
        sign_in("officer1").get(f"{reverse('portal:rounds-desk')}?state=draft").content.decode().count("没有符合") == 1
    )
