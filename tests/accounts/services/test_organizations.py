"""Organisations: a checked credit code, members with roles."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from stdnum.cn import uscc

from accounts.models import AuditEntry, Membership, Organization, OrganizationKind, Role, User
from accounts.models.people import validate_credit_code
from accounts.services import organizations
from accounts.services.audit import SYSTEM
from core.errors import Forbidden
from tests.market.scenes import AT

CODE = "91440300708461136T"
WRONG = {
    "wrong check character": "914403007084611361",
    "too short": "9144030070846113T",
    "too long": "91440300708461136TT",
    "letter outside the alphabet": "9144030070846I136T",
    "empty": "",
    "two digits changed places": "91440307008461136T",
}


def register(code=CODE, **fields):
    terms = {"kind": OrganizationKind.BUYER, "name": "Startup", "actor": SYSTEM, "at": AT}
    return organizations.register(credit_code=code, **(terms | fields))


@pytest.fixture
def user(db):
    return User.objects.create_user(username="li")


@pytest.mark.parametrize("code", [CODE, "91310000MA1FL8GC4H"[:17] + uscc.calc_check_digit("91310000MA1FL8GC4")])
def test_a_code_that_checks_is_taken(code):
    validate_credit_code(code)


@pytest.mark.parametrize("code", WRONG.values(), ids=WRONG)
def test_a_code_that_does_not_check_is_refused(db, code):
    with pytest.raises(ValidationError):
        validate_credit_code(code)
    with pytest.raises(organizations.BadCreditCode) as refusal:
        register(code)

    assert list(refusal.value.fields) == ["credit_code"]
    assert not Organization.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_code_is_written_in_capitals(db):
    assert register(f" {CODE.lower()} ").credit_code == CODE


def test_registering_is_written_down(db):
    organization = register()

    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.object_id) == ("organization.registered", str(organization.pk))


def test_an_organization_is_registered_once(db):
    register()

    with pytest.raises(organizations.AlreadyRegistered):
        register(name="Another")

    assert Organization.objects.get().name == "Startup"


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("credit_code", "91440300708461136I", "organization_credit_code_shape"),
        ("kind", "bank", "organization_kind_known"),
    ],
)
def test_raw_sql_cannot_write_nonsense_about_an_organization(db, column, value, constraint):
    register()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE accounts_organization SET {column} = %s", [value])

    assert Organization.objects.get().credit_code == CODE


def test_a_member_is_added_once(user):
    organization = register()
    organizations.add_member(organization=organization, user=user, role=Role.TRADER, actor=SYSTEM, at=AT)

    with pytest.raises(organizations.AlreadyMember):
        organizations.add_member(organization=organization, user=user, role=Role.OWNER, actor=SYSTEM, at=AT)

    assert Membership.objects.get().role == Role.TRADER
    assert AuditEntry.objects.filter(verb="membership.added").get().after == {"role": "trader"}


def test_a_role_that_does_not_allow_something_is_refused(user):
    organization = register()
    member = organizations.add_member(organization=organization, user=user, role=Role.VIEWER, actor=SYSTEM, at=AT)

    with pytest.raises(Forbidden):
        organizations.require_role(user=user, organization=organization, roles={Role.TRADER, Role.OWNER})

    assert organizations.require_role(user=user, organization=organization, roles={Role.VIEWER}) == member


def test_organizations_are_found_by_kind_and_by_member(user):
    mine = register()
    other = register(
        "91440300708461136T"[:8] + "000000001" + uscc.calc_check_digit("91440300000000001"), kind="provider"
    )
    organizations.add_member(organization=mine, user=user, role=Role.OWNER, actor=SYSTEM, at=AT)

    assert list(Organization.objects.of(user)) == [mine]
    assert list(Organization.objects.buyers()) == [mine]
    assert list(Organization.objects.providers()) == [other]
    assert not Organization.objects.authorities().exists()
    User.objects.update(is_active=False)
    assert not Organization.objects.of(user).exists()


def test_people_and_things_are_shown_by_name(user):
    organization = register()
    member = organizations.add_member(organization=organization, user=user, role=Role.OWNER, actor=SYSTEM, at=AT)

    assert str(organization) == "Startup"
    assert str(member).startswith("li · Startup · ")
