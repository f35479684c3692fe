"""A claim on the desk, from the operator's check to the bank statement, by five different hands."""

from datetime import date
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Interest, OrganizationKind, Role
from core.periods import HOUR
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.test_integrity_desk import clocks, set_clock
from tests.portal.world import World
from tests.vouchers import cases
from tests.vouchers import claims as filing
from tests.vouchers import scenes as vouchers
from vouchers.cycles import Period
from vouchers.models import Claim, PaymentBatch
from vouchers.services import clawback_appeals
from vouchers.services.claims import answers, assembly, decisions, payments, payouts, steps
from vouchers.services.claims.proofs import Invoice

PAID_FEN = 2_640
AUTUMN = Period(date(2026, 7, 1), date(2026, 10, 1))
MOST_QUERIES = 15


def handed_in(world: World) -> Claim:
    """Serve an order with a voucher in September, and claim it for the provider in October."""
    worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    worlds.settle_month(world, at=worlds.NOW)
    (claim,) = assembly.assemble(programme=world.programme, period=AUTUMN, at=worlds.NOW)
    lines = list(claim.lines.values_list("number", flat=True))
    invoice = Invoice(number="2" * 20, amount_fen=100_00, issued_on=date(2026, 10, 1), lines=lines)
    seller = world.actor("seller", world.provider)
    account = payouts.declare(
        organization=world.provider,
        holder=world.provider.name,
        bank="工商银行成都分行",
        number="6222000011112222",
        actor=seller,
        at=worlds.NOW,
    )
    by = world.actor("operator1", world.operator)
    payouts.verify(account=account, **filing.permit(account), actor=by, at=worlds.NOW)
    return steps.submit(
        claim=claim, claimant=world.provider, invoices=[invoice], committed=True, actor=seller, at=worlds.NOW
    )


def batched(world: World, claim: Claim) -> PaymentBatch:
    """Approve a claim whose provider owes ¥10.00, and put it into a batch."""
    operator, owner = world.actor("operator1", world.operator), world.actor("officer2", world.authority)
    steps.check(claim=claim, actor=operator, at=worlds.NOW)
    steps.sample(claim=claim, actor=operator, at=worlds.NOW)
    for line in claim.lines.filter(sampled=True):
        decisions.audit_line(line=line, passed=True, note="", actor=owner, at=worlds.NOW)
    approved = decisions.decide(claim=claim, actor=owner, at=worlds.NOW)
    owed = vouchers.grant(vouchers.published(authority=world.authority), world.buyer, face_fen=1_000)
    paid = vouchers.capture(vouchers.hold(owed, 3_400, "owed"), 1_000, "owed")
    cases.upheld(owed, [paid], at=worlds.NOW, debtor=world.provider)
    payer = world.actor("treasurer", world.authority)
    steps.take_over(claim=approved, actor=payer, at=worlds.NOW)
    return payments.make_batch(authority=world.authority, claims=[approved], actor=payer, at=worlds.NOW)


def post(client: Client, claim: Claim, verb: str, **said: str) -> str:
    """Take a step on the claim's page, and return the state it is in then."""
    client.post(reverse("portal:claim-act", args=[claim.pk, verb]), said)
    return str(Claim.objects.values_list("status", flat=True).get(pk=claim.pk))


def check_in_bulk(operator: Client, owner: Client, claim: Claim, world: World) -> None:
    """Take a claim up from the queue: only by whom it belongs to, in the state that they saw."""
    queue = {"case": f"{claim.pk}:submitted", "verb": "check", "query": "state=operator"}
    refused = owner.post(reverse("portal:claims-bulk"), queue | {"opinion": "金额须核对"}).content.decode()
    assert ("金额须核对" in refused, f'value="{claim.pk}:submitted" checked' in refused) == (True, True)
    assert Claim.objects.get().status == "submitted", "the authority does not check for the operator"
    for nonsense in ("nonsense", "nonsense:x", ""):
        assert operator.post(reverse("portal:claims-bulk"), queue | {"case": nonsense}).status_code == 404
    operator.post(reverse("portal:claims-bulk"), queue | {"verb": "take", "case": f"{claim.pk.hex.upper()}:submitted"})
    assert operator.post(reverse("portal:claims-bulk"), queue).url.endswith("/desk/claims/?state=operator")
    assert "已由他人推进" in operator.post(reverse("portal:claims-bulk"), queue).content.decode()
    claim.refresh_from_db()
    assert (claim.status, claim.assigned_to) == ("operator_check", world.people["operator1"])


