"""Signing in at the desk: password, then code; nothing of the desk or the administration before both."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django_otp.oath import totp

from accounts.models import Authenticator
from tests.portal import world as worlds
from tests.portal.world import World

DESK = "/desk/programmes/"


def entered(username: str, onward: str = DESK) -> Client:
    client = Client()
    client.post("/login/", {"username": username, "password": worlds.PASSWORD, "next": onward})
    return client


def shown(username: str) -> str:
    return f"{totp(Authenticator.objects.get(user__username=username).bin_key):06d}"


def test_an_officer_enrols_at_the_first_sign_in_and_keeps_recovery_codes(world: World) -> None:
    client = entered("officer1")

    assert client.get(DESK)["Location"] == f"/login/code/?next={DESK}"
    page = client.get(f"/login/code/?next={DESK}", follow=True)
    assert page.redirect_chain == [(f"/login/enrol/?next={DESK.replace('/', '%2F')}", 302)]
    assert "<svg" in page.content.decode()
    wrong = client.post("/login/enrol/", {"code": "12345x", "next": DESK})
    assert wrong.context["form"].errors["code"]
    Authenticator.objects.update(throttling_failure_count=0)
    session = client.session.session_key
    done = client.post("/login/enrol/", {"code": shown("officer1"), "next": DESK})
    codes = re.findall(r"<li>(\w{5} \w{5})</li>", done.content.decode())
    assert len(codes) == 10
    assert client.session.session_key != session, "a session fixed before is worth nothing after"
    assert client.get(DESK).status_code == 200

    again = entered("officer1")
    assert again.get(DESK).status_code == 302
    assert again.get("/login/enrol/")["Location"].startswith("/login/code/")
    used = again.post("/login/code/", {"code": shown("officer1"), "next": DESK})
    assert used.context["form"].errors["code"], "the app's code was used when it was enrolled"
    Authenticator.objects.update(throttling_failure_count=0)
    assert again.post("/login/code/", {"code": codes[3], "next": DESK})["Location"] == DESK
    assert again.get(DESK).status_code == 200
    fresh = again.post(reverse("portal:second-factor-codes"))
    assert codes[4] not in fresh.content.decode()


@pytest.mark.parametrize("address", [DESK, "/desk/transfers/", "/admin/", "/admin/accounts/user/"])
def test_a_password_alone_opens_neither_desk_nor_administration(world: World, address: str) -> None:
    for name in ("officer1", "operator1"):
        user = world.people[name]
        user.is_staff = user.is_superuser = True
        user.save()
        client = entered(name)

        answer = client.get(address, follow=True)

        assert "/login/" in answer.redirect_chain[-1][0], (name, address)
        assert client.post(reverse("portal:second-factor-codes"))["Location"] == "/login/code/"


def test_buyers_are_asked_for_no_code(world: World) -> None:
    assert entered("buyer").get("/orders/").status_code == 200


def test_the_code_leads_on_but_never_elsewhere(world: World) -> None:
    client = entered("officer1")
    client.get("/login/enrol/")

    done = client.post("/login/enrol/", {"code": shown("officer1"), "next": "https://example.com/"})

    assert "example.com" not in done.content.decode()
