"""The desk and the administration in a real browser: the second factor, the console, and every page wide and narrow."""

import re
from typing import Any

from django.urls import reverse
from playwright.sync_api import expect

from accounts.services.audit import Actor
from core.periods import HOUR
from market.services import auction_rules
from tests.journeys.test_portal_pages import Enter, _still_clock, chromium, come_in, enter, world  # noqa: F401 - fixtures
from tests.market import scenes
from tests.portal import browser as browsers
from tests.portal import filing, test_bulk_grants_desk, test_claims_desk, test_payout_accounts_desk, test_registry_desk
from tests.portal import world as worlds
from tests.portal.browser import Visitor
from tests.portal.world import World
from tests.vouchers import cases as misuse
from tests.vouchers import scenes as vouchers
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.models import Application, Finding
from vouchers.services import clawbacks, findings
from vouchers.services.applications import reviewing
from vouchers.services.demands import Item


def test_an_officer_enrols_an_app_in_the_browser(world: World, enter: Enter) -> None:
    page = enter().page
    page.goto("/login/?next=/desk/programmes/")
    page.get_by_label("用户名").fill("officer1")
    page.get_by_label("密码").fill("correct horse battery")
    page.locator("main button").click()
    expect(page.locator(".qr svg")).to_be_visible()
    Visitor.shoot(_seen(page), "second-factor-enrol")
    secret = page.locator("main .mono").inner_text().replace(" ", "")
    page.get_by_label("验证码").fill(browsers.app_code(secret))
    page.locator("main button").click()
    expect(page.locator(".codes li")).to_have_count(10)
    Visitor.shoot(_seen(page), "second-factor-codes")
    page.get_by_role("link", name="我已妥善保存").click()
    expect(page).to_have_url(re.compile("/desk/programmes/$"))


def _seen(page: Any) -> Any:
    visitor = Visitor.__new__(Visitor)
    visitor.page = page
    return visitor


def test_the_console_opens_under_its_own_policy(world: World, come_in: Enter) -> None:
    operator = world.people["operator1"]
    operator.is_staff = operator.is_superuser = True
    operator.save()
    auction_rules.propose(
        starts_at=worlds.NOW + HOUR, reserve_bp=1_000, ageing_bp=200, k_bp=0, grounds="试行三个月",
        actor=Actor(user=operator), at=worlds.NOW,
    )  # fmt: skip
    visitor = come_in("operator1")

    for title, address in {
        "console": "/admin/",
        "console-grants": reverse("admin:vouchers_grant_changelist"),
        "console-organisation": reverse("admin:accounts_organization_change", args=[world.authority.pk]),
        "console-rules": reverse("admin:market_auctionproposal_changelist"),
    }.items():
        visitor.page.goto(address)
        for _width in visitor.widths():
            visitor.shoot(title)
            assert visitor.too_wide() <= 0, address
    visitor.page.locator("input.action-select").check()
    for _width in visitor.widths():
        expect(visitor.page.get_by_placeholder("驳回时请说明理由")).to_be_visible()
        visitor.shoot("console-rules-chosen")