def read_papers(operator: Client, claim: Claim) -> None:
    """Read the queue as a file, and the evidence beside the claim."""
    for kind, start in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
        file = operator.get(reverse("portal:claims-export", args=[kind]) + "?whose=me&lines=&state=operator")
        assert file.content.startswith(start)
    assert operator.get(reverse("portal:claims-export", args=["exe"])).status_code == 404
    paper = reverse("portal:claim-paper", args=[claim.pk, "pack-pdf"])
    shown, kept = operator.get(f"{paper}?inline"), operator.get(paper)
    assert (shown["Content-Disposition"], kept["Content-Disposition"][:10]) == ("inline", "attachment")
    assert shown.content.startswith(b"%PDF")
    assert operator.get(reverse("portal:claim-paper", args=[claim.pk, "nothing"])).status_code == 404


def test_a_claim_says_what_the_next_payment_sets_off_and_nothing_of_it_while_an_appeal_waits(
    world: World, sign_in: SignIn
) -> None:
    page, operator = reverse("portal:claim-desk", args=[handed_in(world).pk]), sign_in("operator1")
    owed = vouchers.grant(vouchers.published(authority=world.authority), world.buyer, face_fen=1_000)
    paid = vouchers.capture(vouchers.hold(owed, 3_400, "owed"), 1_000, "owed")
    case = cases.upheld(owed, [paid], at=worlds.NOW, debtor=world.provider)
    assert "申请方因追回尚欠 ¥10.00" in operator.get(page).content.decode()

    seller = world.actor("seller", world.provider)
    appeal = clawback_appeals.lodge(clawback=case, text="不实", actor=seller, at=worlds.NOW)
    assert "申请方因追回尚欠" not in operator.get(page).content.decode()
    less = {"principal_fen": 400, "reason": "部分成立"}
    clawback_appeals.reduce(appeal=appeal, actor=vouchers.officer(7), at=worlds.NOW, **less)

    assert "申请方因追回尚欠 ¥4.00" in operator.get(page).content.decode()


def test_a_claim_is_checked_decided_paid_and_reconciled_on_the_pages(
    world: World, sign_in: SignIn, settings: Any
) -> None:
    worlds.person(world, "treasurer2", world.authority, Role.FINANCE)
    claim = handed_in(world)
    operator, owner = sign_in("operator1"), sign_in("officer2")
    payer, second = sign_in("treasurer"), sign_in("treasurer2")
    page = reverse("portal:claim-desk", args=[claim.pk])

    for address in (reverse("portal:claims-desk"), page):
        with CaptureQueriesContext(connection) as queries:
            assert world.provider.name in operator.get(address).content.decode()
        assert len(queries) <= MOST_QUERIES
    queue = reverse("portal:claims-desk")
    set_clock(settings, claim.due_at - HOUR)
    assert (clocks(operator.get(queue)), clocks(operator.get(f"{queue}?late=on"))) == ([("soon", "剩余 1 小时")], [])
    set_clock(settings, claim.due_at + 48 * HOUR)
    assert clocks(operator.get(f"{queue}?late=on")) == [("late", "已超时 2 天")]
    set_clock(settings, worlds.NOW)
    check_in_bulk(operator, owner, claim, world)
    read_papers(operator, claim)
    assert post(operator, claim, "sample") == "audit_sample"
    for line in claim.lines.filter(sampled=True):
        owner.post(reverse("portal:claim-audit", args=[claim.pk, line.number]), {"passed": "yes"})
    assert payer.post(reverse("portal:claim-decide", args=[claim.pk])).status_code == 403
    owner.post(reverse("portal:claim-decide", args=[claim.pk]))
    claim.refresh_from_db()
    assert (claim.status, claim.approved_fen) == ("approved", PAID_FEN)
    late = owner.post(reverse("portal:claim-decide", args=[claim.pk]), follow=True)
    assert str([*late.context["messages"]][-1]) == "这笔兑付申请不在待决定状态。"
    assert owner.post(reverse("portal:payments-make"), {"claim": claim.pk}).status_code == 403
    assert post(payer, claim, "take-over") == "finance_review"
    payer.post(reverse("portal:payments-make"), {"claim": claim.pk})
    batch = PaymentBatch.objects.get()
    act = {verb: reverse("portal:payment-act", args=[batch.pk, verb]) for verb in ("release", "answer", "reconcile")}
    payer.post(act["release"])
    assert PaymentBatch.objects.get().status == "draft", "whoever makes a batch does not release it"
    second.post(act["release"])
    for kind, start in (("pdf", b"%PDF"), ("xlsx", b"PK")):
        assert owner.get(reverse("portal:payment-pack", args=[batch.pk, kind])).content.startswith(start)
    assert owner.get(reverse("portal:payment-pack", args=[batch.pk, "exe"])).status_code == 404
    listed = owner.get(reverse("portal:payments-export", args=["csv"]) + "?state=released&q=成都").content.decode()
    assert (listed.count(batch.payments.get().reference), "26.40" in listed) == (1, True)
    file = second.get(reverse("portal:payment-file", args=[batch.pk]))
    assert "26.40" in file.content.decode("utf-8-sig")
    payer.post(act["answer"], {"file": SimpleUploadedFile("bank.csv", filing.answer(batch))})
    payer.post(act["reconcile"])
    claim.refresh_from_db()
    assert (claim.status, PaymentBatch.objects.get().total_fen) == ("reconciled", PAID_FEN)
    for address in (page, reverse("portal:payments-desk"), reverse("portal:payment-batch", args=[batch.pk])):
        with CaptureQueriesContext(connection) as queries:
            assert "26.40" in payer.get(address).content.decode()
        assert len(queries) <= MOST_QUERIES


