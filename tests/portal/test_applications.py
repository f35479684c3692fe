"""Apply for a voucher on the pages, follow it, and object to it from outside."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import NOW, World
from vouchers.models import Application, Objection, Round
from vouchers.parameters import codec
from vouchers.services import programmes
from vouchers.services.applications import publicity, reviewing, rounds


@pytest.fixture
def procedure(world: World, settings: Any, tmp_path: Any) -> Round:
    settings.MEDIA_ROOT = tmp_path / "media"
    worlds.person(world, "reviewer", world.authority, Role.REVIEWER)
    worlds.person(world, "chief", world.authority, Role.OWNER)
    drafted = rounds.draft(
        programme=world.programme,
        actor=world.actor("reviewer", world.authority),
        at=NOW,
        name="2026年第四季度",
        required_evidence=["contract"],
        publicity_days=3,
        opens_at=NOW - timedelta(days=1),
        closes_at=NOW + timedelta(days=9),
    )
    return rounds.open_(procedure=drafted, actor=world.actor("chief", world.authority), at=NOW)


def typed(**changes: Any) -> dict[str, Any]:
    content = {
        "asked": "3000.00",
        "contract_no": "HT-2026-0001",
        "contract_signed_on": "2026-10-01",
        "district": "高新区",
        "purpose": "大模型微调",
        "category_0": "GPU_TRAIN",
        "amount_0": "8000",
        "category_1": "STORAGE",
        "amount_1": "500.50",
    }
    return content | changes


def began(client: Client, procedure: Round) -> Application:
    answer = client.post(reverse("portal:application-new", args=[procedure.pk]), typed())
    assert answer.status_code == 302
    return Application.objects.get(contract_no="HT-2026-0001")


def upload(client: Client, application: Application, content: bytes = b"%PDF-1.7") -> Any:
    file = SimpleUploadedFile("合同.pdf", content)
    return client.post(reverse("portal:my-application", args=[application.pk]), {"kind": "contract", "file": file})


def act(client: Client, application: Application, verb: str, text: str = "") -> str:
    address = reverse("portal:my-application-act", args=[application.pk, verb])
    return client.post(address, {"text": text}, follow=True).content.decode()


def test_from_the_list_of_rounds_to_the_public_list_and_an_objection(
    world: World, sign_in: SignIn, procedure: Round
) -> None:
    buyer, anyone = sign_in("trader"), Client()
    assert "2026年第四季度" in buyer.get(reverse("portal:rounds")).content.decode()
    assert "据已填报的情况" in buyer.get(reverse("portal:round", args=[procedure.pk])).content.decode()
    application = began(buyer, procedure)
    assert application.lines == [
        {"category": "GPU_TRAIN", "amount_fen": 800_000},
        {"category": "STORAGE", "amount_fen": 50_050},
    ]
    page = reverse("portal:my-application", args=[application.pk])
    assert "缺少申报材料：合同。" in buyer.get(page).content.decode()
    assert "缺少申报材料" in act(buyer, application, "submit")
    assert upload(buyer, application, b"MZ").context["form"].errors
    assert upload(buyer, application).status_code == 302

    act(buyer, application, "submit")

    application.refresh_from_db()
    assert (application.status, application.entitled_fen) == ("review_1", 240_000)
    text = buyer.get(page).content.decode()
    assert "超过规则允许的金额：最多 ¥2,400.00" in text
    assert "初审" in text or "一审" in text
    assert ("GPU_TRAIN" in text, "STORAGE" in text) == (False, False)
    kept = application.documents.get()
    assert b"".join(buyer.get(reverse("portal:my-evidence", args=[kept.pk])).streaming_content) == b"%PDF-1.7"

    reviewer = world.actor("reviewer", world.authority)
    reviewing.approve(application=application, stage="review_1", no_interest=True, actor=reviewer, at=NOW)
    publicity.publish(applications=[application], actor=reviewer, at=NOW)
    listed = anyone.get(reverse("portal:awards")).content.decode()
    assert "成都样例智能科技有限公司" in listed
    assert "¥2,400.00" in listed
    assert world.buyer.credit_code not in listed
    award = reverse("portal:award", args=[application.pk])
    assert "HT********01" in anyone.get(award).content.decode()
    assert "text" in anyone.post(award, {"name": "张三", "contact": "1", "text": ""}).context["form"].errors
    assert anyone.post(award, {"name": "张三", "contact": "1", "text": "不实"}).status_code == 302
    assert Objection.objects.get().text == "不实"
    assert "张三" not in buyer.get(page).content.decode()
    for client, address in ((buyer, page), (anyone, award), (anyone, reverse("portal:awards"))):
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        assert (address, len(queries) <= 15) == (address, True)


def test_objections_are_a_few_an_hour_from_one_address_signed_in_or_not(
    world: World, sign_in: SignIn, procedure: Round
) -> None:
    cache.clear()
    buyer = sign_in("trader")
    application = began(buyer, procedure)
    upload(buyer, application)
    act(buyer, application, "submit")
    reviewer = world.actor("reviewer", world.authority)
    reviewing.approve(application=application, stage="review_1", no_interest=True, actor=reviewer, at=NOW)
    publicity.publish(applications=[application], actor=reviewer, at=NOW)
    award, signed_in = reverse("portal:award", args=[application.pk]), sign_in("buyer")

    answers = [
        client.post(award, {"name": "张三", "contact": str(number), "text": "不实"}).status_code
        for number, client in enumerate([Client(), signed_in] * 6)
    ]

    assert answers == [302] * 10 + [429] * 2
    assert Objection.objects.count() == 10
    cache.clear()


def test_what_is_typed_wrong_stands_beside_its_field(sign_in: SignIn, procedure: Round) -> None:
    buyer, address = sign_in("buyer"), reverse("portal:application-new", args=[procedure.pk])

    for changes, field in (
        ({"asked": "-1"}, "asked"),
        ({"amount_0": ""}, "amount_0"),
        ({"contract_signed_on": "gestern"}, "contract_signed_on"),
    ):
        assert field in buyer.post(address, typed(**changes)).context["form"].errors
    assert not Application.objects.exists()


def test_a_draft_is_edited_supplemented_appealed_and_withdrawn(world: World, sign_in: SignIn, procedure: Round) -> None:
    buyer, reviewer = sign_in("buyer"), world.actor("reviewer", world.authority)
    application = began(buyer, procedure)
    edit = reverse("portal:my-application-edit", args=[application.pk])
    assert 'value="3000.00"' in buyer.get(edit).content.decode()
    assert buyer.post(edit, typed(asked="100")).status_code == 302
    upload(buyer, application)
    upload(buyer, application, b"%PDF-2")
    first = application.documents.order_by("pk").first()
    buyer.post(reverse("portal:my-evidence-take-back", args=[first.pk]))
    act(buyer, application, "submit")
    reviewing.ask_for_supplement(application=application, stage="review_1", reason="缺页", actor=reviewer, at=NOW)
    assert "缺页" in buyer.get(reverse("portal:my-application", args=[application.pk])).content.decode()
    act(buyer, application, "supplement", "已补")
    refusal = {"reason_code": "evidence", "reason": "不符", "no_interest": True}
    reviewing.reject(application=application, stage="review_1", actor=reviewer, at=NOW, **refusal)
    page = buyer.get(reverse("portal:my-application", args=[application.pk])).content.decode()
    assert "申报材料不足" in page
    assert "您已就此驳回提出申诉" not in act(buyer, application, "appeal", "有误")
    assert "您已就此驳回提出申诉" in act(buyer, application, "appeal", "有误")

    act(buyer, application, "withdraw")
    application.refresh_from_db()
    assert application.status == "rejected"
    assert buyer.post(reverse("portal:my-application-act", args=[application.pk, "erase"])).status_code == 404
    assert buyer.post(edit, typed()).context["form"].errors


def test_only_those_concerned_come_in(world: World, sign_in: SignIn, procedure: Round) -> None:
    application = began(sign_in("buyer"), procedure)
    upload(sign_in("buyer"), application)
    document = reverse("portal:my-evidence", args=[application.documents.get().pk])
    page = reverse("portal:my-application", args=[application.pk])

    assert sign_in("seller").get(page).status_code == 403
    assert (
        sign_in("viewer").post(reverse("portal:my-application-act", args=[application.pk, "submit"])).status_code == 403
    )
    assert sign_in("seller").get(document).status_code == 403
    assert Client().get(reverse("portal:award", args=[application.pk])).status_code == 404
    act(sign_in("buyer"), application, "withdraw", "不需要了")
    application.refresh_from_db()
    assert application.status == "withdrawn"
    buyer = sign_in("buyer")
    with CaptureQueriesContext(connection) as queries:
        answer = buyer.get(reverse("portal:my-applications"), {"status": "withdrawn"})
    assert len(answer.context["page"].rows) == 1
    assert len(queries) <= 15


def test_the_rules_name_their_document_whom_to_ask_and_where_to_report(world: World) -> None:
    said = {
        "identity.code": "named",
        "identity.doc_number": "成经信发〔2026〕1号",
        "identity.doc_url": "https://example.gov.cn/1",
        "settlement.public_contact": "028-12345",
        "integrity.whistle_blow_channel": "12388 <热线>",
    }
    parameters = codec.changed(world.programme.parameters, said)
    officer = world.actor("officer1", world.authority)
    named = programmes.draft_of(authority=world.authority, parameters=parameters, actor=officer, at=NOW)

    shown = render_to_string("portal/parts/legal_basis.html", {"programme": named})
    assert (
        '<a href="https://example.gov.cn/1" target="_blank" rel="noopener noreferrer">成经信发〔2026〕1号</a>' in shown
    )
    assert "028-12345" in shown
    assert "12388 &lt;热线&gt;" in shown
    assert render_to_string("portal/parts/legal_basis.html", {"programme": world.programme}).strip() == ""
