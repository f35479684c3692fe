"""An offering is on sale once somebody else has looked at it, and while its provider is verified."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Membership, Role
from accounts.services import onboardings
from accounts.services.audit import Actor
from core.errors import Forbidden, IllegalMove
from market.models import Offering, OfferingStatus
from market.pricing import Plan
from market.services import matching, prices, revisions, vetting
from tests.market import scenes
from tests.market.scenes import AT, SYSTEM, hours


@pytest.fixture
def submitted(provider, card):
    maker = Actor(user=scenes.clerks()[0], organization=provider)
    return vetting.submit(offering=scenes.draft(provider, card), actor=maker, at=AT)


def test_a_rejected_offering_is_changed_and_submitted_again(submitted):
    vetting.reject(offering=submitted, note="Which site?", actor=scenes.operator(), at=AT)
    rejected = Offering.objects.get()
    assert (rejected.status, rejected.review_note) == (OfferingStatus.REJECTED, "Which site?")

    vetting.submit(offering=rejected, actor=SYSTEM, at=AT)

    again = Offering.objects.get()
    assert (again.status, again.review_note, again.reviewed_by) == (OfferingStatus.REVIEW, "", None)


def test_a_rejection_says_why(submitted):
    with pytest.raises(vetting.ReasonMissing):
        vetting.reject(offering=submitted, note=" ", actor=scenes.operator(), at=AT)

    assert Offering.objects.get().status == OfferingStatus.REVIEW


def test_what_was_changed_while_somebody_looked_at_it_is_not_approved(submitted):
    seen = vetting.standing(submitted)
    provider = Actor(organization=submitted.provider)
    revisions.revise(offering=submitted, changes={"price_micro": 9_000_000}, actor=provider, at=AT + hours(1))

    with pytest.raises(vetting.ChangedMeanwhile):
        vetting.approve(offering=submitted, seen=seen, actor=scenes.operator(), at=AT)

    again = Offering.objects.get()
    assert again.status == OfferingStatus.REVIEW
    vetting.approve(offering=again, seen=vetting.standing(again), actor=scenes.operator(), at=AT)


def test_what_gets_a_price_plan_while_somebody_looks_is_looked_at_again(submitted):
    seen = vetting.standing(submitted)
    provider = Actor(organization=submitted.provider)
    terms = {"plan": Plan(base_micro=9_000_000), "starts_at": AT + hours(2)}
    prices.publish(offering=submitted, **terms, actor=provider, at=AT + hours(1))

    with pytest.raises(vetting.ChangedMeanwhile):
        vetting.approve(offering=submitted, seen=seen, actor=scenes.operator(), at=AT + hours(1))

    assert Offering.objects.get().status == OfferingStatus.REVIEW


def test_an_offering_is_taken_back_out_of_the_review(submitted):
    vetting.withdraw(offering=submitted, actor=SYSTEM, at=AT)

    with pytest.raises(IllegalMove):
        vetting.approve(offering=submitted, actor=scenes.operator(), at=AT)
    assert Offering.objects.get().status == OfferingStatus.DRAFT


def test_who_submits_does_not_review_whatever_the_code_does(submitted):
    maker = Actor(user=submitted.submitted_by, organization=scenes.operator().organization)

    with pytest.raises(vetting.SamePerson):
        vetting.approve(offering=submitted, actor=maker, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Offering.objects.filter(pk=submitted.pk).update(reviewed_by=submitted.submitted_by)

    assert Offering.objects.get().status == OfferingStatus.REVIEW


def test_only_a_person_of_the_operator_who_is_not_the_providers_reviews(submitted):
    checker = scenes.operator()
    Membership.objects.create(user=checker.user, organization=submitted.provider, role=Role.VIEWER)
    outsiders = [SYSTEM, Actor(organization=checker.organization), Actor(user=checker.user), checker]

    for actor in outsiders:
        with pytest.raises(Forbidden):
            vetting.approve(offering=submitted, actor=actor, at=AT)

    assert Offering.objects.get().status == OfferingStatus.REVIEW


def test_nothing_is_listed_without_a_review_whatever_the_code_does(provider, card):
    draft = scenes.draft(provider, card)
    draft.move_to(OfferingStatus.REVIEW)

    with pytest.raises(IntegrityError, match="offering_listed_after_review"), transaction.atomic():
        draft.move_to(OfferingStatus.LISTED)


def test_a_suspended_providers_offerings_are_neither_shown_nor_matched(buyer, provider, card, offering):
    order = scenes.order(buyer, card)
    suspend(provider)

    matching.run(at=AT)

    order.refresh_from_db()
    assert order.status == "open"
    assert not Offering.objects.listed().exists()
    assert Offering.objects.visible_to(provider).get() == offering
    assert not Offering.objects.visible_to(buyer).exists()
    with pytest.raises(vetting.ProviderNotVerified):
        vetting.submit(offering=scenes.draft(provider, card), actor=SYSTEM, at=AT)


def suspend(provider):
    onboardings.suspend(onboarding=provider.onboarding, reason="The licence is void.", actor=scenes.operator(), at=AT)