def test_a_claim_goes_back_with_a_word_and_lines_are_refused_with_a_ground(world: World, sign_in: SignIn) -> None:
    claim = handed_in(world)
    operator, owner = sign_in("operator1"), sign_in("officer2")

    assert post(operator, claim, "send-back") == "submitted", "not without a word"
    wordless = operator.post(reverse("portal:claim-act", args=[claim.pk, "send-back"])).content.decode()
    assert wordless.count('<ul class="errorlist" id="id_opinion_error">') == 1, "said beside what is to be filled in"
    assert operator.post(reverse("portal:claim-act", args=[claim.pk, "nonsense"])).status_code == 404
    endless = operator.post(
        reverse("portal:claim-act", args=[claim.pk, "take"]), {"opinion": "长" * 9_999}, follow=True
    )
    assert [one.level_tag for one in endless.context["messages"]][-1:] == ["error"], "said, and not a missing page"
    assert "长" * 9_999 in endless.content.decode(), "what was typed is there to be shortened"
    stale = {"opinion": "请补充用量证明", "stage": "nonsense\x00"}
    assert "请补充用量证明" in operator.post(endless.request["PATH_INFO"], stale).content.decode()
    assert operator.get(f"{endless.request['PATH_INFO']}?paper=x").url.endswith(f"/{claim.pk}/?paper=x")
    for verb in ("check", "sample"):
        post(operator, claim, verb)
    for line in claim.lines.filter(sampled=True):
        owner.post(reverse("portal:claim-audit", args=[claim.pk, line.number]), {"passed": "no", "opinion": "无用量"})
    refused = {f"line-{line.number}": "NO_USAGE_PROOF" for line in claim.lines.all()} | {
        "line-" + "9" * 900: "NO_USAGE_PROOF"
    }
    owner.post(reverse("portal:claim-decide", args=[claim.pk]), refused | {"opinion": "缺少用量证明"})
    claim.refresh_from_db()
    assert claim.status == "rejected"
    line = claim.lines.first()
    dispute = {"claimant": world.provider, "answer": "见附件", "actor": world.actor("seller", world.provider)}
    answers.dispute(claim=claim, lines=[line.number], at=worlds.NOW, **dispute)
    page = owner.get(reverse("portal:claim-desk", args=[claim.pk])).content.decode()
    assert ("缺少用量证明" in page, "见附件" in page) == (True, True)
    assert claim.claimant.name in owner.get(reverse("portal:claims-desk") + "?lines=disputed").content.decode()
    resolve = reverse("portal:claim-resolve", args=[claim.pk, line.number])
    owner.post(resolve, {"granted": "yes", "opinion": "可以"})
    assert claim.lines.get(pk=line.pk).status == "disputed", "who refused does not answer"
    worlds.person(world, "officer3", world.authority, Role.OWNER)
    sign_in("officer3").post(resolve, {"granted": "yes", "opinion": "可以"})
    assert claim.lines.get(pk=line.pk).status == "resubmitted"


