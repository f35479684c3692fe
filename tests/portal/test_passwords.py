"""People change their own password: with the old one, to a good one, and then only they are signed in."""

from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World

NEW = "纸船 harbour 1913 lantern"


def sent(old: str, new: str) -> dict[str, str]:
    return {"old_password": old, "new_password1": new, "new_password2": new}


def signed_in(password: str) -> Client:
    client = Client()
    client.post("/login/", {"username": "buyer", "password": password})
    return client


def test_a_new_password_ends_every_other_session(world: World) -> None:
    here, elsewhere, address = signed_in(worlds.PASSWORD), signed_in(worlds.PASSWORD), reverse("portal:password")
    orders = reverse("portal:orders")

    for wrong in (
        sent("guessed", NEW),
        sent(worlds.PASSWORD, "1234"),
        sent(worlds.PASSWORD, NEW) | {"new_password2": ""},
    ):
        assert here.post(address, wrong).context["form"].errors
    assert elsewhere.get(orders).status_code == 200
    here.post(address, sent(worlds.PASSWORD, NEW))

    assert here.get(orders).status_code == 200
    assert elsewhere.get(orders).status_code == 302
    assert signed_in(worlds.PASSWORD).get(orders).status_code == 302
    assert signed_in(NEW).get(orders).status_code == 200
    assert AuditEntry.objects.get(verb="password.changed").actor == world.people["buyer"]


def test_an_officer_changes_it_behind_the_second_factor_and_keeps_that(world: World, sign_in: SignIn) -> None:
    address = reverse("portal:password")
    assert Client().get(address).status_code == 302
    client = sign_in("officer1")

    client.post(address, sent(worlds.PASSWORD, NEW))

    assert client.get("/desk/programmes/").status_code == 200
