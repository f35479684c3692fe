"""The registry of providers, and what a hold and a payout make of it."""

from datetime import UTC, date, datetime, timedelta
from threading import Event

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry
from core.errors import IllegalMove
from core.periods import midnight
from tests.gathering import LONG, Gathering
from tests.market.races import race
from tests.vouchers import filing, scenes
from tests.vouchers.scenes import AT, officer
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.models import Finding, ListingStatus, ProviderListing
from vouchers.parameters import codec
from vouchers.services import findings, programmes, redemptions, registry, versions
from vouchers.services.applications.refusals import ReasonMissing
from vouchers.services.people import MakerIsChecker
from vouchers.services.redemptions import Claimed, ProviderNotListed

pytestmark = pytest.mark.django_db
FROM, UNTIL = date(2025, 1, 1), date(2026, 1, 1)


@pytest.fixture
def programme(db):
    plain = codec.dump(scenes.draft(authority=(authority := scenes.authority())).parameters)
    plain["identity"]["code"] = "REGISTRY"
    plain["providers"] = {
        "registry": "LIST",
        "by_service_item": True,
        "service_items": [
            {"code": "TRAIN", "categories": ["GPU_TRAIN"]},
            {"code": "INFER", "categories": ["GPU_INFER"]},
        ],
    }
    drafted = programmes.draft_of(authority=authority, parameters=codec.read(plain), actor=officer(1), at=AT)
    return programmes.publish(programme=drafted, actor=officer(2), at=AT)


def applied(programme, provider, **terms):
    named = {"valid_from": FROM, "valid_until": UNTIL, "item": "TRAIN", "batch": "2025-1"} | terms
    actor = filing.person(provider)
    return registry.apply(programme=programme, provider=provider, actor=actor, at=AT, **named)


def listed(programme, provider, **terms):
    listing = applied(programme, provider, **terms)
    registry.review(listing=listing, actor=officer(1), at=AT)
    return registry.list_(listing=listing, actor=officer(1), at=AT)


def test_a_listed_provider_is_paid_for_until_it_is_suspended_and_its_payouts_are_withheld(programme):
    provider, granted = scenes.provider(), scenes.grant(programme)
    listing = listed(programme, provider)
    wish = {"providers": [provider]}
    assert scenes.hold(granted, 1_000_000, **wish).amount_fen == 300_000
    assert registry.withheld(programme=programme, providers=[provider.pk]) == set()

    with pytest.raises(ReasonMissing):
        registry.suspend(listing=listing, reason=" ", actor=officer(1), at=AT)
    registry.suspend(listing=listing, reason="meter under examination", actor=officer(1), at=AT)

    assert registry.withheld(programme=programme, providers=[provider.pk]) == {provider.pk}
    with pytest.raises(ProviderNotListed):
        scenes.hold(granted, 1_000_000, **wish)
    registry.resume(listing=listing, actor=officer(1), at=AT)
    assert scenes.hold(granted, 1_000_000, **wish).amount_fen == 300_000
    registry.delist(listing=listing, reason="left", actor=officer(1), at=AT)
    with pytest.raises(ProviderNotListed):
        scenes.hold(granted, 1_000_000, **wish)
    with pytest.raises(IllegalMove):
        registry.resume(listing=listing, actor=officer(1), at=AT)


def test_so_many_upheld_findings_suspend_a_provider_until_another_person_resumes_it(programme):
    parameters = codec.changed(programme.parameters, {"providers.suspend_on_findings": 2})
    versions.draft(programme=programme, parameters=parameters, reason="stricter", actor=officer(1), at=AT)
    programme = versions.publish(version=programme.versions.get(number=2), actor=officer(2), at=AT)
    provider, other = scenes.provider(), scenes.provider()
    listing, theirs = listed(programme, provider), listed(programme, other)

    def decided(number, subject, decision):
        about = {"rule": Rule.SAME_JOB, "severity": Weight.LOW, "key": str(number), "evidence": {}}
        facts = {"subject_id": subject.pk, "programme_id": programme.pk}
        findings.record(suspicions=[Suspicion(**about, **facts)], at=AT)
        acting = {"finding": Finding.objects.get(dedupe_key=str(number)), "actor": officer(3), "at": AT}
        findings.assign(to=officer(3).user, **acting)
        findings.decide(decision=decision, reason="so it is", **acting)
        listing.refresh_from_db()
        return listing.status

    assert decided(1, provider, "upheld") == decided(2, other, "upheld") == ListingStatus.LISTED
    assert decided(3, provider, "dismissed") == ListingStatus.LISTED
    assert decided(4, provider, "upheld") == ListingStatus.SUSPENDED
    theirs.refresh_from_db()
    assert (theirs.status, listing.reason) == (ListingStatus.LISTED, "涉及该供给方且认定属实的线索：2 条")
    assert registry.withheld(programme=programme, providers=[provider.pk, other.pk]) == {provider.pk}
    assert decided(5, provider, "upheld") == ListingStatus.SUSPENDED
    assert registry.resume(listing=listing, actor=officer(1), at=AT).status == ListingStatus.LISTED
    assert AuditEntry.objects.filter(verb="listing.suspended", object_id=str(listing.pk), actor=None).count() == 1


