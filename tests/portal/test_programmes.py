"""An authority's programmes on the desk: dashboards to the fen, versions by form and by JSON, and who may do what."""

import json
from datetime import date
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import OrganizationKind, Role
from portal.desk import budgets
from portal.desk.parameter_form import ParameterForm
from tests.market import scenes
from tests.portal import filing
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from tests.vouchers.parameters import samples
from vouchers import dashboards
from vouchers.models import Programme, ProgrammeStatus, ProgrammeVersion, VersionStatus
from vouchers.parameters import codec
from vouchers.parameters.published import parameters_of
from vouchers.services import versions

MOST_QUERIES = 15


def filled(parameters: Any, **changes: Any) -> dict[str, Any]:
    """Return the form over all parameters as a browser sends it, with some fields changed."""
    form = ParameterForm(parameters=parameters)
    sent: dict[str, Any] = {"reason": "扩大覆盖面"}
    for name, field in form.fields.items():
        value = form[name].value()
        if field.disabled or value in (None, False, "", []):
            continue
        sent[name] = "on" if value is True else json.dumps(value) if isinstance(value, dict) else value
    return sent | changes


def drafted(world: World, **changes: Any) -> ProgrammeVersion:
    parameters = codec.changed(world.programme.parameters, changes or {"money.budget_fen": 2_000_000_00})
    actor = world.actor("officer1", world.authority)
    return versions.draft(programme=world.programme, parameters=parameters, reason="r", actor=actor, at=worlds.NOW)


def address(name: str, programme: Programme, *more: Any) -> str:
    return reverse(f"portal:{name}", args=[programme.pk, *more])


def test_every_fen_of_a_budget_is_in_one_part_of_its_bar(world: World, sign_in: SignIn) -> None:
    worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    worlds.place(world, at=worlds.NOW)
    procedure = filing.opened(world, required_evidence=[], reviewers=0)
    filing.handed_in(procedure, 1)
    filing.handed_in(procedure, 2)

    board = dashboards.of(programmes=[world.programme], at=worlds.NOW)[world.programme.pk]

    assert board.parts == {
        "paid": 0,
        "set-off": 0,
        "claimed": 0,
        "redeemed": 26_40,
        "held": 30_00,
        "available": worlds.FACE_FEN - 56_40,
        "expired": 0,
        "reserved": 2 * filing.ASKED_FEN,
        "unallocated": 1_000_000_00 - worlds.FACE_FEN - 2 * filing.ASKED_FEN,
    }
    assert sum(board.parts.values()) == world.programme.budget_fen
    parts = budgets.parts(board)
    assert [(one.code, one.x, one.width) for one in parts if one.width] == [
        ("available", 0, 10),
        ("reserved", 10, 16),
        ("unallocated", 26, 974),
    ]
    page = sign_in("officer2").get(address("programme", world.programme)).content.decode()
    for shown in ("¥9,943.60", "¥16,000.00", "¥26.40", "待决定的发放", "批次", "活动已发布"):
        assert (shown, shown in page) == (shown, True)


def test_a_page_shows_what_of_a_budget_is_released_and_what_is_still_to_come(world: World, sign_in: SignIn) -> None:
    days = {"2026-01-01": 300_000_00, f"{worlds.NOW.year + 1}-12-31": 600_000_00}
    tranches = [{"released_on": day, "amount_fen": fen} for day, fen in days.items()]
    checker = world.actor("officer2", world.authority)
    versions.publish(version=drafted(world, **{"money.tranches": tranches}), actor=checker, at=worlds.NOW)

    page = sign_in("officer1").get(address("programme", world.programme)).content.decode()

    assert ("已下达" in page, "未下达" in page, "其中600,000.00待下达" in page.replace(" ", "").replace("¥", "")) == (
        True,
    ) * 3


def test_a_district_and_an_expert_see_budgets_but_no_register(world: World, sign_in: SignIn) -> None:
    for name, seen in {"auditor": True, "treasurer": True, "district1": False, "expert1": False}.items():
        page = sign_in(name).get(address("programme", world.programme)).content.decode()
        assert ("¥1,000,000.00" in page, "活动已发布" in page) == (True, seen)


