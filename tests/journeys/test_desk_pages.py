"""The desk and the administration in a real browser: the second factor, the console, and every page wide and narrow."""

import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.journeys.test_portal_pages import Enter, _still_clock, chromium, enter, world  # noqa: F401 - fixtures
from tests.portal import browser as browsers
from tests.portal.browser import Visitor
from tests.portal.world import World


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


@pytest.mark.parametrize("width", browsers.SIZES)
def test_the_console_opens_under_its_own_policy(world: World, enter: Enter, width: int) -> None:
    operator = world.people["operator1"]
    operator.is_staff = operator.is_superuser = True
    operator.save()
    visitor = enter("operator1", width=width)

    for title, address in {
        "console": "/admin/",
        "console-grants": reverse("admin:vouchers_grant_changelist"),
        "console-organisation": reverse("admin:accounts_organization_change", args=[world.authority.pk]),
    }.items():
        visitor.page.goto(address)
        visitor.page.wait_for_load_state("networkidle")
        visitor.shoot(title)
