"""Awards are decided by those who have the duty and no interest, in the services and in the database."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Membership, Role, User
from accounts.services import duties
from accounts.services.audit import Actor
from core.constraints import constraint_name
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, officer
from vouchers.models import Grant, GrantStatus, Programme
from vouchers.services import grants, programmes

pytestmark = pytest.mark.django_db


def seated(authority, role, name="seated"):
    user, _new = User.objects.get_or_create(username=name)
    district = "高新区" if role == Role.DISTRICT else ""
    Membership.objects.update_or_create(
        user=user, organization=authority, defaults={"role": role, "district": district}
    )
    return Actor(user=user, organization=authority)


def proposed(programme, owner=None):
    owner = owner or scenes.buyer()
    return grants.propose(programme=programme, owner=owner, face_fen=5, actor=officer(1), at=AT)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.OWNER, Role.AUDITOR}))
def test_only_the_issuing_authority_approves_publishes_and_revokes(programme, role):
    actor, grant = seated(programme.authority, role), proposed(programme)

    with pytest.raises(duties.NotYourDuty):
        grants.approve(grant=grant, actor=actor, at=AT)
    with pytest.raises(duties.NotYourDuty):
        programmes.close(programme=programme, actor=actor, at=AT)
    draft = scenes.draft(authority=programme.authority)
    with pytest.raises(duties.NotYourDuty):
        programmes.publish(programme=draft, actor=actor, at=AT)

    owner = seated(programme.authority, Role.OWNER)
    approved = grants.approve(grant=grant, actor=owner, at=AT)
    assert grants.revoke(grant=approved, actor=owner, at=AT).status == GrantStatus.REVOKED


def test_another_authority_decides_nothing(programme):
    stranger = seated(scenes.authority(), Role.OWNER)

    with pytest.raises(duties.NotYourDuty):
        grants.approve(grant=proposed(programme), actor=stranger, at=AT)


def test_an_auditor_writes_nothing_even_without_a_seat_to_act_from(programme):
    auditor = seated(programme.authority, Role.AUDITOR)

    owner = scenes.buyer()
    for actor in (auditor, Actor(user=auditor.user)):
        with pytest.raises(duties.AuditorsOnlyRead):
            grants.propose(programme=programme, owner=owner, face_fen=5, actor=actor, at=AT)


def test_nobody_approves_what_their_own_firm_gets(programme):
    approver = seated(programme.authority, Role.OWNER)
    owner = scenes.buyer()
    Membership.objects.create(user=approver.user, organization=owner, role=Role.VIEWER)
    grant = proposed(programme, owner)

    with pytest.raises(duties.Partial):
        grants.approve(grant=grant, actor=approver, at=AT)
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(approved_by=approver.user)
    assert constraint_name(refusal.value) == "voucher_decider_is_impartial"


@pytest.mark.parametrize("role", [Role.FINANCE, Role.AUDITOR, Role.DISTRICT, Role.EXPERT, Role.VIEWER])
def test_no_statement_lets_the_wrong_role_decide(programme, role):
    actor = seated(programme.authority, role)
    draft = scenes.draft(authority=programme.authority)

    for rows in (
        Grant.objects.filter(pk=proposed(programme).pk),
        Programme.objects.filter(pk=draft.pk),
    ):
        field = "approved_by" if rows.model is Grant else "published_by"
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            rows.update(**{field: actor.user})
        assert constraint_name(refusal.value) == "voucher_decider_has_the_duty"
