"""Who is let go, or owns no more, acts no more: not by the pages, and not by keys that they know."""

import pytest

from accounts.models import AuditEntry, Membership, Role, User
from accounts.services import keys, members, organizations
from accounts.services.audit import Actor
from core.errors import Forbidden, NotFound
from tests.market import scenes
from tests.market.scenes import AT


@pytest.fixture
def firm(db):
    return scenes.buyer()


def seat(organization, name, role):
    return Membership.objects.create(organization=organization, user=User.objects.create(username=name), role=role)


def acting(membership):
    return Actor(user=membership.user, organization=membership.organization)


@pytest.fixture
def two(firm):
    return seat(firm, "wang", Role.OWNER), seat(firm, "zhao", Role.OWNER)


def issue(organization, membership):
    _key, token = keys.issue(organization=organization, name="bot", scopes=["orders"], actor=acting(membership), at=AT)
    return token


@pytest.mark.parametrize(
    "act", [lambda one, **who: members.remove(membership=one, **who), lambda one, **who: members.change_role(
        membership=one, role=Role.VIEWER, **who)], ids=["removed", "demoted"]
)  # fmt: skip
def test_the_keys_of_who_owns_no_more_open_nothing(firm, two, act):
    stays, goes = two
    token, other = issue(firm, goes), issue(firm, stays)

    act(goes, actor=acting(stays), at=AT)

    with pytest.raises(keys.BadKey):
        keys.authenticate(token=token, at=AT)
    assert keys.authenticate(token=other, at=AT).organization == firm
    assert AuditEntry.objects.filter(verb="api-key.revoked").count() == 1


def test_somebody_always_owns_the_organisation(firm, two):
    one, other = two
    members.change_role(membership=other, role=Role.TRADER, actor=acting(one), at=AT)

    for act in (members.remove, lambda **who: members.change_role(role=Role.VIEWER, **who)):
        with pytest.raises(members.LastOwner):
            act(membership=one, actor=acting(one), at=AT)

    assert Membership.objects.filter(organization=firm).count() == 2
    assert AuditEntry.objects.get(verb="membership.changed").before == {"role": "owner"}


def test_only_owners_act_and_only_on_their_own_people(firm, two):
    trader, stranger = seat(firm, "li", Role.TRADER), seat(scenes.buyer(), "sun", Role.OWNER)

    with pytest.raises(Forbidden):
        members.remove(membership=two[0], actor=acting(trader), at=AT)
    with pytest.raises(NotFound):
        members.remove(membership=two[0], actor=acting(stranger), at=AT)
    with pytest.raises(organizations.RoleDoesNotFit):
        members.change_role(membership=trader, role="auditor", actor=acting(two[0]), at=AT)


def test_people_of_authorities_and_the_operator_are_set_up_in_the_administration(db):
    operator = scenes.operator().organization
    one, other = seat(operator, "one", Role.OWNER), seat(operator, "other", Role.OWNER)

    with pytest.raises(Forbidden):
        members.remove(membership=other, actor=acting(one), at=AT)
