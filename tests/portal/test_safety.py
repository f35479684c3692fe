"""Nothing inline, nothing from elsewhere, no error that says too much, and no endless guessing of passwords."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from axes.conf import settings as axes_settings
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World

PORTAL = Path(settings.BASE_DIR) / "portal"
TEMPLATES = sorted((PORTAL / "templates").rglob("*.html"))
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|hx-on|https?://", re.IGNORECASE)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_nothing_inline_and_nothing_from_elsewhere(path: Path) -> None:
    assert INLINE.findall(path.read_text(encoding="utf-8")) == []


def test_vendored_files_are_the_recorded_ones() -> None:
    vendor = PORTAL / "static" / "portal" / "vendor"
    recorded = dict(
        reversed(line.split("  ")) for line in (vendor / "VENDOR.md").read_text("utf-8").splitlines() if "  " in line
    )
    shipped = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in vendor.iterdir() if path.suffix != ".md"
    }

    assert shipped == recorded


@pytest.mark.django_db
def test_every_page_forbids_foreign_content(client: Client) -> None:
    policy = client.get("/")["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_an_unknown_page_is_a_page_in_chinese(client: Client) -> None:
    answer = client.get("/nothing/here/")

    assert answer.status_code == 404
    assert "页面不存在" in answer.content.decode()


def test_a_forged_form_is_refused_in_words(world: World) -> None:
    client = Client(enforce_csrf_checks=True)

    answer = client.post(reverse("portal:login"), {"username": "buyer", "password": worlds.PASSWORD})

    assert answer.status_code == 403
    assert "表单已失效" in answer.content.decode()


def test_names_that_people_choose_are_shown_as_text(world: World, sign_in: SignIn) -> None:
    order = worlds.place(world, at=worlds.NOW, name="<script>alert(1)</script>")
    client = sign_in("buyer")

    for address in [reverse("portal:orders"), reverse("portal:order", args=[order.pk]), reverse("portal:overview")]:
        text = client.get(address).content.decode()
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert(1)" not in text


def test_signing_in_leads_on_to_the_page_asked_for_but_never_elsewhere(world: World) -> None:
    given = {"username": "buyer", "password": worlds.PASSWORD}

    inside = Client().post("/login/?next=/orders/", given | {"next": "/orders/"})
    outside = Client().post("/login/", given | {"next": "https://example.com/"})

    assert inside["Location"] == "/orders/"
    assert outside["Location"] == "/"


def test_a_wrong_password_is_said_and_too_many_lock(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(axes_settings, "AXES_FAILURE_LIMIT", 3)
    monkeypatch.setattr(axes_settings, "AXES_LOCKOUT_TEMPLATE", "portal/locked_out.html")
    client = Client()
    wrong = {"username": "buyer", "password": "wrong"}

    answers = [client.post("/login/", wrong).status_code for _ in range(3)]
    locked = client.post("/login/", {"username": "buyer", "password": worlds.PASSWORD})

    assert answers[0] == 200
    assert locked.status_code == 429
    assert "尝试次数过多" in locked.content.decode()


def test_signing_out_needs_a_form(sign_in: SignIn) -> None:
    client = sign_in("buyer")

    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    assert client.get(reverse("portal:orders")).status_code == 302