def test_the_pages_of_the_desk_fit_their_window(world: World, come_in: Enter, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    procedure = filing.opened(world, reviewers=2, review_days=3)
    cases = [filing.handed_in(procedure, number, district=worlds.DISTRICT) for number in range(1, 6)]
    actor = world.actor("officer1", world.authority)
    reviewing.approve(application=cases[1], stage="review_1", no_interest=True, actor=actor, at=worlds.NOW)
    claim = test_claims_desk.handed_in(world)
    batch = test_claims_desk.batched(world, claim)
    listing, sheet = test_registry_desk.suspended(world), test_bulk_grants_desk.proposed(world)
    extended = test_bulk_grants_desk.extendable(world)

    come_in("officer2").look({
        "desk-applications": f"{reverse('portal:applications')}?state=open",
        "desk-application": reverse("portal:application-desk", args=[cases[1].pk]),
        "desk-kpis": reverse("portal:kpis"),
        "desk-claims": reverse("portal:claims-desk"),
        "desk-claim": reverse("portal:claim-desk", args=[claim.pk]),
        "desk-payments": reverse("portal:payments-desk"),
        "desk-payment-batch": reverse("portal:payment-batch", args=[batch.pk]),
        "desk-registry": reverse("portal:registry"),
        "desk-registry-listing": reverse("portal:registry-listing", args=[listing.pk]),
        "desk-registry-sheet": reverse("portal:registry-sheet"),
        "desk-registry-new": f"{reverse('portal:registry-new')}?renew={listing.pk}",
        "desk-grants-sheet": reverse("portal:grants-sheet"),
        "desk-grants-batch": reverse("portal:grants-batch", args=[sheet.pk]),
        "desk-reissues": reverse("portal:reissues"),
        "desk-reissue-new": reverse("portal:reissue-new", args=[world.grant.pk]),
        "desk-extensions": reverse("portal:extensions"),
        "desk-extension-new": reverse("portal:extension-new", args=[extended[0].pk]),
        "desk-interests": reverse("portal:interests"),
    })  # fmt: skip
    test_payout_accounts_desk.declared(world, test_payout_accounts_desk.SECOND)
    come_in("operator1").look({
        "desk-accounts": reverse("portal:accounts-desk"),
        "desk-accounts-used": f"{reverse('portal:accounts-desk')}?state=verified",
    })  # fmt: skip


def test_the_pages_of_integrity_fit_their_window(world: World, come_in: Enter) -> None:
    spent = vouchers.hold(world.grant, 100_00, at=worlds.NOW, providers=[world.provider])
    capture = vouchers.capture(spent, 2_640, used_at=worlds.NOW, at=worlds.NOW)
    misuse.holds(scenes.buyer("成都样例控股集团有限公司"), world.buyer, 6_000)
    misuse.holds(world.buyer, world.provider, 1_500)
    found = Suspicion(
        rule=Rule.METER_MISMATCH,
        severity=Weight.HIGH,
        key="k",
        evidence={"metered_ms": 7_200_000, "billed_ms": 14_400_000},
        subject_id=world.buyer.pk,
        counterparty_id=world.provider.pk,
        programme_id=world.programme.pk,
        grant_id=world.grant.pk,
        redemption_id=spent.pk,
        amount_fen=2_640,
    )
    findings.record(suspicions=[found], at=worlds.NOW)
    finding, owner = Finding.objects.get(), world.actor("officer2", world.authority)
    opening = f"{reverse('portal:clawback-new', args=[world.grant.pk])}?finding={finding.pk}"
    visitor = come_in("officer2")
    visitor.look({"desk-clawback-new": opening, "desk-freeze-new": reverse("portal:freeze-new", args=[world.grant.pk])})
    items = [Item(capture, 2_640)]
    case = clawbacks.suspect(
        grant=world.grant, items=items, reason="计量异常", finding=finding, actor=owner, at=worlds.NOW
    )
    case = clawbacks.place_hold(clawback=case, actor=owner, at=worlds.NOW)
    clawbacks.send_notice(clawback=case, notice="请说明计量差异。", actor=owner, at=worlds.NOW)
    visitor.look({
        "desk-findings": reverse("portal:findings"),
        "desk-finding": reverse("portal:finding", args=[finding.pk]),
        "desk-finding-new": reverse("portal:finding-new"),
        "desk-clawbacks": reverse("portal:clawbacks"),
        "desk-clawback": reverse("portal:clawback", args=[case.pk]),
        "desk-freezes": reverse("portal:freezes"),
        "desk-firms": reverse("portal:firms"),
        "desk-firm": reverse("portal:firm", args=[world.buyer.pk]),
    })  # fmt: skip
    come_in("buyer").look({"notice": reverse("portal:notice", args=[case.pk])})


def test_a_reviewer_works_with_the_keyboard_alone(world: World, enter: Enter, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    procedure = filing.opened(world, required_evidence=[])
    for number in range(1, 4):
        filing.handed_in(procedure, number)
    page = enter("officer1").page
    page.goto("/desk/applications/?state=review")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="成都样例企业002有限公司")).to_be_visible()
    page.keyboard.press("a")  # what is still to be said comes first
    page.keyboard.press("Space")
    page.keyboard.press("a")

    expect(page.get_by_role("heading", name="成都样例企业001有限公司")).to_be_visible()
    assert Application.objects.filter(status="proposed").get().applicant.name == "成都样例企业002有限公司"


def test_an_officer_takes_a_finding_and_dismisses_it_with_the_keyboard_alone(world: World, enter: Enter) -> None:
    one = Suspicion(
        rule=Rule.TIP, severity=Weight.LOW, key="k", programme_id=world.programme.pk, evidence={"text": "x"}
    )
    findings.record(suspicions=[one], at=worlds.NOW)
    page = enter("officer1").page
    page.goto("/desk/findings/?state=live")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="处理", exact=True)).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="已说明")).to_be_visible()
    page.keyboard.press("x")  # what is still to be said comes first
    page.keyboard.type("不属实")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("x")

    expect(page.get_by_role("heading", name="疑点线索", exact=True)).to_be_visible()
    assert Finding.objects.get().status == "dismissed"
