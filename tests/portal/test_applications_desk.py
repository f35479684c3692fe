"""A day at the desk: a queue, cases beside their documents, many at once, and nothing that needs the database."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import SavedView
from tests.portal import filing
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from vouchers.models import Application, ApplicationStatus, Grant, Review
from vouchers.services.applications import publicity

QUEUE = "/desk/applications/"
CASE = re.compile(r'name="case" value="([^"]+)"')
NEXT = re.compile(r'href="(\?[^"]+)" rel="next"')
MOST_QUERIES = 15


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")


def cases_of(client: Client, address: str) -> list[str]:
    """Return what the check boxes of a page of the queue say."""
    return CASE.findall(client.get(address).content.decode())


def decided(client: Client, verb: str, cases: list[str], **said: str) -> list[str]:
    """Do the same to many cases, and return what the page then says."""
    answer = client.post(f"{QUEUE}bulk/", {"verb": verb, "case": cases, "query": "state=review"} | said, follow=True)
    return [str(message) for message in answer.context["messages"]]


def page_of(application: Application) -> str:
    return reverse("portal:application-desk", args=[application.pk])


def reload(application: Application) -> Application:
    return Application.objects.get(pk=application.pk)


def test_a_hundred_applications_are_processed_on_the_pages_of_the_desk(world: World, sign_in: SignIn) -> None:
    procedure = filing.opened(world, required_evidence=[])
    for number in range(100):
        filing.handed_in(procedure, number)
    reviewer, owner = sign_in("officer1"), sign_in("officer2")

    # One by one: each decision brings the next case.
    address = re.findall(r'href="([^"]+)" data-open', reviewer.get(f"{QUEUE}?state=review").content.decode())[0]
    address = address.replace("&amp;", "&")
    for _number in range(5):
        address = reviewer.post(address, {"verb": "pass", "stage": "review_1", "no_interest": "on"})["Location"]
    assert "/desk/applications/" in address
    assert Application.objects.filter(status="proposed").count() == 5
    # Some are turned down with a reason, the rest passes, page by page.
    some = cases_of(reviewer, f"{QUEUE}?state=review")[:10]
    terms = {"opinion": "合同页缺少盖章", "reason_code": "evidence", "no_interest": "on"}
    assert decided(reviewer, "reject", some, **terms) == ["已处理 10 件。"]
    for _page in range(4):
        decided(reviewer, "pass", cases_of(reviewer, f"{QUEUE}?state=review"), no_interest="on")
    assert cases_of(reviewer, f"{QUEUE}?state=review") == []
    # The issuing authority decides.
    for _page in range(4):
        decided(owner, "approve", cases_of(owner, f"{QUEUE}?state=proposed"))

    counts = {status: Application.objects.filter(status=status).count() for status in ("granted", "rejected")}
    assert counts == {"granted": 90, "rejected": 10}
    assert Grant.objects.filter(status="active", face_fen=filing.ASKED_FEN).count() == 90
    assert Review.objects.count() == 100
    exported = b"".join(owner.get(f"{QUEUE}export/?state=granted").streaming_content).decode("utf-8-sig")
    assert len(exported.splitlines()) == 91


def test_the_queue_is_filtered_saved_and_shows_what_is_due_first(world: World, sign_in: SignIn) -> None:
    procedure = filing.opened(world, district_review=True, review_days=1, required_evidence=[])
    mine = filing.handed_in(procedure, 1, district=worlds.DISTRICT)
    other = filing.handed_in(procedure, 2, district="武侯区", asked_fen=30_000_00)
    district, reader, expert = sign_in("district1"), sign_in("officer1"), sign_in("expert1")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = reader.get(QUEUE).content.decode()
    assert len(queries) <= MOST_QUERIES
    assert "已超时" in page
    assert [len(cases_of(client, QUEUE)) for client in (district, reader, expert)] == [1, 2, 0]
    assert district.get(page_of(other)).status_code == 404
    assert expert.get(page_of(mine)).status_code == 404
    for query, number in {
        "q=企业002": 1,
        f"q={other.applicant.credit_code}": 1,
        "q=HT-2026-0001": 1,
        "state=district_review": 2,
        "state=open&flag=overdue": 2,
        "flag=soon": 0,
        "flag=undecided": 0,
        "flag=found": 1,
        "whose=me": 0,
        "whose=none": 2,
        f"round={procedure.pk}": 2,
        "district=武侯区": 1,
        "round=nonsense&q=%00": 2,
    }.items():
        assert (query, len(cases_of(reader, f"{QUEUE}?{query}"))) == (query, number)
    # The badges say by how much: of the stage first, and once the days to decide are over, of the decision.
    assert (page.count('"clock late">已超时'), page.count('"sub clock late"')) == (2, 0)
    programme = reverse("portal:programme", args=[world.programme.pk])
    Path(settings.REHEARSAL_CLOCK).write_text((worlds.NOW + timedelta(days=60)).isoformat(), encoding="ascii")
    assert len(cases_of(reader, f"{QUEUE}?flag=undecided")) == 2
    queue, case, desk = (reader.get(one).content.decode() for one in (QUEUE, page_of(mine), programme))
    assert (queue.count('"clock late">已超时'), queue.count('"sub clock late">审核决定：已超时')) == (2, 2)
    assert case.count('"clock late">已超时') == 2
    assert ('"clock late">2 件超期<' in desk, ">2 件逾期未决<" in desk) == (True, True)
    keep = reverse("portal:saved-view", args=["applications"])
    reader.post(keep, {"name": "超时", "query": "flag=overdue\r\nX: y"})
    assert SavedView.objects.get().query == "flag=overdue%0D%0AX%3A+y"
    assert "超时" in reader.get(QUEUE).content.decode()
    assert "超时" not in district.get(QUEUE).content.decode().replace("已超时", "")
    reader.post(keep, {"name": "", "query": ""})
    assert reader.get(f"{keep}?flag=overdue").url == f"{QUEUE}?flag=overdue"
    assert reader.post(keep, {"forget": "\x00"}).status_code == 404
    reader.post(keep, {"forget": "超时"})
    assert not SavedView.objects.exists()
    assert reader.post(reverse("portal:saved-view", args=["nothing"])).status_code == 404


def test_a_case_is_judged_beside_its_documents_with_its_reasons(world: World, sign_in: SignIn) -> None:
    procedure = filing.opened(world, reviewers=2)
    application = filing.handed_in(procedure, 1, asked_fen=30_000_00)
    reviewer, owner, address = sign_in("officer1"), sign_in("officer2"), page_of(application)

    with CaptureQueriesContext(connection) as queries:
        page = reviewer.get(address).content.decode()
    assert len(queries) <= MOST_QUERIES
    assert "¥24,000.00" in page
    document = application.documents.first()
    file = reverse("portal:application-document-desk", args=[application.pk, document.pk])
    whole, inline = reviewer.get(file), reviewer.get(f"{file}?inline")
    assert whole["Content-Disposition"].startswith("attachment")
    for answer in (whole, inline):
        answer.getvalue()
    assert (inline["Content-Disposition"], inline["X-Frame-Options"]) == ("inline", "SAMEORIGIN")
    assert sign_in("buyer").get(file).status_code == 403
    reviewer.post(address, {"verb": "take"})
    assert reload(application).assignee == world.people["officer1"]
    undeclared = reviewer.post(address, {"verb": "pass", "stage": "review_1"})
    assert undeclared.context["form"].non_field_errors()
    unreasoned = reviewer.post(address, {"verb": "return", "stage": "review_1"})
    assert unreasoned.context["form"].errors["opinion"]
    reviewer.post(address, {"verb": "pass", "stage": "review_1", "no_interest": "on", "amount": "21000"})
    again = reviewer.post(address, {"verb": "pass", "stage": "review_2", "no_interest": "on"})
    assert again.context["form"].non_field_errors(), "nobody reviews the same case twice"
    stale = owner.post(address, {"verb": "pass", "stage": "review_1", "no_interest": "on"})
    assert stale.context["form"].non_field_errors(), "the case has moved on"
    owner.post(address, {"verb": "pass", "stage": "review_2", "no_interest": "on"})
    assert (reload(application).status, reload(application).reserved_fen) == ("proposed", 21_000_00)
    assert owner.post(address, {"verb": "nonsense"}).status_code == 404
    assert sign_in("auditor").post(address, {"verb": "approve"}).context["form"].non_field_errors()
    owner.post(address, {"verb": "turn-down", "opinion": "经复核不符合", "reason_code": "not_eligible"})
    assert reload(application).status == "rejected"


def test_objections_are_answered_and_the_award_goes_on(world: World, sign_in: SignIn) -> None:
    procedure = filing.opened(world, publicity_days=5, reviewers=1, required_evidence=[])
    application = filing.handed_in(procedure, 1)
    sign_in("officer1").post(page_of(application), {"verb": "pass", "stage": "review_1", "no_interest": "on"})
    owner = sign_in("officer2")
    owner.post(page_of(application), {"verb": "publish"})
    objection = publicity.raise_objection(
        application=reload(application), name="张三", contact="13800000000", text="未实际经营", at=worlds.NOW
    )
    decide = reverse("portal:objection-decide", args=[application.pk, objection.pk])

    assert "未实际经营" in owner.get(page_of(application)).content.decode()
    assert sign_in("officer1").post(decide, {"upheld": "no", "answer": "已核实"}).status_code == 403
    owner.post(decide, {"upheld": "no", "answer": ""})
    assert reload(application).status == ApplicationStatus.OBJECTED
    owner.post(decide, {"upheld": "no", "answer": "已实地核实"})
    assert reload(application).status == ApplicationStatus.PUBLICITY
    assert "已实地核实" in owner.get(page_of(application)).content.decode()


def test_bad_input_in_bulk_changes_nothing(world: World, sign_in: SignIn) -> None:
    procedure = filing.opened(world, required_evidence=[])
    application = filing.handed_in(procedure, 1)
    client, address = sign_in("officer1"), f"{QUEUE}bulk/"

    assert decided(client, "pass", []) == ["请至少选择一件，并检查所填内容。"]
    assert decided(client, "pass", [f"{application.pk}:review_1"], score="abc") == ["请至少选择一件，并检查所填内容。"]
    assert client.post(address, {"verb": "pass", "case": "nonsense:review_1"}).status_code == 404
    assert client.post(address, {"verb": "nonsense", "case": f"{application.pk}:review_1"}).status_code == 404
    assert len(decided(client, "approve", [f"{application.pk}:review_1"])) == 1
    for stage in ("", "\x00", "草" * 10_000, "draft"):
        assert len(decided(client, "return", [f"{application.pk}:{stage}"], opinion="缺页")) == 1
    assert reload(application).status == "review_1"


def test_what_was_typed_and_ticked_stays_where_nothing_was_done(world: World, sign_in: SignIn) -> None:
    procedure = filing.opened(world, required_evidence=[])
    ticked, other = (f"{filing.handed_in(procedure, number).pk}:review_1" for number in (1, 2))
    client, address = sign_in("officer1"), f"{QUEUE}bulk/"

    for wrong in ({"case": []}, {"reason_code": "nonsense"}, {"score": "9" * 40}, {"verb": "approve"}):
        sent = {"verb": "reject", "case": [ticked], "opinion": "合同缺页" * 20, "query": "state=review"} | wrong
        page = client.post(address, sent).content.decode()
        assert "合同缺页" * 20 in page
        assert (f'"{ticked}" checked' in page, f'"{other}" checked' in page) == (bool(sent["case"]), False)
        assert '<option value="review" selected>' in page
    assert "合同缺页" * 300 in client.post(address, sent | {"opinion": "合同缺页" * 300}).content.decode()
    # What is shown again leads back to the queue with its filters.
    assert client.get(f"{address}?state=open").url == f"{QUEUE}?state=open"
    assert not Review.objects.exists()
