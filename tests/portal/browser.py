"""A real Chromium for journeys, which fails a test on any console error or breach of the content security policy."""

import shutil
from base64 import b32decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django_otp.oath import totp
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from accounts.models import User
from accounts.services import second_factor
from config.demo import codes
from tests import verified

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
SCREENSHOTS = Path(__file__).resolve().parents[2] / "var" / "screenshots"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--lang=zh-CN"]
PATIENCE_MS = 60_000  # only a machine with far too much to do needs them
SIZES = {1440: 900, 390: 844}
WIDE, NARROW = SIZES
# What a browser itself writes when a page answers with an error status, which some journeys provoke.
STATUS_NOTE = "Failed to load resource"
# What htmx writes when a page is left while a request of its is under way; an error of the server reads otherwise.
LEFT_NOTES = ("htmx:afterRequest", "htmx:sendAbort", "htmx:sendError")
# Nothing is fetched any more, and charts have followed the window: they are told of it in the frame after.
AT_REST = """
async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  do { await frame(); await frame(); } while (document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling"));
}
"""
UNLABELLED = """
() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a[href]")]
  .filter((one) => !((one.labels && one.labels.length) || one.getAttribute("aria-label") || one.textContent.trim()
    || one.querySelector("img[alt]:not([alt=''])")))
  .map((one) => one.outerHTML.slice(0, 120))
"""


def app_code(secret: str) -> str:
    """Return what an authenticator app shows for a key."""
    return f"{totp(b32decode(secret + '=' * (-len(secret) % 8))):06d}"


@contextmanager
def started() -> Iterator[Browser]:
    """Start Chromium, or skip where none is installed."""
    if not CHROMIUM:
        pytest.skip("no Chromium is installed: apt-get install chromium fonts-noto-cjk")
    # Playwright keeps an event loop in this thread, in which Django would not touch its database; nothing here awaits.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        expect.set_options(timeout=PATIENCE_MS)
        yield browser
        browser.close()


class Visitor:
    """One person at a browser, and everything that went wrong on their pages."""

    def __init__(self, browser: Browser, address: str, *, width: int = 1440) -> None:
        self.address = address
        self.troubles: list[str] = []
        size = {"width": width, "height": SIZES[width]}
        self.context: BrowserContext = browser.new_context(viewport=size, locale="zh-CN", base_url=address)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("dialog", lambda dialog: dialog.accept())

    def _hear(self, message: ConsoleMessage) -> None:
        expected = STATUS_NOTE in message.text or message.text.startswith(LEFT_NOTES)
        if message.type in ("error", "warning") and not expected:
            self.troubles.append(f"{self.page.url}: {message.text}")

    def sign_in(self, username: str, password: str) -> None:
        """Sign in through the form."""
        self.page.goto("/login/")
        self.page.get_by_label("用户名").fill(username)
        self.page.get_by_label("密码").fill(password)
        self.page.locator("main button").click()
        self.page.wait_for_url(lambda url: url != f"{self.address}/login/")
        self.page.wait_for_load_state()
        if "/login/code/" in self.page.url or self._sent_to_second_step(username):
            self._show_code(username)

    def _sent_to_second_step(self, username: str) -> bool:
        """Whether this person needs a code; if so, their app is set up and the page for it open."""
        user = User.objects.get(username=username)
        if not second_factor.is_needed(user):
            return False
        verified.device_of(user)
        self.page.goto("/login/code/")
        return True

    def _show_code(self, username: str) -> None:
        device = verified.device_of(User.objects.get(username=username))
        self.page.get_by_label("验证码").fill(codes.next_code(device))
        self.page.locator("main button").click()
        self.page.wait_for_url(lambda url: "/login/" not in url)

    def come_in(self, username: str) -> None:
        """Be signed in already, as somebody who has shown a second factor."""
        client = verified.client_of(User.objects.get(username=username))
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.address}])

    def rest(self) -> None:
        """Wait until the page has fetched and drawn what it wants."""
        self.page.evaluate(AT_REST)

    def widths(self) -> Iterator[int]:
        """Let the window of the page be wide, then narrow, or the other way round, as it is narrow already."""
        size = self.page.viewport_size
        for width in sorted(SIZES, key=lambda width: size is not None and width != size["width"]):
            self.page.set_viewport_size({"width": width, "height": SIZES[width]})
            self.rest()
            yield width

    def look(self, pages: dict[str, str]) -> None:
        """Visit pages, keep a picture of each wide and narrow, and see that they fit and are named throughout."""
        for title, address in pages.items():
            self.page.goto(address)
            self.look_here(title)

    def look_here(self, title: str) -> None:
        """Keep pictures of the page, wide and narrow, and see that it fits and is named throughout."""
        for width in self.widths():
            self.shoot(title)
            assert (title, width, self.too_wide()) == (title, width, 0)
            assert (title, self.page.locator("h1").count()) == (title, 1)
            assert (title, self.unlabelled()) == (title, [])

    def shoot(self, name: str) -> Path:
        """Keep a picture of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        path = SCREENSHOTS / f"{name}-{width}.png"
        self.page.screenshot(path=path, full_page=True)
        return path

    def too_wide(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def unlabelled(self) -> list[str]:
        """Return the controls that a screen reader could not name."""
        return list(self.page.evaluate(UNLABELLED))

    def leave(self) -> None:
        """Close the window."""
        self.context.close()