def test_a_claimant_in_whom_somebody_has_an_interest_is_not_theirs_to_pay(world: World, sign_in: SignIn) -> None:
    batch = batched(world, handed_in(world))
    second = worlds.person(world, "treasurer2", world.authority, Role.FINANCE)
    client, page = sign_in("treasurer2"), reverse("portal:payment-batch", args=[batch.pk])
    release = reverse("portal:payment-act", args=[batch.pk, "release"])
    assert release in client.get(page).content.decode()
    Interest.objects.create(user=second, organization=world.provider, note="n", declared_at=worlds.NOW)

    with CaptureQueriesContext(connection) as queries:
        shown = client.get(page).content.decode()
    assert len(queries) <= MOST_QUERIES
    assert (release in shown, f"您与{world.provider.name}存在利益关系：该批次须由他人放行" in shown) == (False, True)
    answer = client.post(release, follow=True)
    assert [str(one) for one in answer.context["messages"]] == [
        f"您与{world.provider.name}存在利益关系，须由他人决定。"
    ]
    payments.cancel(batch=batch, actor=world.actor("treasurer2", world.authority), at=worlds.NOW)
    with CaptureQueriesContext(connection) as queries:
        listed = client.get(reverse("portal:payments-desk"))
    assert len(queries) <= MOST_QUERIES
    assert "您与该申请方存在利益关系：须由他人支付该兑付申请。" in listed.content.decode()
    assert listed.context["partial"] == {world.provider.pk}


def test_claims_and_batches_of_others_do_not_exist(world: World, sign_in: SignIn) -> None:
    claim = handed_in(world)
    stranger = scenes.organization(OrganizationKind.AUTHORITY)
    worlds.person(world, "stranger", stranger, Role.FINANCE)
    client = sign_in("stranger")

    assert client.get(reverse("portal:claim-desk", args=[claim.pk])).status_code == 404
    assert client.post(reverse("portal:claim-act", args=[claim.pk, "take-over"])).status_code == 404
    assert client.post(reverse("portal:payments-make"), {"claim": "nonsense"}).status_code == 404
    client.post(reverse("portal:payments-make"), {"claim": claim.pk})
    assert not PaymentBatch.objects.exists()
    for query in ("q=%00", "state=nonsense", "late=on&lines=again", "state=operator&q=样例&whose=none", "programme=x"):
        assert client.get(f"{reverse('portal:claims-desk')}?{query}").status_code == 200
    for query in ("q=%00", "state=nonsense", "less=on&q=x"):
        assert client.get(f"{reverse('portal:payments-desk')}?{query}").status_code == 200
    assert client.get(reverse("portal:claim-paper", args=[claim.pk, "pack-pdf"])).status_code == 404


def test_what_was_said_about_lines_stays_where_their_decision_is_refused(world: World, sign_in: SignIn) -> None:
    claim = handed_in(world)
    operator, owner = sign_in("operator1"), sign_in("officer2")
    for verb in ("check", "sample"):
        post(operator, claim, verb)
    line = claim.lines.get()
    decide = reverse("portal:claim-decide", args=[claim.pk])
    audit = reverse("portal:claim-audit", args=[claim.pk, line.number])
    ground = {f"line-{line.number}": "NO_USAGE_PROOF", "opinion": "缺少九月的用量证明"}

    for wrong in ({"stage": "submitted"}, {f"line-{line.number + 1}": "", "opinion": "长" * 1_001, "stage": ""}):
        page = owner.post(decide, ground | wrong).content.decode()
        assert (ground | wrong)["opinion"] in page
        assert '<option value="NO_USAGE_PROOF" selected>' in page
    unread = owner.post(decide, {f"line-{line.number}": "nonsense", "opinion": "请核对"})
    assert str([*unread.context["messages"]][-1]) == "请从列表中选择第 1 行不予兑付的理由。"
    undecided = owner.post(decide, {"opinion": "尚未抽查"}).content.decode()
    assert "尚未抽查" in undecided
    for wrong in ({"opinion": "无用量"}, {"opinion": "长" * 1_001, "passed": "no"}, {"opinion": "可疑", "passed": "x"}):
        page = owner.post(audit, wrong).content.decode()
        assert (f'value="{wrong["opinion"]}"' in page, f'id="error-{line.number}"' in page) == (True, True)

    assert owner.get(f"{decide}?paper=x").url.endswith(f"/{claim.pk}/?paper=x")
    assert Claim.objects.get().status == "audit_sample"
    assert claim.lines.get().sample_passed is None
