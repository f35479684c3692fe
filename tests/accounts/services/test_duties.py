"""Who may do what with public money, and what the database refuses whoever asks."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.duties import SEATS, Duty, may, roles_of
from accounts.models import AuditEntry, Interest, Membership, OrganizationKind, Role, User
from accounts.services import duties, organizations, relations
from accounts.services.audit import SYSTEM, Actor
from core.constraints import constraint_name
from tests.market import scenes
from tests.market.scenes import AT
from tests.owning import as_owner

pytestmark = pytest.mark.django_db
AUTHORITY, OPERATOR, BUYER = OrganizationKind.AUTHORITY, OrganizationKind.OPERATOR, OrganizationKind.BUYER
# What vouchers.md §8 lets each role of an authority do.
MAY = {
    Role.OWNER: "read draft publish propose review approve approve-claims find freeze claw-back list-providers",
    Role.FINANCE: "read pay",
    Role.REVIEWER: "read draft propose review approve-claims find",
    Role.DISTRICT: "review-district",
    Role.EXPERT: "score",
    Role.AUDITOR: "read find",
    Role.VIEWER: "read",
    Role.TRADER: "",
}


def user(name="officer"):
    return User.objects.get_or_create(username=name)[0]


def seat(kind, role, *, of=None, who="officer"):
    of = of or scenes.organization(kind)
    district = "高新区" if role == Role.DISTRICT else ""
    return organizations.add_member(organization=of, user=user(who), role=role, district=district, actor=SYSTEM, at=AT)


@pytest.mark.parametrize("role", MAY)
def test_a_role_of_an_authority_has_exactly_its_duties(role):
    assert {duty for duty in Duty if may(duty, kind=AUTHORITY, role=role)} == set(MAY[role].split())


def test_the_operator_pays_and_approves_nothing():
    of_operator = {duty for duty, seats in SEATS.items() if any(kind == OPERATOR for kind, _role in seats)}

    assert of_operator == {Duty.PRE_CHECK, Duty.CHECK_CLAIMS, Duty.FIND, Duty.FREEZE, Duty.LIST_PROVIDERS}


def test_nobody_both_approves_and_pays():
    approving = {Duty.APPROVE, Duty.APPROVE_CLAIMS, Duty.REVIEW, Duty.REVIEW_DISTRICT, Duty.SCORE}

    assert not SEATS[Duty.PAY] & frozenset().union(*(SEATS[duty] for duty in approving))


def test_nobody_who_buys_or_sells_has_a_duty():
    assert all(not roles_of(duty, kind) for duty in Duty for kind in (BUYER, OrganizationKind.PROVIDER))


def test_a_duty_belongs_to_a_role_in_the_organisation_that_acts():
    membership = seat(AUTHORITY, Role.FINANCE)
    mine = Actor(user=user(), organization=membership.organization)
    foreign = Actor(user=user(), organization=scenes.organization(AUTHORITY))

    assert duties.require(actor=mine, duty=Duty.PAY, of=membership.organization) == membership
    for actor, duty, of in [
        (mine, Duty.APPROVE, None),
        (mine, Duty.PAY, foreign.organization),
        (foreign, Duty.PAY, None),
        (Actor(user=user()), Duty.PAY, None),
        (SYSTEM, Duty.PAY, None),
    ]:
        with pytest.raises(duties.NotYourDuty):
            duties.require(actor=actor, duty=duty, of=of)


@pytest.mark.parametrize("role", [Role.DISTRICT, Role.EXPERT, Role.AUDITOR])
@pytest.mark.parametrize("kind", [BUYER, OPERATOR])
def test_districts_experts_and_auditors_belong_to_authorities(kind, role):
    with pytest.raises(organizations.RoleDoesNotFit):
        seat(kind, role)


def test_a_district_goes_with_district_reviewers_only():
    of = scenes.organization(AUTHORITY)
    for role, district in [(Role.DISTRICT, " "), (Role.REVIEWER, "高新区")]:
        with pytest.raises(organizations.RoleDoesNotFit):
            organizations.add_member(organization=of, user=user(), role=role, district=district, actor=SYSTEM, at=AT)
    assert seat(AUTHORITY, Role.DISTRICT, of=of).district == "高新区"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((AUTHORITY, Role.AUDITOR), (OPERATOR, Role.VIEWER)),
        ((AUTHORITY, Role.AUDITOR), (AUTHORITY, Role.OWNER)),
        ((AUTHORITY, Role.FINANCE), (AUTHORITY, Role.AUDITOR)),
    ],
)
def test_an_auditor_has_no_other_part(first, second):
    seat(*first)

    with pytest.raises(organizations.AuditorApart):
        seat(*second)
    assert Membership.objects.count() == 1


def test_an_auditor_may_audit_two_authorities_and_no_raw_statement_makes_them_more():
    seat(AUTHORITY, Role.AUDITOR)
    seat(AUTHORITY, Role.AUDITOR)

    with (
        pytest.raises(IntegrityError) as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE accounts_membership SET role = 'owner' WHERE id = (SELECT id FROM accounts_membership LIMIT 1)"
        )
    assert constraint_name(refusal.value) == "membership_auditor_apart"
    with pytest.raises(duties.AuditorsOnlyRead):
        duties.require_writer(user())
    duties.require_writer(user("somebody else"))


def test_an_interest_is_declared_once_with_its_nature_and_stays():
    firm, actor = scenes.buyer(), Actor(user=user())

    with pytest.raises(duties.Unexplained):
        duties.declare_interest(of=firm, note=" ", actor=actor, at=AT)
    duties.declare_interest(of=firm, note="曾任技术顾问", actor=actor, at=AT)
    with pytest.raises(duties.AlreadyDeclared):
        duties.declare_interest(of=firm, note="again", actor=actor, at=AT)
    with pytest.raises(duties.NotYourDuty):
        duties.declare_interest(of=firm, note="a key", actor=SYSTEM, at=AT)

    assert str(Interest.objects.get()) == f"officer – {firm.name}"
    assert AuditEntry.objects.get(verb="interest.declared").after == {"organization": str(firm.pk)}
    with as_owner(), pytest.raises(IntegrityError), transaction.atomic():
        Interest.objects.update(note="nothing")


def test_nobody_judges_their_own_firm_a_related_one_or_one_they_named():
    own, related, named, other = (scenes.buyer() for _number in range(4))
    seat(BUYER, Role.VIEWER, of=own)
    relations.declare(first=own, second=related, ground="controller", source="register", actor=SYSTEM, at=AT)
    duties.declare_interest(of=named, note="spouse", actor=Actor(user=user()), at=AT)

    assert [duties.is_impartial(user=user(), of=firm) for firm in (own, related, named, other)] == [
        False,
        False,
        False,
        True,
    ]
    with pytest.raises(duties.Partial):
        duties.require_impartial(user=user(), of=related)
    duties.require_impartial(user=user(), of=other)