def test_the_pages_ask_few_questions_whatever_their_rows(world: World, sign_in: SignIn) -> None:
    for number in range(12):
        worlds.draft_programme(world, code=f"more-{number}")
        version = drafted(world, **{"money.budget_fen": 2_000_000_00 + number * 100})
        versions.drop(version=version, actor=world.actor("officer1", world.authority), at=worlds.NOW)
    client = sign_in("officer2")

    for page in (reverse("portal:programmes"), *(address(name, world.programme) for name in ("programme", "versions"))):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page).status_code == 200
        assert len(queries) <= MOST_QUERIES, (page, [one["sql"][:90] for one in queries])


def test_a_version_is_drafted_in_the_form_and_published_by_another(world: World, sign_in: SignIn) -> None:
    first, second = sign_in("officer1"), sign_in("officer2")
    given = filled(
        world.programme.parameters,
        **{
            "money.budget_fen": "２，０００，０００",
            "award.tiers[0].bp": "35",
            "award.tiers[+].code": "SME",
            "award.tiers[+].bp": "50",
            "award.tiers[+].when": "is_sme and annual_contract_sum_fen <= 50000000",
            "allocation.window.opens_on": "2026-03-01",
            "allocation.window.closes_on": "2026-04-01",
            "eligibility.registration_regions": "成都市\n 四川省 ",
            "redemption.partial_when_short": "",
        },
    )

    answer = first.post(address("version-new", world.programme), given)

    version = ProgrammeVersion.objects.latest("pk")
    assert answer["Location"] == address("version", world.programme, version.pk), answer.context["form"].errors
    said = codec.dump(version.parameters)
    assert (said["money"]["budget_fen"], version.ratio_bp) == (2_000_000_00, 5_000)
    assert [(tier["code"], tier["bp"]) for tier in said["award"]["tiers"]] == [("BASE", 3_500), ("SME", 5_000)]
    assert said["award"]["tiers"][1]["when"]["op"] == "all"
    assert said["allocation"]["window"] == {"opens_on": "2026-03-01", "closes_on": "2026-04-01"}
    assert said["eligibility"]["registration_regions"] == ("成都市", "四川省")
    assert (version.reason, said["redemption"]["partial_when_short"]) == ("扩大覆盖面", False)
    page = first.get(answer["Location"]).content.decode()
    for shown in ("¥1,000,000.00", "¥2,000,000.00", "35.00 %", "50.00 %", "由另一人发布"):
        assert (shown, shown in page) == (shown, True)
    first.post(address("version-move", world.programme, version.pk, "publish"))
    assert Programme.objects.get(pk=world.programme.pk).version == 1
    second.post(address("version-move", world.programme, version.pk, "publish"))
    assert Programme.objects.get(pk=world.programme.pk).version == 2
    earlier = ProgrammeVersion.objects.get(programme=world.programme, number=1)
    page = second.get(f"{address('versions', world.programme)}?before={earlier.pk}&after={version.pk}").content.decode()
    assert "成都市、四川省" in page


def test_a_form_that_nobody_touched_changes_nothing_in_any_reference_programme() -> None:
    for code, facts in samples.FACTS.items():
        parameters = parameters_of(facts, opens_on=date(2026, 1, 1), closes_on=date(2027, 1, 1))
        form = ParameterForm(filled(parameters), parameters=parameters)

        assert form.is_valid(), (code, form.errors)
        assert form.cleaned_data["parameters"] == parameters


