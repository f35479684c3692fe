"""Every page of the authority's desk, and who of the authority and of the operator opens it."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import Interest, Role
from portal import urls
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from vouchers.models import GrantStatus

STAFF = ["officer1", "officer2", "treasurer", "district1", "expert1", "auditor", "operator1", "buyer", "seller"]
AUTHORITY = {"officer1", "officer2", "treasurer", "district1", "expert1", "auditor"}
READERS = AUTHORITY - {"district1", "expert1"}
# Which people of the world open a page: what is not listed here is the operator's, and nobody else's.
OPEN_TO: dict[str, set[str]] = {
    "programmes": AUTHORITY,
    "programme": AUTHORITY,
    "interests": AUTHORITY,
    "applications": AUTHORITY,
    "applications-export": AUTHORITY,
    "grants": READERS,
    "claims-desk": READERS | {"operator1"},
    "payments-desk": READERS,
    "registry": READERS,
    "reissues": READERS,
    "extensions": READERS,
    "grants-sheet": {"officer1", "officer2"},
    "grants-template": {"officer1", "officer2"},
    "registry-new": {"officer1", "officer2"},
    "registry-sheet": {"officer1", "officer2"},
    "registry-template": {"officer1", "officer2"},
    "rounds-desk": READERS,
    "simulations": READERS,
    "kpis": READERS,
    "kpis-csv": READERS,
    "kpis-json": READERS,
    "kpis-schema": READERS,
    "kpis-annual": READERS,
    "grant-new": {"officer1", "officer2"},
    "findings": READERS,
    "findings-export": READERS,
    "finding-new": {"officer1", "officer2", "auditor"},
    "clawbacks": READERS,
    "clawbacks-export": READERS,
    "freezes": READERS,
    "firms": READERS,
    "programme-new": {"officer1", "officer2"},
    "programme-import": {"officer1", "officer2"},
}
ACTS = ("-bulk", "-make", "-enter")  # what is only posted to
OBJECTS: dict[str, Callable[[World], list[object]]] = {"programme": lambda world: [world.programme.pk]}


def desk_pages() -> list[str]:
    """Return the names of the desk's pages; those about one thing of the operator's have their own tests."""
    names = [str(pattern.name) for pattern in urls.desk]
    return [name for name in names if name in OPEN_TO or (_stands_alone(name) and not name.endswith(ACTS))]


def _stands_alone(name: str) -> bool:
    try:
        reverse(f"portal:{name}")
    except NoReverseMatch:
        return False
    return True


def test_each_page_of_the_desk_opens_to_the_roles_that_need_it(world: World, sign_in: SignIn) -> None:
    pages = {name: reverse(f"portal:{name}", args=OBJECTS.get(name, lambda _: [])(world)) for name in desk_pages()}

    clients = {who: sign_in(who) for who in STAFF}
    opened = {who: {name for name, address in pages.items() if _opens(clients[who], address)} for who in STAFF}

    expected = {name: OPEN_TO.get(name, {"operator1"}) for name in pages}
    assert opened == {who: {name for name in pages if who in expected[name]} for who in STAFF}


def _opens(client: Client, address: str) -> bool:
    answer = client.get(address)
    answer.getvalue()
    assert answer.status_code in (200, 403, 405), (address, answer.status_code)
    return answer.status_code == 200


@pytest.mark.parametrize("who", ["officer1", "treasurer", "district1", "expert1", "auditor"])
def test_only_the_issuing_authority_approves(world: World, sign_in: SignIn, who: str) -> None:
    grant = worlds.grants.propose(
        programme=world.programme,
        owner=scenes.buyer(),
        face_fen=100,
        actor=world.actor("officer1", world.authority),
        at=worlds.NOW,
    )

    sign_in(who).post(reverse("portal:grant-move", args=[grant.pk, "approve"]))
    grant.refresh_from_db()
    assert grant.status == GrantStatus.PROPOSED

    sign_in("officer2").post(reverse("portal:grant-move", args=[grant.pk, "approve"]))
    grant.refresh_from_db()
    assert grant.status == GrantStatus.ACTIVE


def test_an_officer_declares_an_interest_and_is_refused_from_then_on(world: World, sign_in: SignIn) -> None:
    firm, client, address = scenes.buyer(), sign_in("officer2"), reverse("portal:interests")

    assert "没有登记" in client.get(address).content.decode()
    wrong = client.post(address, {"credit_code": "nobody", "note": "x"})
    assert wrong.context["form"].errors["credit_code"]
    client.post(address, {"credit_code": firm.credit_code.lower(), "note": "配偶任职"})
    assert Interest.objects.get().organization == firm
    again = client.post(address, {"credit_code": firm.credit_code, "note": "配偶任职"})
    assert again.context["form"].non_field_errors()
    assert firm.name in client.get(address).content.decode()
    maker = world.actor("officer1", world.authority)
    grant = worlds.grants.propose(programme=world.programme, owner=firm, face_fen=100, actor=maker, at=worlds.NOW)
    answer = client.post(reverse("portal:grant-move", args=[grant.pk, "approve"]), follow=True)
    assert firm.name in str(*answer.context["messages"])
    grant.refresh_from_db()
    assert grant.status == GrantStatus.PROPOSED


def test_the_menu_shows_what_a_role_may_open(world: World, sign_in: SignIn) -> None:
    worlds.person(world, "onlooker2", world.authority, Role.VIEWER)
    grants = reverse("portal:grants")

    shown = {who: grants in sign_in(who).get(reverse("portal:programmes")).content.decode() for who in AUTHORITY}

    assert shown == {who: who in READERS for who in AUTHORITY}
