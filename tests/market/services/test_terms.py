"""Terms of service: a changed text needs consent again before the next order."""

import pytest
from django.db import IntegrityError, transaction

from accounts.services.audit import Actor
from core.errors import Forbidden
from market.models import TermsConsent, UnmatchedReason
from market.services import auctions, matching, terms
from tests.market import scenes
from tests.market.scenes import AT, SYSTEM
from tests.owning import as_owner


def publish(offering, text):
    return terms.publish(offering=offering, text=text, actor=SYSTEM, at=AT)


def agree(buyer, offering, version):
    actor = Actor(user=scenes.clerks()[0], organization=buyer)
    return terms.agree(offering=offering, buyer=buyer, sha256=version.sha256, actor=actor, at=AT)


def test_an_order_waits_for_consent_and_a_new_text_for_a_new_one(buyer, offering, card):
    first = publish(offering, "No mining.")
    with pytest.raises(terms.ConsentNeeded) as refusal:
        scenes.order(buyer, card)
    assert refusal.value.extra["offerings"] == [{"offering": str(offering.pk), "version": 1, "sha256": first.sha256}]

    agree(buyer, offering, first)
    scenes.reserved(buyer, offering)
    publish(offering, "No mining, no scraping.")

    with pytest.raises(terms.ConsentNeeded):
        scenes.order(buyer, card)


def test_a_consent_is_written_once_with_what_was_agreed(buyer, offering):
    version = publish(offering, "No mining.")

    first, second = agree(buyer, offering, version), agree(buyer, offering, version)

    assert first == second
    assert (first.sha256, first.by, first.at) == (version.sha256, scenes.clerks()[0], AT)
    with as_owner(), pytest.raises(IntegrityError), transaction.atomic():
        TermsConsent.objects.all().delete()


def test_an_order_goes_to_offerings_whose_terms_are_agreed(buyer, provider, card, offering):
    publish(offering, "No mining.")
    dearer = scenes.listed(provider, card, price_micro=2_500_000)
    instant, auctioned = scenes.order(buyer, card), scenes.order(buyer, card, kind="auction")

    matching.run(at=AT)
    auctions.hold(at=AT)

    assert {instant.match.offering, auctioned.match.offering} == {dearer}


def test_terms_that_come_after_an_order_keep_it_waiting(buyer, offering, card):
    order = scenes.order(buyer, card)
    version = publish(offering, "No mining.")
    matching.run(at=AT)
    order.refresh_from_db()
    assert order.unmatched_reason == UnmatchedReason.CONSENT

    agree(buyer, offering, version)
    matching.run(at=AT)

    assert order.match.offering == offering


def test_only_the_text_that_counts_is_agreed_to_and_only_by_a_buyer(buyer, provider, offering):
    old = publish(offering, "Old.")
    publish(offering, "New.")

    with pytest.raises(terms.TermsChanged):
        agree(buyer, offering, old)
    with pytest.raises(Forbidden):
        agree(provider, offering, old)

    assert not TermsConsent.objects.exists()


@pytest.mark.parametrize("text", ["", "  \r\n ", "x" * 50_001, "Same."])
def test_a_text_that_is_none_is_not_published(offering, text):
    publish(offering, "Same.")

    with pytest.raises(terms.BadTermsText):
        publish(offering, text)

    assert offering.service_terms.count() == 1