WRONG: list[tuple[Any, str]] = [
    ({"identity.closes_on": "2025-01-01"}, "identity.closes_on"),
    ({"money.min_award_fen": "9000000"}, "caps.entity_annual_cap_fen"),
    ({"award.tiers[0].bp": ""}, "award.tiers[0].bp"),
    ({"award.tiers[+].code": "A", "award.tiers[+].when": "nonsense <="}, "award.tiers[+].when"),
    ({"award.tiers[+].code": "A"}, "award.tiers[+].bp"),
    ({"award.tiers[0].code": "小写"}, "award.tiers[0].code"),
    ({"validity.days": "0"}, "validity.days"),
    ({"money.budget_fen": "-1"}, "money.budget_fen"),
    ({"money.budget_fen": "1\x00"}, "money.budget_fen"),
    ({"allocation.method": "RANK"}, "allocation.window.opens_on"),
    ({"allocation.window.opens_on": "2026-03-01"}, "allocation.window.closes_on"),
    ({"caps.combined": "{"}, "caps.combined"),
    ({"caps.combined": "[" * 60_000}, "caps.combined"),
    ({"caps.combined": '{"annual_cap_fen": ' + "9" * 5_000 + "}"}, "caps.combined"),
    ({"caps.combined": '"\\ud800"'}, "caps.combined"),
    ({"caps.combined": '{"group": "G"}'}, "caps.combined"),
    ({"reason": " "}, "reason"),
]


def test_what_is_wrong_is_said_beside_the_field(world: World, sign_in: SignIn) -> None:
    client, place = sign_in("officer1"), address("version-new", world.programme)

    for changes, field in WRONG:
        page = client.post(place, filled(world.programme.parameters, **changes))
        errors = page.context["form"].errors
        assert (page.status_code, field in errors) == (200, True), (changes, errors)
    assert not ProgrammeVersion.objects.filter(status=VersionStatus.DRAFT).exists()


def test_versions_and_programmes_come_and_go_as_json(world: World, sign_in: SignIn) -> None:
    client = sign_in("officer1")
    exported = client.get(address("programme-json", world.programme)).content
    document = json.loads(exported)
    page = address("version-import", world.programme)
    assert "预算" in str(client.get(address("version-new", world.programme)).content.decode())
    assert client.get(page).context["form"]["text"].value() == exported.decode()

    same = client.post(page, {"reason": "r", "text": exported.decode()})
    assert same.context["form"].non_field_errors()
    for text, found in {
        "{": "parameters",
        '{"identity": 1}': "基本信息",
        json.dumps(document | {"nobody": 1}): "nobody",
        json.dumps(document | {"validity": {"days": "x"}}): "有效期",
    }.items():
        refused = client.post(page, {"reason": "r", "text": text})
        assert any(found in label for label, _text in refused.context["wrong"]), (found, refused.context["wrong"])
    assert client.post(page, {"reason": "r"}).context["form"].non_field_errors()
    large = SimpleUploadedFile("a.json", b" " * (codec.MOST_BYTES + 1))
    assert client.post(page, {"reason": "r", "file": large}).context["form"].non_field_errors()
    document["money"]["budget_fen"] += 100
    file = SimpleUploadedFile("next.json", json.dumps(document).encode())
    version_page = client.post(page, {"reason": "r", "file": file})["Location"]
    version = ProgrammeVersion.objects.latest("pk")
    assert json.loads(client.get(address("version-json", world.programme, version.pk)).content) == document
    twice = client.post(page, {"reason": "r", "text": json.dumps(document | {"caps": {}})})
    assert twice.context["form"].non_field_errors()
    client.post(address("version-move", world.programme, version.pk, "drop"))
    version.refresh_from_db()
    assert version.status == VersionStatus.DROPPED
    assert client.get(version_page).status_code == 200

    document["identity"]["code"] = "cd-2027"
    new = reverse("portal:programme-import")
    assert client.post(new, {"text": "{}"}).context["wrong"]
    made = client.post(new, {"text": json.dumps(document)})
    programme = Programme.objects.get(code="cd-2027")
    assert made["Location"] == address("programme", programme)
    assert "您是起草人" not in client.get(made["Location"]).content.decode()  # a reviewer publishes nothing at all
    sign_in("officer2").post(address("programme-move", programme, "publish"))
    programme.refresh_from_db()
    assert programme.status == ProgrammeStatus.PUBLISHED


