"""What a provider does with its offerings."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from accounts.services.audit import SYSTEM
from core.errors import Forbidden, IllegalMove, NotFound
from core.periods import Period
from market.models import CalendarHour, Offering, OfferingStatus
from market.services import matching, offerings, vetting
from tests.market import scenes
from tests.market.scenes import AT, hours


def close(offering, start, length, capacity):
    period = Period(AT + hours(start), AT + hours(start + length))
    return offerings.close_hours(
        offering=offering, period=period, capacity=capacity, reason="maintenance", actor=SYSTEM, at=AT
    )


def calendar():
    return [((row.hour - AT) / hours(1), row.capacity, row.reserved) for row in CalendarHour.objects.order_by("hour")]


def test_a_draft_is_not_for_sale_until_it_is_listed(provider, card):
    draft = scenes.draft(provider, card)
    assert draft.status == OfferingStatus.DRAFT

    vetting.submit(offering=draft, actor=SYSTEM, at=AT)
    assert not Offering.objects.listed().exists()
    vetting.approve(offering=draft, actor=scenes.operator(), at=AT)

    assert Offering.objects.listed().get() == draft
    verbs = AuditEntry.objects.filter(object_id=str(draft.pk)).order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["offering.drafted", "offering.submitted", "offering.listed"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"count": 0}, "count"),
        ({"count": -8}, "count"),
        ({"price_micro": 0}, "price_micro"),
        ({"closes_at": AT - timedelta(days=60)}, "closes_at"),
    ],
)
def test_an_offering_on_senseless_terms_is_refused(provider, card, wrong, field):
    with pytest.raises(offerings.BadTerms) as refusal:
        scenes.draft(provider, card, **wrong)

    assert list(refusal.value.fields) == [field]
    assert not Offering.objects.exists()


def test_only_a_provider_sells(buyer, card):
    with pytest.raises(Forbidden):
        scenes.draft(buyer, card)

    assert not Offering.objects.exists()


def test_a_foreign_site_does_not_exist(provider, card):
    foreign = scenes.site(scenes.provider())

    with pytest.raises(NotFound):
        scenes.draft(provider, card, site=foreign)

    assert not Offering.objects.exists()


def test_a_provider_uses_a_name_once(provider, card, offering):
    with pytest.raises(offerings.NameTaken):
        scenes.draft(provider, card, name=offering.name)

    assert Offering.objects.count() == 1
    assert scenes.draft(scenes.provider(), card, name=offering.name).pk


def test_a_paused_offering_can_be_listed_again_and_an_archived_one_cannot(offering):
    offerings.pause(offering=offering, actor=SYSTEM, at=AT)
    offerings.resume(offering=offering, actor=SYSTEM, at=AT)
    offerings.archive(offering=offering, actor=SYSTEM, at=AT)

    with pytest.raises(IllegalMove):
        offerings.resume(offering=offering, actor=SYSTEM, at=AT)

    assert Offering.objects.get().status == OfferingStatus.ARCHIVED
    assert AuditEntry.objects.filter(verb="offering.resumed").count() == 1


def test_hours_are_closed_and_opened_again(offering):
    close(offering, 1, 2, 0)
    close(offering, 2, 1, 5)

    assert calendar() == [(1, 0, 0), (2, 5, 0)]
    assert AuditEntry.objects.filter(verb="offering.hours-closed").count() == 2


def test_a_closed_hour_is_not_matched(buyer, offering, card):
    order = scenes.order(buyer, card, start_min=AT, start_max=AT + hours(2))
    close(offering, 0, 2, 1)

    matching.run(at=AT)

    assert order.match.starts_at == AT + hours(2)


def test_an_hour_is_closed_as_a_whole(offering):
    close(offering, 1.5, 1, 0)

    assert calendar() == [(1, 0, 0), (2, 0, 0)]


def test_maintenance_stays_above_what_is_reserved(buyer, offering):
    scenes.reserved(buyer, offering)
    before = calendar()

    with pytest.raises(offerings.CardsReserved) as refusal:
        close(offering, 0, 4, 1)

    assert calendar() == before
    assert refusal.value.extra["hours"] == [
        {"hour": (AT + hours(number)).isoformat(), "reserved": 2} for number in (1, 2, 3)
    ]
    assert "2026-10-01 11:00" in str(refusal.value)
    assert "2026-10-01 14:00" in str(refusal.value)
    close(offering, 0, 4, 2)
    assert calendar() == [(0, 2, 0), (1, 2, 2), (2, 2, 2), (3, 2, 2)]


@pytest.mark.parametrize("capacity", [-1, 9])
def test_a_capacity_beyond_the_offering_is_refused(offering, capacity):
    with pytest.raises(offerings.BadCapacity):
        close(offering, 1, 1, capacity)

    assert calendar() == []


@pytest.mark.parametrize(("start", "length"), [(-2, 2), (1, 24 * 367)], ids=["past", "more than a year"])
def test_hours_that_are_past_or_too_many_cannot_be_closed(offering, start, length):
    with pytest.raises(offerings.BadClosure):
        close(offering, start, length, 0)

    assert calendar() == []