def test_a_provider_that_is_listed_for_another_service_item_is_not_paid_for(programme):
    provider, granted = scenes.provider(), scenes.grant(programme)
    listed(programme, provider, item="INFER")
    wish = {"providers": [provider]}

    with pytest.raises(ProviderNotListed):
        scenes.hold(granted, 1_000_000, **wish)
    assert scenes.hold(granted, 1_000_000, category="GPU_INFER", **wish).amount_fen == 300_000
    with pytest.raises(ProviderNotListed):
        scenes.hold(granted, 1_000_000, claimed=Claimed(date(2024, 12, 31)), category="GPU_INFER", **wish)
    listed(programme, provider)
    assert scenes.hold(granted, 1_000_000, **wish).amount_fen == 300_000
    assert scenes.hold(granted, 1_000_000, claimed=Claimed(FROM), **wish).amount_fen == 300_000


def test_a_listing_counts_for_its_item_and_its_days_also_when_they_are_over(programme):
    provider, other = scenes.provider(), scenes.provider()
    programmes.list_providers(programme=programme, providers=[other], actor=officer(1), at=AT)
    listed(programme, provider)
    asked = {"programme": programme, "provider": provider}

    assert registry.is_listed(**asked, category="GPU_TRAIN", on=date(2025, 12, 31))
    assert not registry.is_listed(**asked, category="GPU_INFER", on=date(2025, 12, 31))
    assert not registry.is_listed(**asked, category="GPU_TRAIN", on=UNTIL)
    assert registry.is_listed(programme=programme, provider=other, category="GPU_INFER", on=FROM)
    assert registry.is_listed(programme=scenes.published(), provider=other, category="HPC", on=FROM)

    assert registry.expire_due(at=datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC)) == 0
    assert registry.expire_due(at=datetime(2025, 12, 31, 16, tzinfo=UTC)) == 1
    assert ProviderListing.objects.get().status == ListingStatus.EXPIRED
    assert registry.is_listed(**asked, category="GPU_TRAIN", on=date(2025, 6, 30))
    assert list(programme.providers.all()) == [other]


def test_what_is_listed_ahead_of_its_days_counts_from_the_first_of_them(programme):
    provider, granted, stopped = scenes.provider(), scenes.grant(programme), scenes.provider()
    first_on = date(2025, 7, 1)
    for one in (provider, stopped):
        listed(programme, one, valid_from=first_on)
    infers = listed(programme, stopped, item="INFER")
    registry.suspend(listing=infers, reason="meter under examination", actor=officer(1), at=AT)

    assert registry.begin_due(at=midnight(first_on) - timedelta(seconds=1)) == 0
    assert registry.begin_due(at=midnight(first_on)) == 1
    assert registry.begin_due(at=midnight(first_on)) == 0

    on_the_day = {"providers": [provider], "at": midnight(first_on)}
    assert scenes.hold(granted, 1_000_000, **on_the_day).amount_fen == 300_000
    assert list(programme.providers.all()) == [provider]
    assert AuditEntry.objects.get(verb="listing.began").actor is None


def test_what_cannot_be_is_refused(programme):
    provider = scenes.provider()
    applied(programme, provider)
    for refusal, terms in [
        (registry.ListedAlready, {"valid_from": date(2025, 12, 31), "valid_until": date(2026, 6, 1)}),
        (registry.BadListing, {"valid_until": FROM, "item": "INFER"}),
        (registry.BadListing, {"item": "STORAGE"}),
    ]:
        with pytest.raises(refusal):
            applied(programme, provider, **terms)
    with pytest.raises(programmes.NotAProvider):
        applied(programme, scenes.buyer())
    own = registry.apply(
        programme=programme, provider=scenes.provider(), valid_from=FROM, valid_until=UNTIL, actor=officer(1), at=AT
    )
    registry.review(listing=own, actor=officer(1), at=AT)
    with pytest.raises(MakerIsChecker):
        registry.list_(listing=own, actor=officer(1), at=AT)
    assert registry.reject(listing=own, reason="no licence", actor=officer(2), at=AT).reason == "no licence"
    with pytest.raises(IntegrityError, match="does not move"), transaction.atomic():
        ProviderListing.objects.filter(pk=own.pk).update(status="listed")
    assert not programme.providers.exists()
    assert redemptions.ProviderNotListed.code == "provider-not-listed"


@pytest.fixture
def suspended_while_another_is_listed(programme, monkeypatch):
    """Suspend one item of a provider and list another: both look at the rest before either writes who is on the list.

    Who lists writes once who suspends has ended.
    """
    provider = scenes.provider()
    first = listed(programme, provider, valid_from=date(2025, 7, 1))
    second = registry.review(listing=applied(programme, provider, item="INFER"), actor=officer(1), at=AT)
    suspended, look = Event(), registry._is_open

    def suspend():
        registry.suspend(listing=first, reason="meter under examination", actor=officer(1), at=AT)
        suspended.set()

    acts = [suspend, lambda: registry.list_(listing=second, actor=officer(1), at=AT)]

    def run(patience):
        gathering = Gathering(2, patience=patience)

        def looked(listing, on):
            found = look(listing, on)
            gathering.wait()
            if listing.pk == second.pk:
                suspended.wait(patience)
            return found

        monkeypatch.setattr(registry, "_is_open", looked)
        assert race(lambda number: acts[number](), threads=2) == {"ok": 2}
        return programme.providers.count()

    return run


@pytest.mark.django_db(transaction=True)
def test_a_provider_suspended_while_another_item_is_listed_is_off_the_list(suspended_while_another_is_listed):
    assert suspended_while_another_is_listed(patience=1) == 0


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_over_all_its_listings_it_stays_on_the_list(suspended_while_another_is_listed, monkeypatch):
    monkeypatch.setattr(registry, "_locked", lambda listing: ProviderListing.objects.locked().get(pk=listing.pk))

    assert suspended_while_another_is_listed(patience=LONG) == 1
