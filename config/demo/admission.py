"""How a rehearsal's providers and offerings are let in: the demo's seller hands in, its operator looks and decides."""

from datetime import datetime, timedelta

from accounts.models import NEEDED, Onboarding, OnboardingStatus, Organization, User
from accounts.services import onboardings
from accounts.services.audit import Actor
from core.periods import date_of
from market.models import Offering
from market.services import vetting

GOOD_FOR = timedelta(days=730)
PAGE = b"%PDF-1.4\n% a rehearsal's document of {kind}, of {name}: made up, like the provider itself\n%%EOF\n"


def verify(*, providers: dict[str, Organization], operator: Organization, at: datetime) -> None:
    """Verify every provider that is not: the seller hands in made-up documents, an operator decides."""
    for provider in providers.values():
        onboarding = onboardings.of(provider)
        if onboarding.status == OnboardingStatus.APPLIED:
            _hand_in(onboarding, at=at)
            good_until = date_of(at + GOOD_FOR)
            onboardings.verify(onboarding=onboarding, good_until=good_until, actor=reviewer(operator), at=at)


def _hand_in(onboarding: Onboarding, *, at: datetime) -> None:
    who = Actor(user=User.objects.get(username="seller"), organization=onboarding.organization)
    for kind in NEEDED:
        page = PAGE.replace(b"{kind}", kind.encode()).replace(b"{name}", onboarding.organization.name.encode())
        onboardings.upload(
            onboarding=onboarding, kind=kind, name=f"{kind.value}-demo.pdf", content=page, actor=who, at=at
        )
    onboardings.submit(onboarding=onboarding, actor=who, at=at)


def review(*, offering: Offering, operator: Organization, at: datetime) -> None:
    """Let the seller submit an offering and an operator approve it."""
    seller = Actor(user=User.objects.get(username="seller"), organization=offering.provider)
    submitted = vetting.submit(offering=offering, actor=seller, at=at)
    vetting.approve(offering=submitted, note="材料齐全，同意上架。", actor=reviewer(operator), at=at)


def reviewer(operator: Organization) -> Actor:
    """Return the operator's person who decides."""
    return Actor(user=User.objects.get(username="operator1"), organization=operator)
