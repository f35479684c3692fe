"""Prices filed with the authority: entered by one, approved by another; no voucher pays above them, or without one."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEntry
from core.constraints import constraint_name
from core.errors import IllegalMove
from tests.owning import as_owner
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, officer
from tests.vouchers.services.test_registry import FROM, UNTIL, applied
from tests.vouchers.services.test_versions import amended
from vouchers import filed_prices
from vouchers.models import PriceFiling, Programme, ProgrammeVersion
from vouchers.parameters import codec
from vouchers.rules import Refusal, replay
from vouchers.services import price_filings, programmes, redemptions, registry
from vouchers.services.people import MakerIsChecker

pytestmark = pytest.mark.django_db
TODAY, TOMORROW = date(2025, 6, 30), date(2025, 7, 1)
ASKED = 9_000_000  # nine yuan a card-hour


@pytest.fixture
def filing_programme(db) -> Programme:
    plain = scenes.draft()
    changed = {
        "identity.code": f"{plain.code}-F",
        "providers.registry": "LIST",
        "providers.service_items": [{"code": "TRAIN", "categories": ["GPU_TRAIN"]}],
        "providers.price_filing_required": True,
        "integrity.fixed_price_reference_bp": 2_000,
    }
    parameters = codec.changed(plain.parameters, changed)
    drafted = programmes.draft_of(authority=plain.authority, parameters=parameters, actor=officer(1), at=AT)
    return programmes.publish(programme=drafted, actor=officer(2), at=AT)


def filed(listing, price_micro=ASKED, first_on=TODAY, at=AT):
    made = price_filings.file(listing=listing, price_micro=price_micro, first_on=first_on, actor=officer(1), at=at)
    return price_filings.approve(filing=made, actor=officer(2), at=at)


def listed(programme, provider, price_micro=ASKED):
    listing = applied(programme, provider)
    registry.review(listing=listing, actor=officer(1), at=AT)
    filed(listing, price_micro)
    return registry.list_(listing=listing, actor=officer(1), at=AT)


def quoted(granted, *providers, price_micro, at=AT):
    wish = scenes.wish(granted, 1_000_000, providers=list(providers), at=at)
    return redemptions.quote(price_micro=price_micro, **wish)


def test_who_has_filed_no_price_is_not_listed_and_a_voucher_pays_up_to_what_was_filed(filing_programme):
    provider, granted = scenes.provider(), scenes.grant(filing_programme)
    listing = applied(filing_programme, provider)
    registry.review(listing=listing, actor=officer(1), at=AT)
    with pytest.raises(registry.PriceMissing):
        registry.list_(listing=listing, actor=officer(1), at=AT)
    made = price_filings.file(listing=listing, price_micro=ASKED, first_on=TODAY, actor=officer(1), at=AT)
    with pytest.raises(MakerIsChecker):
        price_filings.approve(filing=made, actor=officer(1), at=AT)
    with pytest.raises(registry.PriceMissing):
        registry.list_(listing=listing, actor=officer(1), at=AT)
    price_filings.approve(filing=made, actor=officer(2), at=AT)
    with pytest.raises(IllegalMove):
        price_filings.reject(filing=made, actor=officer(2), at=AT)
    registry.list_(listing=listing, actor=officer(1), at=AT)

    assert quoted(granted, provider, price_micro=ASKED).amount_fen == 300_000
    assert quoted(granted, provider, price_micro=ASKED + 1).refused is Refusal.PRICE_NOT_FILED
    held = scenes.hold(granted, 1_000_000, providers=[provider], price_micro=ASKED)
    assert held.amount_fen == 300_000
    assert held.explanation["spending"][0].items() >= {"price_micro": ASKED, "filed_micro": ASKED}.items()
    assert replay(held.explanation).amount_fen == 300_000
    before = scenes.everything()
    with pytest.raises(redemptions.PriceNotFiled):
        scenes.hold(granted, 1_000_000, providers=[provider], price_micro=ASKED + 1)
    assert scenes.everything() == before
    told = AuditEntry.objects.filter(verb__startswith="price.").order_by("pk").values_list("verb", "actor__username")
    assert list(told) == [("price.filed", "officer1"), ("price.approved", "officer2")]


def test_a_price_is_in_force_from_its_day_until_the_next_and_the_lowest_of_all_who_may_deliver_counts(
    filing_programme,
):
    dear, cheap, bare = scenes.provider(), scenes.provider(), scenes.provider()
    listing, granted = listed(filing_programme, dear), scenes.grant(filing_programme)
    listed(filing_programme, cheap, price_micro=8_000_000)
    filed(listing, 9_600_000, TOMORROW)
    later = AT + timedelta(days=1)

    assert quoted(granted, dear, price_micro=9_600_000).refused is Refusal.PRICE_NOT_FILED
    assert quoted(granted, dear, price_micro=9_600_000, at=later).amount_fen == 300_000
    assert quoted(granted, dear, cheap, price_micro=8_000_001, at=later).refused is Refusal.PRICE_NOT_FILED
    assert quoted(granted, dear, cheap, price_micro=8_000_000, at=later).amount_fen == 300_000
    terms = {"grant": granted, "category": "GPU_TRAIN"}
    offered = [dear, cheap, bare]
    assert filed_prices.within(offered, price_micro=9_000_000, on=TODAY, **terms) == [dear]
    assert filed_prices.within(offered, price_micro=1, on=TODAY, **terms | {"category": "GPU_INFER"}) == []
    plain = scenes.grant(scenes.published())
    assert filed_prices.within(offered, grant=plain, category="GPU_TRAIN", price_micro=1, on=TODAY) == offered


def test_what_is_filed_is_a_price_of_a_day_to_come_within_the_listing_and_not_far_above_the_median(filing_programme):
    for price_micro in (8_000_000, 9_000_000, 9_500_000):
        listed(filing_programme, scenes.provider(), price_micro)
    listing = applied(filing_programme, scenes.provider())
    terms = {"listing": listing, "actor": officer(1), "at": AT}
    for wrong, field in (
        ({"price_micro": 0}, "price_micro"),
        ({"price_micro": 10**13}, "price_micro"),
        ({"first_on": TODAY - timedelta(days=1)}, "first_on"),
        ({"first_on": UNTIL}, "first_on"),
    ):
        with pytest.raises(price_filings.BadPrice) as refusal:
            price_filings.file(**terms | {"price_micro": ASKED, "first_on": TODAY} | wrong)
        assert set(refusal.value.fields) == {field}

    made = price_filings.file(price_micro=10_800_001, first_on=TODAY, **terms)
    with pytest.raises(price_filings.FiledAlready):
        price_filings.file(price_micro=ASKED, first_on=TODAY, **terms)
    with pytest.raises(price_filings.AboveReference):
        price_filings.approve(filing=made, actor=officer(2), at=AT)
    price_filings.reject(filing=made, actor=officer(2), at=AT)
    assert filed(listing, 10_800_000).status == "approved"
    with pytest.raises(price_filings.FiledAlready):
        filed(listing, ASKED)
    registry.reject(listing=listing, reason="late", actor=officer(1), at=AT)
    with pytest.raises(price_filings.ListingOver):
        price_filings.file(price_micro=ASKED, first_on=TODAY, **terms)


def test_the_database_pays_nothing_above_what_was_filed_whoever_asks(filing_programme, monkeypatch):
    provider, granted = scenes.provider(), scenes.grant(filing_programme)
    listing = listed(filing_programme, provider)
    assert ProgrammeVersion.objects.get(programme=filing_programme).price_filing
    seen = filed_prices.of_spending

    def seen_before(**terms):
        """Be looked at as if the provider had filed more, as a moment ago, once."""
        monkeypatch.setattr(filed_prices, "of_spending", seen)
        return {"price_micro": terms["price_micro"], "filed_micro": 10**9}

    monkeypatch.setattr(filed_prices, "of_spending", seen_before)
    with pytest.raises(redemptions.PriceNotFiled):
        scenes.hold(granted, 1_000_000, providers=[provider], price_micro=ASKED + 1)

    monkeypatch.setattr(filed_prices, "of_spending", lambda **_terms: {"filed_micro": 1})
    scenes.hold(granted, 1_000_000, providers=[provider])
    approved = "UPDATE vouchers_pricefiling SET status = 'approved', decided_at = filed_at, decided_by_id"
    waits = price_filings.file(listing=listing, price_micro=ASKED, first_on=TOMORROW, actor=officer(1), at=AT)
    columns = "status, listing_id, price_micro, first_on, filed_by_id, filed_at"
    for statement, constraint in {
        f"{approved} = filed_by_id WHERE id = {waits.pk}": "price_filing_maker_is_not_checker",
        "UPDATE vouchers_pricefiling SET price_micro = 1": "price_filing_decided_once",
        "DELETE FROM vouchers_pricefiling": "vouchers_pricefiling_append_only",
        f"INSERT INTO vouchers_pricefiling ({columns}) SELECT 'approved', listing_id, 1, first_on, filed_by_id, "
        f"filed_at FROM vouchers_pricefiling WHERE id = {waits.pk}": "price_filing_starts_proposed",
    }.items():
        with (
            as_owner(),
            connection.cursor() as cursor,
            pytest.raises(IntegrityError) as refusal,
            transaction.atomic(),
        ):
            cursor.execute(statement)
        assert (statement, constraint_name(refusal.value)) == (statement, constraint)
    assert PriceFiling.objects.filter(status="approved").count() == 1


def test_a_version_that_asks_for_prices_judges_what_is_granted_under_it_alone():
    provider, programme = scenes.provider(), scenes.published(providers=[scenes.provider()])
    before = scenes.grant(programme)
    programmes.list_providers(programme=programme, providers=[provider], actor=officer(1), at=AT)
    amended(programme, **{"providers.price_filing_required": True})
    programme.refresh_from_db()
    after = scenes.grant(programme)

    assert quoted(before, provider, price_micro=ASKED).amount_fen == 300_000
    assert quoted(after, provider, price_micro=ASKED).refused is Refusal.PRICE_NOT_FILED
    assert FROM < TODAY
