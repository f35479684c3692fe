"""A provider hands in its documents, another person decides, and what was good ends with its day."""

from datetime import date

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry, Onboarding, OnboardingDocument, OnboardingStatus, OrganizationKind
from accounts.services import duties, onboardings, organizations
from accounts.services.audit import SYSTEM, Actor
from accounts.services.duties import Partial
from core import uploads
from core.errors import Forbidden, IllegalMove
from tests.market import scenes
from tests.market.scenes import AT
from tests.owning import as_owner

PDF = b"%PDF-1.4 licence"
GOOD_UNTIL = date(2027, 9, 30)
CODE = "91440300708461136T"


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def onboarding(db):
    provider = organizations.register(
        kind=OrganizationKind.PROVIDER, name="New centre", credit_code=CODE, actor=SYSTEM, at=AT
    )
    return provider.onboarding


@pytest.fixture
def maker(onboarding):
    return Actor(user=scenes.clerks()[0], organization=onboarding.organization)


def upload(onboarding, actor, kind="licence", content=PDF, name="执照.pdf"):
    return onboardings.upload(onboarding=onboarding, kind=kind, name=name, content=content, actor=actor, at=AT)


def hand_in(onboarding, actor):
    upload(onboarding, actor)
    upload(onboarding, actor, kind="site")
    return onboardings.submit(onboarding=onboarding, actor=actor, at=AT)


def verify(onboarding, good_until=GOOD_UNTIL, **who):
    return onboardings.verify(
        onboarding=onboarding, good_until=good_until, actor=who.get("actor") or scenes.operator(), at=AT
    )


def test_a_provider_is_verified_by_another_person(onboarding, maker):
    hand_in(onboarding, maker)
    assert onboardings.missing(onboarding) == []

    verify(onboarding)

    verified = Onboarding.objects.get()
    assert (verified.status, verified.good_until) == (OnboardingStatus.VERIFIED, GOOD_UNTIL)
    assert verified.submitted_by != verified.decided_by
    verbs = AuditEntry.objects.filter(verb__startswith="onboarding").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == [
        "onboarding.uploaded",
        "onboarding.uploaded",
        "onboarding.submitted",
        "onboarding.verified",
    ]


def test_nothing_is_handed_in_before_everything_is_there(onboarding, maker):
    upload(onboarding, maker)

    with pytest.raises(onboardings.DocumentsMissing) as refusal:
        onboardings.submit(onboarding=onboarding, actor=maker, at=AT)

    assert refusal.value.extra["missing"] == ["site"]
    assert Onboarding.objects.get().status == OnboardingStatus.APPLIED


def test_who_hands_in_does_not_check_whatever_the_code_does(onboarding, maker):
    hand_in(onboarding, maker)

    with pytest.raises(onboardings.SamePerson):
        verify(onboarding, actor=Actor(user=maker.user, organization=scenes.operator().organization))
    with pytest.raises(Forbidden):
        verify(onboarding, actor=maker)
    with pytest.raises(IntegrityError, match="onboarding_decided_by_another"), transaction.atomic():
        Onboarding.objects.filter(pk=onboarding.pk).update(decided_by=maker.user)

    assert Onboarding.objects.get().status == OnboardingStatus.SUBMITTED


def test_who_named_an_interest_in_a_provider_does_not_verify_it(onboarding, maker):
    hand_in(onboarding, maker)
    operator = scenes.operator()
    duties.declare_interest(of=onboarding.organization, note="my brother's firm", actor=operator, at=AT)

    with pytest.raises(Partial):
        verify(onboarding, actor=operator)

    assert Onboarding.objects.get(pk=onboarding.pk).status == OnboardingStatus.SUBMITTED


def test_a_rejection_and_a_suspension_say_why(onboarding, maker):
    hand_in(onboarding, maker)
    with pytest.raises(onboardings.ReasonMissing):
        onboardings.reject(onboarding=onboarding, reason="", actor=scenes.operator(), at=AT)
    onboardings.reject(onboarding=onboarding, reason="Illegible.", actor=scenes.operator(), at=AT)
    assert Onboarding.objects.get().reason == "Illegible."

    upload(onboarding, maker, content=PDF + b"clear")
    onboardings.submit(onboarding=onboarding, actor=maker, at=AT)
    verify(onboarding)
    onboardings.suspend(onboarding=onboarding, reason="Void.", actor=scenes.operator(), at=AT)

    assert (Onboarding.objects.get().status, Onboarding.objects.get().reason) == ("suspended", "Void.")
    with pytest.raises(IllegalMove):
        upload(onboarding, maker, content=PDF + b"new")


def test_a_verification_ends_after_its_day_once(onboarding, maker):
    hand_in(onboarding, maker)
    verify(onboarding)

    assert onboardings.expire(on=GOOD_UNTIL, at=AT) == 0
    assert onboardings.expire(on=date(2027, 10, 1), at=AT) == 1
    assert onboardings.expire(on=date(2027, 10, 1), at=AT) == 0
    assert Onboarding.objects.get().status == OnboardingStatus.EXPIRED


def test_a_verified_provider_renews_and_sells_on_meanwhile(onboarding, maker):
    hand_in(onboarding, maker)
    verify(onboarding)
    later = AT + scenes.hours(24)

    onboardings.submit(onboarding=onboarding, actor=maker, at=later)
    assert Onboarding.objects.waiting().verified().get() == onboarding
    onboardings.verify(
        onboarding=onboarding, good_until=date(2028, 9, 30), actor=scenes.operator(), at=later + scenes.hours(1)
    )

    renewed = Onboarding.objects.get()
    assert (renewed.status, renewed.good_until) == (OnboardingStatus.VERIFIED, date(2028, 9, 30))
    assert not Onboarding.objects.waiting().exists()


@pytest.mark.parametrize("good_until", [date(2026, 10, 1), date(2030, 1, 1)])
def test_a_verification_is_good_until_a_day_to_come_within_three_years(onboarding, maker, good_until):
    hand_in(onboarding, maker)

    with pytest.raises(onboardings.BadDay):
        verify(onboarding, good_until)


def test_a_file_is_what_it_is_and_lies_where_nobody_guesses(onboarding, maker):
    document = upload(onboarding, maker, content=b"\x89PNG\r\n\x1a\n...", name="../../etc/passwd.pdf")

    assert (document.media_type, document.size) == ("image/png", 11)
    assert document.file.name.startswith("evidence/")
    assert document.file.name.endswith(".png")
    assert "passwd" not in document.file.name
    with default_storage.open(document.file.name) as kept:
        assert kept.read() == b"\x89PNG\r\n\x1a\n..."


@pytest.mark.parametrize("content", [b"", b"<html><script>", b"MZ\x90", b"PK\x03\x04", PDF + b"x" * uploads.MOST_BYTES])
def test_other_files_are_not_taken(onboarding, maker, content):
    with pytest.raises(uploads.BadUpload):
        upload(onboarding, maker, content=content)

    assert not OnboardingDocument.objects.exists()


def test_a_file_comes_once_and_is_never_changed(onboarding, maker):
    document = upload(onboarding, maker)

    with pytest.raises(onboardings.DocumentExists):
        upload(onboarding, maker)
    with as_owner(), pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        OnboardingDocument.objects.filter(pk=document.pk).update(name="other")