NEW = ("programme-new", "programme-import")
ACTS = {
    "programme-new": (["officer1", "officer2"], {}),
    "programme-import": (["officer1", "officer2"], {"text": "{}"}),
    "version-new": (["officer1", "officer2"], {}),
    "version-import": (["officer1", "officer2"], {"text": "{}"}),
    "versions": (["officer1", "officer2", "treasurer", "auditor"], None),
    "version": (["officer1", "officer2", "treasurer", "auditor"], None),
    "version-json": (["officer1", "officer2", "treasurer", "auditor"], None),
    "programme-json": (["officer1", "officer2", "treasurer", "auditor"], None),
}


def test_each_page_of_versions_opens_to_those_whose_duty_it_is(world: World, sign_in: SignIn) -> None:
    version = drafted(world)
    places = {
        name: reverse(f"portal:{name}")
        if name in NEW
        else address(name, world.programme, *([version.pk] if name in ("version", "version-json") else []))
        for name in ACTS
    }
    people = ["officer1", "officer2", "treasurer", "auditor", "district1", "expert1", "operator1", "buyer"]
    for who in people:
        client = sign_in(who)
        for name, (allowed, sent) in ACTS.items():
            codes = {_code(client, places[name], None)} | ({_code(client, places[name], sent)} if sent else set())
            assert (name, who, codes) == (name, who, {200} if who in allowed else {403})


def test_another_authority_sees_nothing_and_only_the_owner_publishes(world: World, sign_in: SignIn) -> None:
    version = drafted(world)
    worlds.person(world, "stranger", scenes.organization(OrganizationKind.AUTHORITY), Role.OWNER)
    stranger = sign_in("stranger")
    assert "还没有活动" in stranger.get(reverse("portal:programmes")).content.decode()
    for name in ("versions", "version-new", "version-import", "programme-json", "simulation-new", "round-new"):
        assert (name, stranger.get(address(name, world.programme)).status_code) == (name, 404)
    assert stranger.get(address("version", world.programme, version.pk)).status_code == 404
    for verb, allowed in {"publish": set(), "drop": {"officer1"}}.items():
        for who in ("treasurer", "auditor", "officer1"):
            sign_in(who).post(address("version-move", world.programme, version.pk, verb))
            version.refresh_from_db()
            assert (verb, who, version.status == VersionStatus.DRAFT) == (verb, who, who not in allowed)
    owner = sign_in("officer2")
    assert owner.post(address("version-move", world.programme, version.pk, "burn")).status_code == 404
    assert owner.get(address("version", world.programme, 10**30)).status_code == 404


def _code(client: Client, place: str, sent: Any) -> int:
    return (client.get(place) if sent is None else client.post(place, sent)).status_code


def test_a_programme_is_drafted_in_the_form_from_nothing_or_like_another(world: World, sign_in: SignIn) -> None:
    client, page = sign_in("officer1"), reverse("portal:programme-new")
    empty = client.post(page, {"identity.code": "gz-2027"})
    assert {"award.tiers[+].code", "identity.name"} & set(empty.context["form"].errors)
    like = f"{page}?like={world.programme.pk}"
    assert client.get(like).context["form"]["money.budget_fen"].value() == "1000000.00"
    assert client.get(f"{page}?like=nonsense").context["form"]["identity.opens_on"].value() == "2026-11-01"
    given = filled(world.programme.parameters, **{"identity.code": "cd-2027", "identity.mode": "INSTANT_DEDUCT"})
    given |= {"identity.denomination": "CNY_FEN", "caps.cap_year": "NATURAL", "settlement.claimant": "PROVIDER"}

    made = client.post(like, given)

    programme = Programme.objects.get(code="cd-2027")
    assert made["Location"] == address("programme", programme)
    assert programme.parameters == codec.changed(world.programme.parameters, {"identity.code": "cd-2027"})
    assert client.post(like, given).context["form"].errors  # the code is taken
    foreign = scenes.organization(OrganizationKind.AUTHORITY)
    worlds.person(world, "stranger", foreign, Role.OWNER)
    assert sign_in("stranger").get(like).status_code == 404
    sign_in("officer2").post(address("programme-move", programme, "close"))
    programme.refresh_from_db()
    assert programme.status == ProgrammeStatus.CLOSED  # a draft that nobody wants
