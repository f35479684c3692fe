"""What may change of an offering, and what goes back to the operator."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from core.errors import NotFound
from market.models import CalendarHour, Offering, OfferingStatus
from market.pricing import Band, Plan
from market.services import matching, offerings, prices, revisions, vetting
from tests.market import scenes
from tests.market.scenes import AT, SYSTEM, hours


def revise(offering, **changes):
    return revisions.revise(offering=offering, changes=changes, actor=SYSTEM, at=AT)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"name": "Renamed"}, OfferingStatus.LISTED),
        ({"max_hours": 24}, OfferingStatus.LISTED),
        ({"price_micro": 2_400_000}, OfferingStatus.LISTED),
        ({"price_micro": 2_400_001}, OfferingStatus.REVIEW),
        ({"price_micro": 1_000_000}, OfferingStatus.LISTED),
        ({"price_micro": 999_999}, OfferingStatus.REVIEW),
        ({"category": "HPC"}, OfferingStatus.REVIEW),
    ],
)
def test_a_material_change_goes_back_to_review_and_another_does_not(offering, changes, status):
    revise(offering, **changes)

    revised = Offering.objects.get()
    assert revised.status == status
    assert {name: getattr(revised, name) for name in changes} == changes
    assert AuditEntry.objects.filter(verb="offering.revised").count() == 1


def test_a_price_that_rises_in_steps_is_measured_by_the_reviewed_one(offering):
    Offering.objects.filter(pk=offering.pk).update(status=OfferingStatus.REVIEW)
    vetting.approve(offering=offering, actor=scenes.operator(), at=AT)

    revise(offering, price_micro=2_300_000)
    revise(offering, name="Renamed")
    revise(offering, price_micro=2_400_000)
    assert Offering.objects.get().status == OfferingStatus.LISTED
    revise(offering, price_micro=2_400_001)
    assert Offering.objects.get().status == OfferingStatus.REVIEW

    vetting.approve(offering=offering, actor=scenes.operator(), at=AT)
    revise(offering, price_micro=2_880_001)
    assert Offering.objects.get().status == OfferingStatus.LISTED
    assert Offering.objects.get().reviewed_micro == 2_400_001


def plan(offering, base_micro, *, first=1, **terms):
    return prices.publish(
        offering=offering, plan=Plan(base_micro, **terms), starts_at=AT + hours(first), actor=SYSTEM, at=AT
    )


def test_a_plan_that_is_far_from_the_reviewed_price_goes_back_to_review_and_another_does_not(offering):
    plan(offering, 2_400_000)
    assert Offering.objects.get().status == OfferingStatus.LISTED

    published = plan(offering, 2_000_000, first=2, bands=(Band(0, 1, 2_400_001),))

    assert (published.offering.status, Offering.objects.get().status) == (OfferingStatus.REVIEW, OfferingStatus.REVIEW)
    assert AuditEntry.objects.filter(verb="offering.back-in-review").count() == 1


def test_plans_that_rise_in_steps_are_measured_by_the_reviewed_one(offering):
    offerings.pause(offering=offering, actor=SYSTEM, at=AT)
    plan(offering, 2_200_000)
    plan(offering, 2_400_000, first=2)
    prices.take_effect(at=AT + hours(2))
    assert Offering.objects.get().status == OfferingStatus.PAUSED
    plan(offering, 2_400_001, first=3)
    assert Offering.objects.get().status == OfferingStatus.REVIEW

    vetting.approve(offering=offering, actor=scenes.operator(), at=AT)

    assert Offering.objects.get().reviewed_plan.starts_at == AT + hours(3)
    plan(offering, 2_880_001, first=4)
    assert Offering.objects.get().status == OfferingStatus.LISTED
    plan(offering, 2_880_002, first=5)
    assert Offering.objects.get().status == OfferingStatus.REVIEW


def test_a_plan_of_a_draft_is_looked_at_with_the_draft(provider, card):
    draft = scenes.draft(provider, card)
    published = plan(draft, 9_000_000)
    assert Offering.objects.get().status == OfferingStatus.DRAFT

    vetting.submit(offering=draft, actor=SYSTEM, at=AT)
    vetting.approve(offering=draft, actor=scenes.operator(), at=AT)

    assert Offering.objects.get().reviewed_plan == published


def test_another_model_is_reviewed_again_and_then_on_sale(offering):
    other = scenes.accelerator()
    revise(offering, accelerator=other)
    assert not Offering.objects.listed().exists()

    vetting.approve(offering=offering, actor=scenes.operator(), at=AT)

    assert Offering.objects.listed().get().accelerator == other


def test_what_was_sold_stays_what_it_was(buyer, offering):
    scenes.reserved(buyer, offering)

    with pytest.raises(revisions.AlreadySold) as refusal:
        revise(offering, accelerator=scenes.accelerator(), name="Renamed")

    assert list(refusal.value.fields) == ["accelerator"]
    assert Offering.objects.get().name == offering.name


def test_a_change_of_nothing_writes_nothing(offering):
    revise(offering, name=offering.name, count=offering.count)

    assert not AuditEntry.objects.filter(verb="offering.revised").exists()


def test_more_cards_open_full_hours_and_leave_maintenance_alone(buyer, offering, card):
    scenes.reserved(buyer, offering)
    close_one_hour(offering, 10, capacity=3)

    revise(offering, count=12)

    rows = CalendarHour.objects.order_by("hour").values_list("capacity", "reserved")
    assert list(rows) == [(12, 2), (12, 2), (12, 2), (3, 0)]
    scenes.order(buyer, card, count=10, start_min=AT + hours(1), start_max=AT + hours(1))
    assert matching.run(at=AT).matched == 1


def test_fewer_cards_than_are_reserved_are_refused_with_the_hours(buyer, offering):
    scenes.reserved(buyer, offering)

    with pytest.raises(offerings.CardsReserved) as refusal:
        revise(offering, count=1)

    assert len(refusal.value.extra["hours"]) == 3
    revise(offering, count=2)
    assert set(CalendarHour.objects.values_list("capacity", "reserved")) == {(2, 2)}


def test_reserved_hours_are_not_closed_by_the_opening_times(buyer, offering):
    scenes.reserved(buyer, offering)

    with pytest.raises(revisions.HoursReserved) as refusal:
        revise(offering, closes_at=AT + hours(3))

    assert refusal.value.extra["hours"] == [(AT + hours(3)).isoformat()]
    revise(offering, closes_at=AT + hours(4))


def test_a_planned_price_changes_by_a_plan_only(offering):
    prices.publish(offering=offering, plan=Plan(base_micro=2_000_000), starts_at=AT + hours(1), actor=SYSTEM, at=AT)

    with pytest.raises(revisions.PriceIsPlanned):
        revise(offering, price_micro=2_100_000)

    assert Offering.objects.get().price_micro == 2_000_000


def test_a_foreign_site_and_a_senseless_lot_are_refused(offering):
    with pytest.raises(NotFound):
        revise(offering, site=scenes.site(scenes.provider()))
    with pytest.raises(offerings.BadTerms):
        revise(offering, count=2, min_count=4)
    with pytest.raises(offerings.NameTaken):
        revise(offering, name=scenes.draft(offering.provider, offering.accelerator).name)


def test_an_archived_offering_stays_as_it_was(offering):
    offerings.archive(offering=offering, actor=SYSTEM, at=AT)

    with pytest.raises(revisions.OfferingArchived):
        revise(offering, name="Renamed", opens_at=AT - timedelta(days=1))


def close_one_hour(offering, number, *, capacity):
    period = offerings.Period(AT + hours(number), AT + hours(number + 1))
    offerings.close_hours(
        offering=offering, period=period, capacity=capacity, reason="maintenance", actor=SYSTEM, at=AT
    )
