"""Claims in the portal: a provider hands one in and answers a refusal, a buyer puts one together."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.services.audit import Actor
from billing.services import invoicing, settlement
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import LAST_MONTH, World
from tests.vouchers import claims
from vouchers.cycles import Period
from vouchers.models import Claim, ClaimStatus, PayoutAccount, ProgrammeMode, Reason
from vouchers.parameters.published import parameters_of
from vouchers.services import freezing, grants, programmes, reference
from vouchers.services.claims import answers, assembly, decisions, steps
from vouchers.services.claims.decisions import Refusal

Q3 = Period(date(2026, 7, 1), date(2026, 10, 1))
CLOSED = datetime(2026, 10, 4, tzinfo=UTC)


@pytest.fixture
def claim(world: World) -> Claim:
    """Return the claim of one order of last month, served and billed."""
    worlds.serve(world, worlds.place(world, at=LAST_MONTH), at=LAST_MONTH)
    invoicing.issue(issuer=world.provider, buyer=world.buyer, month_on=date(2026, 9, 1), at=CLOSED)
    (made,) = assembly.assemble(programme=world.programme, period=Q3, at=worlds.NOW)
    return made


def post(client: Any, name: str, claim: Claim, **sent: Any) -> Any:
    return client.post(reverse(f"portal:{name}", args=[claim.pk]), sent, follow=True)


def test_a_provider_hands_a_claim_in_and_answers_a_refusal(world: World, sign_in: SignIn, claim: Claim) -> None:
    seller = sign_in("seller")
    listed = seller.get(reverse("portal:claims"))
    assert [one.pk for one in listed.context["page"].rows] == [claim.pk]
    for page in (listed, seller.get(reverse("portal:claim", args=[claim.pk]))):
        assert "2026-07-01 – 2026-09-30" in page.content.decode()

    bare = post(seller, "claim-submit", claim, committed="on")
    assert bare.context["submit_form"].non_field_errors()
    assert "committed" in post(seller, "claim-submit", claim).context["submit_form"].errors
    named = {"number": "1" * 20, "amount_fen": "20000", "issued_on": "2026-10-01"}
    for wrong in ("one", "7"):
        assert "lines" in post(seller, "claim-invoice", claim, **named, lines=wrong).context["invoice_form"].errors
    assert post(seller, "claim-invoice", claim, **named, lines="1").status_code == 200
    paper = SimpleUploadedFile("发票.pdf", b"%PDF-1.4")
    page = post(seller, "claim-document", claim, kind="invoice", file=paper)
    assert [one.name for one in page.context["documents"]] == ["发票.pdf"]
    assert post(seller, "claim-submit", claim, committed="on").context["claim"].status == ClaimStatus.SUBMITTED

    operator, officer = world.actor("operator1", world.operator), world.actor("officer1", world.authority)
    steps.check(claim=claim, actor=operator, at=worlds.NOW)
    steps.sample(claim=claim, actor=operator, at=worlds.NOW)
    line = claim.lines.get()
    decisions.audit_line(line=line, passed=True, note="", actor=operator, at=worlds.NOW)
    decisions.decide(claim=claim, refusals={1: Refusal(Reason.NO_INVOICE, "看不清")}, actor=officer, at=worlds.NOW)
    page = seller.get(reverse("portal:claim", args=[claim.pk]))
    assert page.context["refused"]
    assert "看不清" in page.content.decode()

    made = post(seller, "claim-answer", claim, lines="1", kind="resubmit", answer="重新提交").context["claim"]

    assert (made.number, made.amount_fen) == (2, claim.amount_fen)
    assert post(seller, "claim-withdraw", made).context["claim"].status == ClaimStatus.WITHDRAWN
    assert post(seller, "claim-withdraw", made).status_code == 200
    for kind, start in (("pdf", b"%PDF"), ("json", b"{")):
        assert seller.get(reverse("portal:claim-pack", args=[claim.pk, kind])).content.startswith(start)
    assert seller.get(reverse("portal:claim-pack", args=[claim.pk, "exe"])).status_code == 404


def test_what_is_denied_for_good_is_on_the_next_settlement_with_its_ground(
    world: World, sign_in: SignIn, claim: Claim
) -> None:
    ready = claims.sampled(claims.submitted(claim, at=worlds.NOW), at=worlds.NOW)
    line = claims.decided(ready, {1: Refusal(Reason.NO_INVOICE, "看不清")}, at=worlds.NOW).lines.get()
    answers.reverse(line=line, at=line.resubmit_by)
    settled = settlement.settle(provider=world.provider, month_on=date(2026, 9, 1), at=line.resubmit_by)
    assert settled is not None

    page = sign_in("seller").get(reverse("portal:settlement", args=[settled.pk]))

    (denial,) = page.context["denials"]
    assert (denial.line.pk, denial.amount_fen, denial.borne_fen) == (line.pk, claim.amount_fen, claim.amount_fen)
    assert page.context["borne_fen"] == claim.amount_fen == 26_40
    for text in ("主管部门不予兑付", claim.display_number, "看不清", "26.40"):
        assert text in page.content.decode()


def test_a_refusal_is_contested(world: World, sign_in: SignIn, claim: Claim) -> None:
    claims.decided(
        claims.sampled(claims.submitted(claim, at=worlds.NOW), at=worlds.NOW), {1: Refusal(Reason.OTHER)}, at=worlds.NOW
    )

    seller, contested = sign_in("seller"), {"kind": "dispute", "answer": "不同意"}
    missed = post(seller, "claim-answer", claim, lines="1, 7", **contested)
    assert missed.context["answer_form"].errors["lines"] == ["未找到。"]
    assert claim.lines.get().status == "rejected", "all of them or none"

    page = post(seller, "claim-answer", claim, lines="1", **contested)

    assert [one.status for one in page.context["page"].rows] == ["disputed"]


def test_claims_are_their_claimants(world: World, sign_in: SignIn, claim: Claim) -> None:
    address = reverse("portal:claim", args=[claim.pk])

    assert sign_in("buyer").get(address).status_code == 404
    assert sign_in("onlooker").get(address).status_code == 200
    assert post(sign_in("onlooker"), "claim-submit", claim, committed="on").status_code == 403
    assert sign_in("officer1").get(reverse("portal:claims")).status_code == 403
    assert sign_in("seller").get(reverse("portal:claim-submit", args=[claim.pk])).status_code == 302


def test_an_account_is_declared_in_the_organisations_own_name(world: World, sign_in: SignIn) -> None:
    address, seller = reverse("portal:claim-account"), sign_in("seller")
    sent = {"holder": "别人", "bank": "工商银行", "number": "6222 0000 1111"}

    assert "holder" in seller.post(address, sent).context["form"].errors
    short = sent | {"holder": world.provider.name, "number": "12"}
    assert "number" in seller.post(address, short).context["form"].errors
    seller.post(address, sent | {"holder": world.provider.name})

    assert PayoutAccount.objects.get().number == "622200001111"
    assert "1111" in seller.get(reverse("portal:claims")).content.decode()


def test_a_buyer_puts_a_claim_together(world: World, sign_in: SignIn) -> None:
    facts = dict(reference.known()["BJ-2023"])
    parameters = parameters_of(facts, opens_on=date(2026, 1, 1), closes_on=date(2027, 1, 1))
    maker, checker = world.actor("officer1", world.authority), world.actor("officer2", world.authority)
    drafted = programmes.draft_of(authority=world.authority, parameters=parameters, actor=maker, at=LAST_MONTH)
    programmes.list_providers(
        programme=drafted, providers=[world.provider], actor=Actor(user=maker.user), at=LAST_MONTH
    )
    programme = programmes.publish(programme=drafted, actor=checker, at=LAST_MONTH)
    assert programme.mode == ProgrammeMode.GRANT_THEN_CLAIM
    proposed = grants.propose(programme=programme, owner=world.buyer, face_fen=100_000, actor=maker, at=LAST_MONTH)
    grant = grants.approve(grant=proposed, actor=checker, at=LAST_MONTH)
    sent = {
        "programme": str(programme.pk),
        "grant": str(grant.pk),
        "line-TOTAL_FORMS": "2",
        "line-INITIAL_FORMS": "0",
        "line-0-contract_no": "BJ-1",
        "line-0-category": "GPU_TRAIN",
        "line-0-provider": world.provider.credit_code,
        "line-0-amount_fen": "2000",
        "line-0-used_until": "2026-10-01",
        "line-0-invoice_no": "1" * 20,
        "line-0-invoice_fen": "2000",
        "line-0-invoiced_on": "2026-10-02",
    }
    address, finance = reverse("portal:claim-new"), sign_in("finance")
    assert finance.get(address).status_code == 200

    wrong = finance.post(address, sent | {"line-0-provider": "x"})
    assert "provider" in wrong.context["lines"][0].errors
    assert "grant" in finance.post(address, sent | {"grant": ""}).context["form"].errors
    page = finance.post(address, sent, follow=True)

    made = page.context["claim"]
    assert made.amount_fen == 40_000
    assert sign_in("trader").get(address).status_code == 403
    steps.submit(
        claim=made, claimant=world.buyer, committed=True, actor=world.actor("finance", world.buyer), at=worlds.NOW
    )
    freezing.freeze(grant=grant, reason="a tip", actor=Actor(user=maker.user), at=worlds.NOW)
    claims.decided(claims.sampled(made, at=worlds.NOW), at=worlds.NOW)
    finance = sign_in("finance")
    assert finance.get(reverse("portal:claim", args=[made.pk])).context["refused"], "what is withheld can be answered"
    again = post(finance, "claim-answer", made, lines="1", kind="resubmit", answer="再次提交").context["claim"]
    assert (again.pk != made.pk, again.amount_fen) == (True, 40_000)
