"""Reviews: by who used it, once; one answer; hidden with a reason that is written down."""

from dataclasses import replace

import pytest
from django.db import connection

from accounts.models import AuditEntry, Membership, Role, User
from accounts.services import relations
from accounts.services.audit import SYSTEM, Actor
from core.errors import Forbidden, NotFound
from market.models import Review
from market.selectors import standing
from market.services import reservations, reviews
from tests.market import scenes
from tests.market.scenes import AT, hours
from tests.market.services.test_reputations import meter


@pytest.fixture
def reservation(buyer, offering):
    used = scenes.past_reservation(buyer, offering, starts_at=AT, length=2)
    meter(used)
    reservations.advance(at=used.ends_at)
    used.refresh_from_db()
    return used


def write(reservation, who, stars=4):
    at = AT + hours(3)
    return reviews.write(reservation=reservation, stars=stars, text=" good ", actor=Actor(organization=who), at=at)


def test_a_buyer_reviews_what_it_used_once_and_the_provider_answers_once(reservation, buyer, provider, offering):
    review = write(reservation, buyer)
    seller = Actor(organization=provider)
    reviews.answer(review=review, text="thanks", actor=seller, at=AT)

    with pytest.raises(reviews.ReviewedBefore):
        write(reservation, buyer)
    with pytest.raises(reviews.AnsweredBefore):
        reviews.answer(review=review, text="more", actor=seller, at=AT)

    found = Review.objects.get()
    assert (found.stars, found.text, found.answer) == (4, "good", "thanks")
    assert standing.opinion(offering) == standing.Opinion(1, 400)


def test_what_was_not_used_or_is_not_over_is_not_reviewed(buyer, offering):
    running = scenes.past_reservation(buyer, offering, starts_at=AT, length=2, cards=1)
    meter(running)
    with pytest.raises(reviews.NotUsed):
        write(running, buyer)
    idle = scenes.past_reservation(buyer, offering, starts_at=AT, length=1, cards=1, status="ended")
    with pytest.raises(reviews.NotUsed):
        write(idle, buyer)

    assert not Review.objects.exists()


def test_whoever_shares_a_member_with_the_provider_reviews_nothing(reservation, buyer, provider):
    both = User.objects.create(username="both")
    Membership.objects.create(user=both, organization=buyer, role=Role.TRADER)
    Membership.objects.create(user=both, organization=provider, role=Role.VIEWER)

    with pytest.raises(reviews.NotApart):
        write(reservation, buyer, stars=5)

    assert not Review.objects.exists()


def test_a_related_party_of_the_provider_reviews_nothing(reservation, buyer, provider):
    relations.declare(first=provider, second=buyer, ground="representative", source="register", actor=SYSTEM, at=AT)

    with pytest.raises(reviews.NotApart):
        write(reservation, buyer, stars=5)

    assert not Review.objects.exists()


def test_nobody_else_writes_or_answers(reservation, buyer, provider):
    with pytest.raises(NotFound):
        write(reservation, provider)
    review = write(reservation, buyer)
    with pytest.raises(NotFound):
        reviews.answer(review=review, text="x", actor=Actor(organization=scenes.provider()), at=AT)

    assert Review.objects.get().answer == ""


def test_the_operator_hides_with_a_reason(reservation, buyer, offering):
    review = write(reservation, buyer, stars=1)
    operator = scenes.operator()
    theirs = User.objects.create_user(username="theirs")
    Membership.objects.create(user=theirs, organization=offering.provider, role=Role.OWNER)
    for stranger in (Actor(user=operator.user), replace(operator, user=theirs)):
        with pytest.raises(Forbidden):
            reviews.hide(review=review, reason="lies", actor=stranger, at=AT)
    with pytest.raises(reviews.TextMissing):
        reviews.hide(review=review, reason=" ", actor=operator, at=AT)

    reviews.hide(review=review, reason="insults", actor=operator, at=AT)

    assert not standing.reviews(offering).exists()
    assert standing.opinion(offering) == standing.Opinion(0, None)
    assert AuditEntry.objects.get(verb="review.hidden").after == {"reason": "insults"}
    with pytest.raises(reviews.HiddenBefore):
        reviews.hide(review=review, reason="again", actor=operator, at=AT)


def test_the_constraint_that_a_refusal_names_is_there(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_constraint WHERE conname = 'market_review_reservation_id_key'")
        assert cursor.fetchone() == (1,)
