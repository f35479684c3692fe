"""The page of an organisation's people: everybody reads it, an owner changes roles and lets people go."""

from django.urls import reverse

from accounts.models import Membership, Role
from tests.portal.conftest import SignIn
from tests.portal.world import World


def seat(world: World, name: str) -> Membership:
    return Membership.objects.get(organization=world.buyer, user=world.people[name])


def test_an_owner_changes_a_role_and_lets_somebody_go(world: World, sign_in: SignIn) -> None:
    client, trader = sign_in("buyer"), seat(world, "trader")

    client.post(reverse("portal:member-act", args=[trader.pk, "role"]), {"role": "viewer"})
    trader.refresh_from_db()
    assert trader.role == Role.VIEWER
    client.post(reverse("portal:member-act", args=[trader.pk, "role"]), {"role": "auditor"})
    trader.refresh_from_db()
    assert trader.role == Role.VIEWER
    client.post(reverse("portal:member-act", args=[trader.pk, "remove"]))

    assert not Membership.objects.filter(pk=trader.pk).exists()
    assert sign_in("trader").get(reverse("portal:orders")).status_code == 403


def test_nobody_but_an_owner_of_the_same_organisation_acts(world: World, sign_in: SignIn) -> None:
    trader = seat(world, "trader")

    for name, status in [("finance", 403), ("viewer", 403), ("seller", 404)]:
        answer = sign_in(name).post(reverse("portal:member-act", args=[trader.pk, "remove"]))
        assert answer.status_code == status

    page = sign_in("viewer").get(reverse("portal:members")).content.decode()
    assert "member-act" not in page
    assert Membership.objects.filter(pk=trader.pk).exists()
