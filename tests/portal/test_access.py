"""Who sees which page."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, OrganizationKind, Role
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World

BUYER_PAGES = ["overview", "orders", "vouchers", "wallet", "bills", "members", "developer"]
SELLER_PAGES = [
    "seller",
    "offerings",
    "onboarding",
    "sites",
    "measurements",
    "reservations",
    "usage",
    "settlements",
    "members",
    "developer",
]
AUTHORITY_PAGES = ["programmes", "grants", "interests"]
OPERATOR_PAGES = ["transfers", "downtimes", "reviews", "onboardings", "listings", "measurements-desk", "accounts-desk"]
ALL = {*BUYER_PAGES, *SELLER_PAGES, *AUTHORITY_PAGES, *OPERATOR_PAGES}
PAGES_OF = {
    "buyer": BUYER_PAGES,
    "trader": BUYER_PAGES,
    "finance": BUYER_PAGES,
    "viewer": BUYER_PAGES,
    "seller": SELLER_PAGES,
    "onlooker": SELLER_PAGES,
    "officer1": AUTHORITY_PAGES,
    "operator1": OPERATOR_PAGES,
}


@pytest.mark.parametrize("name", PAGES_OF)
def test_members_see_the_pages_of_their_kind_and_no_others(sign_in: SignIn, name: str) -> None:
    client = sign_in(name)

    answers = {page: client.get(reverse(f"portal:{page}")).status_code for page in ALL}

    assert answers == {page: 200 if page in PAGES_OF[name] else 403 for page in ALL}


@pytest.mark.django_db
@pytest.mark.parametrize("page", sorted(ALL))
def test_visitors_are_asked_to_sign_in(client: Client, page: str) -> None:
    address = reverse(f"portal:{page}")

    answer = client.get(address)

    assert answer.status_code == 302
    assert answer["Location"] == f"/login/?next={address}"


@pytest.mark.parametrize(
    ("name", "page", "status"),
    [
        ("trader", "order-new", 200),
        ("finance", "order-new", 403),
        ("viewer", "order-new", 403),
        ("finance", "top-up-new", 200),
        ("trader", "top-up-new", 403),
        ("viewer", "top-up-new", 403),
        ("seller", "offering-new", 200),
        ("onlooker", "offering-new", 403),
        ("officer1", "grant-new", 200),
    ],
)
def test_roles_decide_who_may_act(sign_in: SignIn, name: str, page: str, status: int) -> None:
    assert sign_in(name).get(reverse(f"portal:{page}")).status_code == status


def test_each_kind_begins_on_its_own_page(sign_in: SignIn) -> None:
    starts = {name: sign_in(name).get("/")["Location"] for name in ["buyer", "seller", "officer1", "operator1"]}

    assert starts == {
        "buyer": "/overview/",
        "seller": "/seller/overview/",
        "officer1": "/desk/programmes/",
        "operator1": "/desk/transfers/",
    }


def test_a_member_of_two_organizations_switches_between_them(world: World, sign_in: SignIn) -> None:
    Membership.objects.create(user=world.people["buyer"], organization=world.provider, role=Role.VIEWER)
    client = sign_in("buyer")

    answer = client.post(reverse("portal:switch"), {"organization": world.provider.pk})

    assert answer["Location"] == "/seller/overview/"
    assert client.get(reverse("portal:offerings")).status_code == 200
    assert client.get(reverse("portal:orders")).status_code == 403


def test_nobody_switches_to_a_foreign_organization(world: World, sign_in: SignIn) -> None:
    client = sign_in("buyer")

    answer = client.post(reverse("portal:switch"), {"organization": world.provider.pk})

    assert answer.status_code == 404
    assert client.get(reverse("portal:orders")).status_code == 200


@pytest.mark.django_db
def test_a_user_without_an_organization_is_told_what_to_do(client: Client, django_user_model: type) -> None:
    client.force_login(django_user_model.objects.create_user("alone"), "django.contrib.auth.backends.ModelBackend")

    assert client.get("/").status_code == 200
    assert client.get(reverse("portal:orders")).status_code == 403


def test_foreign_things_look_as_if_they_did_not_exist(world: World, sign_in: SignIn) -> None:
    order = worlds.place(world, at=worlds.LAST_MONTH)
    reservation = worlds.serve(world, order, at=worlds.LAST_MONTH)
    charge = reservation.charges.order_by("pk").first()
    invoice, settlement = worlds.settle_month(world, at=worlds.NOW)
    top_up = worlds.announce(world.buyer, 100_00)
    batch = world.provider.usage_batches.get()
    foreign_buyer, foreign_provider = scenes.buyer(), scenes.provider()
    foreign_authority = scenes.organization(OrganizationKind.AUTHORITY)
    worlds.person(world, "rival", foreign_buyer, Role.OWNER)
    worlds.person(world, "competitor", foreign_provider, Role.OWNER)
    worlds.person(world, "stranger", foreign_authority, Role.OWNER)
    own_and_foreign = [
        ("buyer", "rival", reverse("portal:order", args=[order.pk])),
        ("buyer", "rival", reverse("portal:my-reservation", args=[reservation.pk])),
        ("buyer", "rival", reverse("portal:voucher", args=[world.grant.pk])),
        ("buyer", "rival", reverse("portal:top-up", args=[top_up.pk])),
        ("buyer", "rival", reverse("portal:bill", args=[invoice.pk])),
        ("buyer", "rival", reverse("portal:bill-csv", args=[invoice.pk])),
        ("buyer", "rival", reverse("portal:bill-order", args=[invoice.pk, order.pk])),
        ("buyer", "rival", reverse("portal:charge", args=[charge.pk])),
        ("seller", "competitor", reverse("portal:charge", args=[charge.pk])),
        ("seller", "competitor", reverse("portal:offering-mine", args=[world.offering.pk])),
        ("seller", "competitor", reverse("portal:reservation", args=[reservation.pk])),
        ("seller", "competitor", reverse("portal:usage-batch", args=[batch.pk])),
        ("seller", "competitor", reverse("portal:settlement", args=[settlement.pk])),
        ("officer1", "stranger", reverse("portal:programme", args=[world.programme.pk])),
    ]

    for own, foreign, address in own_and_foreign:
        assert (address, sign_in(own).get(address).status_code) == (address, 200)
        assert (address, sign_in(foreign).get(address).status_code) == (address, 404)


def test_foreign_things_cannot_be_changed(world: World, sign_in: SignIn) -> None:
    order = worlds.place(world, at=worlds.NOW)
    worlds.person(world, "rival", scenes.buyer(), Role.OWNER)
    worlds.person(world, "competitor", scenes.provider(), Role.OWNER)
    worlds.person(world, "stranger", scenes.organization(OrganizationKind.AUTHORITY), Role.OWNER)
    attempts = [
        ("rival", reverse("portal:order-cancel", args=[order.pk])),
        ("competitor", reverse("portal:offering-move", args=[world.offering.pk, "pause"])),
        ("competitor", reverse("portal:offering-hours", args=[world.offering.pk])),
        ("competitor", reverse("portal:signing-key-revoke", args=[world.signing_key.pk])),
        ("stranger", reverse("portal:programme-move", args=[world.programme.pk, "close"])),
        ("stranger", reverse("portal:grant-move", args=[world.grant.pk, "revoke"])),
    ]

    answers = {address: sign_in(name).post(address).status_code for name, address in attempts}

    assert set(answers.values()) == {404}
    for thing in (order, world.offering, world.programme, world.grant):
        before = thing.status
        thing.refresh_from_db()
        assert thing.status == before


def test_unknown_ids_and_bad_addresses_are_not_found(sign_in: SignIn) -> None:
    buyer, seller = sign_in("buyer"), sign_in("seller")

    for client, address in [
        (buyer, reverse("portal:order", args=[uuid4()])),
        (buyer, "/orders/nonsense/"),
        (buyer, "/charges/99999999999999999999999999/"),
        (buyer, f"/charges/{'9' * 5000}/"),
        (seller, "/seller/usage/99999999999999999999999/"),
        (buyer, reverse("portal:offering", args=[uuid4()])),
        (buyer, "/%00/"),
    ]:
        assert (address, client.get(address).status_code) == (address, 404)
