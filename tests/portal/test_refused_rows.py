"""Forms in single rows of the desk's lists and pages: where one is refused, what was typed is there to be mended."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from market.models import Downtime, Review
from tests.portal import filing, test_claims_desk, test_registry_desk
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.test_reservations import act, at, held  # noqa: F401 - fixtures
from tests.portal.world import World
from tests.vouchers import cases as misuse
from tests.vouchers import scenes as vouchers
from vouchers.models import Freeze, ProviderListing
from vouchers.services import freezing
from vouchers.services.applications import publicity
from vouchers.services.claims import payments

ENDLESS = "理" * 2_001


def refused(client: Client, address: str, **said: str) -> str:
    """Send a form that is refused, and return the page that it leads to, which says why."""
    answer = client.post(address, said)
    assert answer.status_code == 200
    assert [one.level_tag for one in answer.context["messages"]][-1] == "error"
    return str(answer.content.decode())


def test_the_ground_of_a_listing_stays_where_its_state_or_its_length_refuses_it(world: World, sign_in: SignIn) -> None:
    listing, owner = test_registry_desk.suspended(world), sign_in("officer2")
    acts, bulk = reverse("portal:registry-act", args=[listing.pk, "suspend"]), reverse("portal:registry-bulk")

    for page in (
        refused(owner, acts, reason="再次停用"),
        refused(owner, bulk, verb="suspend", reason="再次停用", case=str(listing.pk), query="state=suspended"),
    ):
        assert 'value="再次停用"' in page
        assert f"{world.provider.name}：名录登记不能由“已暂停”变为“已暂停”。" in page
    assert f'value="{ENDLESS}"' in refused(
        owner, reverse("portal:registry-act", args=[listing.pk, "delist"]), reason=ENDLESS
    )
    assert f'value="{listing.pk}" checked' in refused(owner, bulk, verb="delist", reason=" ", case=str(listing.pk))

    assert ProviderListing.objects.get().status == "suspended"
    assert owner.get(acts).url == reverse("portal:registry-listing", args=[listing.pk])


def test_why_a_freeze_is_lifted_or_lasts_stays_in_its_row(world: World, sign_in: SignIn) -> None:
    freezing.freeze(
        grant=world.grant, ground="report", reason="举报", actor=world.actor("officer2", world.authority), at=worlds.NOW
    )
    freeze, owner = Freeze.objects.get(), sign_in("officer2")
    lift, keep = (reverse("portal:freeze-act", args=[freeze.pk, verb]) for verb in ("lift", "keep"))

    kept = refused(owner, keep, reason="仍在核查", until="2027-12-01", query="ground=report")

    for typed in ('value="仍在核查"', 'value="2027-12-01"', '<details class="inline" open>'):
        assert typed in kept
    assert '<option value="report" selected>' in kept, "under the filters that it had"
    assert '<ul class="errorlist"><li>请选择三个月内的日期。</li></ul>' in kept
    assert "核查完毕" not in refused(owner, lift, reason="核查完毕"), "whoever froze has no form to lift it"
    assert owner.get(f"{keep}?ground=report").url == f"{reverse('portal:freezes')}?ground=report"
    assert Freeze.objects.get().lifted_at is None


def test_the_answer_to_an_objection_stays_where_it_is_refused(world: World, sign_in: SignIn) -> None:
    application = filing.handed_in(filing.opened(world, publicity_days=5, reviewers=1, required_evidence=[]), 1)
    page, owner = reverse("portal:application-desk", args=[application.pk]), sign_in("officer2")
    sign_in("officer1").post(page, {"verb": "pass", "stage": "review_1", "no_interest": "on"})
    owner.post(page, {"verb": "publish"})
    application.refresh_from_db()
    objection = publicity.raise_objection(
        application=application, name="张三", contact="13800000000", text="未实际经营", at=worlds.NOW
    )
    decide = reverse("portal:objection-decide", args=[application.pk, objection.pk])

    for wrong in ({"upheld": "no", "answer": ENDLESS}, {"answer": "已实地核实"}, {"upheld": "?", "answer": "属实"}):
        assert f">{wrong['answer']}</textarea>" in refused(owner, decide, **wrong)

    application.refresh_from_db()
    assert application.status == "objected"
    assert owner.get(f"{decide}?state=open").url == f"{page}?state=open"


def test_what_the_operator_says_of_a_downtime_or_a_review_stays_in_its_row(
    world: World,
    held: object,
    sign_in: SignIn,
) -> None:
    worlds.person(world, "manager", world.operator, Role.OWNER)
    act(sign_in("seller"), "reservation-act", held, "access", details="x")
    act(sign_in("buyer"), "my-reservation-act", held, "not-usable", detail="no route")
    claim, manager = Downtime.objects.get(), sign_in("manager")

    uphold = reverse("portal:downtime-decide", args=[claim.pk, "uphold"])

    early = refused(manager, uphold, decision="日志为准", query="status=")
    act(sign_in("seller"), "downtime-answer", claim, "contest", answer="it was up")
    endless = refused(manager, uphold, decision=ENDLESS)

    assert ("日志为准" in early, f'value="{ENDLESS}"' in endless) == (False, True), "a row that waits has its form"
    used = worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    act(sign_in("buyer"), "my-reservation-act", used, "review", stars="4", text="很好用")
    hide = reverse("portal:review-hide", args=[Review.objects.get().pk, "hide"])
    assert f'value="{ENDLESS}"' in refused(manager, hide, reason=ENDLESS)
    assert (Downtime.objects.get().status, Review.objects.get().hidden_at) == ("contested", None)


def test_the_ground_on_which_a_file_is_withheld_stays_where_the_file_is_refused(world: World, sign_in: SignIn) -> None:
    paid = vouchers.capture(vouchers.hold(world.grant, 100_00, at=worlds.NOW), 1_000, used_at=worlds.NOW, at=worlds.NOW)
    case = misuse.suspected(world.grant, [paid], at=worlds.NOW)
    address, owner = reverse("portal:clawback-add", args=[case.pk]), sign_in("officer2")

    for file in (None, SimpleUploadedFile("a.exe", b"MZ")):
        said = {"withheld_because": "涉及举报人"} | ({"file": file} if file else {})
        answer = owner.post(address, said)
        assert 'value="涉及举报人"' in answer.content.decode()

    assert not case.documents.exists()
    assert owner.get(address).url == reverse("portal:clawback", args=[case.pk])


def test_rows_that_are_gone_or_belong_to_others_are_said_to_be_so(world: World, sign_in: SignIn) -> None:
    owner, gone = sign_in("officer2"), "10000000-0000-0000-0000-000000000000"
    for queue, verb in (
        ("claims", "accept"),
        ("applications", "approve"),
        ("findings", "take"),
        ("registry", "review"),
    ):
        page = refused(owner, reverse(f"portal:{queue}-bulk"), verb=verb, case=gone)
        assert "所选记录均已不存在或不在您的权限范围内。" in page
    ended = owner.post(reverse("portal:extensions-bulk"), {"verb": "approve", "case": "999999"}, follow=True)
    assert "所选记录均已不存在" in ended.content.decode()


def test_whoever_follows_a_filter_of_a_page_shown_again_comes_back_to_the_list(world: World, sign_in: SignIn) -> None:
    listing, owner, payer = test_registry_desk.suspended(world), sign_in("officer2"), sign_in("treasurer")

    for client, address, page in (
        (owner, reverse("portal:extensions-make"), f"{reverse('portal:extensions')}?status=proposed"),
        (payer, reverse("portal:payments-make"), f"{reverse('portal:payments-desk')}?status=proposed"),
        (
            owner,
            reverse("portal:firm-act", args=[world.buyer.pk, "bar"]),
            reverse("portal:firm", args=[world.buyer.pk]),
        ),
        (owner, reverse("portal:registry-file", args=[listing.pk]), f"/desk/registry/{listing.pk}/"),
    ):
        assert client.get(f"{address}?status=proposed").url == page


def test_a_batch_that_is_refused_leaves_ticked_what_was_chosen(world: World, sign_in: SignIn) -> None:
    claim = test_claims_desk.handed_in(world)
    batch = test_claims_desk.batched(world, claim)
    payments.cancel(batch=batch, actor=world.actor("treasurer", world.authority), at=worlds.NOW)
    payer = sign_in("treasurer")

    ticked = payer.get(reverse("portal:payments-desk")).content.decode()
    page = refused(payer, reverse("portal:payments-make"), query="state=draft")

    row = f'name="claim" value="{claim.pk}"'
    assert (f"{row} checked" in ticked, row in page, f"{row} checked" in page) == (True, True, False)
