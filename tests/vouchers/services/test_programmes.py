from datetime import date

import pytest

from accounts.models import AuditEntry
from accounts.services.audit import SYSTEM
from core.errors import IllegalMove
from ledger.models import Transfer
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, officer
from vouchers import selectors
from vouchers.models import Programme, ProgrammeStatus
from vouchers.services import people, programmes

pytestmark = pytest.mark.django_db


def test_publishing_appropriates_the_budget():
    programme = programmes.publish(programme=scenes.draft(budget_fen=1_000_000), actor=officer(2), at=AT)

    assert programme.status == ProgrammeStatus.PUBLISHED
    assert programme.published_by == officer(2).user
    assert programme.published_at == AT
    position = selectors.programme_positions(programmes=[programme])[0]
    assert position[2:8] == (1_000_000, 1_000_000, 0, 0, 0, 0)
    assert list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True)) == [
        "programme.drafted",
        "programme.published",
    ]


def test_nobody_publishes_their_own_draft():
    programme = scenes.draft()

    with pytest.raises(people.MakerIsChecker):
        programmes.publish(programme=programme, actor=officer(1), at=AT)

    programme.refresh_from_db()
    assert programme.status == ProgrammeStatus.DRAFT
    assert not Transfer.objects.exists()


def test_a_key_drafts_nothing():
    with pytest.raises(people.PersonNeeded):
        programmes.draft(authority=scenes.authority(), actor=SYSTEM, at=AT, code="X", **scenes.RULES)

    assert not Programme.objects.exists()


def test_only_an_authority_has_programmes():
    with pytest.raises(programmes.NotAnAuthority):
        scenes.draft(authority=scenes.buyer())

    assert not Programme.objects.exists()


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"budget_fen": 0}, "budget_fen"),
        ({"ratio_bp": 0}, "ratio_bp"),
        ({"ratio_bp": 10_001}, "ratio_bp"),
        ({"entity_year_cap_fen": 0}, "entity_year_cap_fen"),
        ({"order_cap_fen": 0}, "order_cap_fen"),
        ({"min_award_fen": -1}, "min_award_fen"),
        ({"min_grant_fen": -1}, "min_grant_fen"),
        ({"round_unit_fen": 0}, "round_unit_fen"),
        ({"validity_days": 0}, "validity_days"),
        ({"closes_on": date(2025, 1, 1)}, "closes_on"),
        ({"eligible_categories": []}, "eligible_categories"),
    ],
)
def test_rules_out_of_range_are_refused_by_name(rules, field):
    with pytest.raises(programmes.BadRules) as refusal:
        scenes.draft(**rules)

    assert list(refusal.value.fields) == [field]
    assert not Programme.objects.exists()


def test_a_plain_programme_may_be_paid_after_a_claim_by_the_buyer():
    programme = scenes.draft(mode="GRANT_THEN_CLAIM")

    assert programme.parameters.identity.mode == programme.mode == "GRANT_THEN_CLAIM"
    assert programme.parameters.settlement.claimant == "BUYER"


def test_a_code_is_taken_once():
    scenes.draft(code="QY-2024")

    with pytest.raises(programmes.CodeTaken):
        scenes.draft(code="QY-2024")

    assert Programme.objects.count() == 1


def test_a_programme_is_paused_resumed_and_closed(programme):
    programmes.pause(programme=programme, actor=officer(1), at=AT)
    resumed = programmes.resume(programme=Programme.objects.get(), actor=officer(1), at=AT)
    closed = programmes.close(programme=resumed, actor=officer(1), at=AT)

    assert closed.status == ProgrammeStatus.CLOSED
    with pytest.raises(IllegalMove):
        programmes.close(programme=closed, actor=officer(1), at=AT)


def test_a_draft_is_published_and_never_resumed():
    programme = scenes.draft()

    with pytest.raises(programmes.NotPaused):
        programmes.resume(programme=programme, actor=officer(2), at=AT)

    programme.refresh_from_db()
    assert programme.status == ProgrammeStatus.DRAFT


def test_a_stale_copy_pauses_nothing(programme):
    stale = Programme.objects.get()
    programmes.close(programme=programme, actor=officer(1), at=AT)

    with pytest.raises(IllegalMove):
        programmes.pause(programme=stale, actor=officer(1), at=AT)

    assert Programme.objects.get().status == ProgrammeStatus.CLOSED


def test_only_providers_are_listed(programme):
    with pytest.raises(programmes.NotAProvider):
        programmes.list_providers(programme=programme, providers=[scenes.buyer()], actor=officer(1), at=AT)

    assert not programme.providers.exists()


def test_a_provider_is_listed_and_taken_off_again(programme):
    provider = scenes.provider()

    programmes.list_providers(programme=programme, providers=[provider], actor=officer(1), at=AT)
    assert list(programme.providers.all()) == [provider]
    programmes.delist_provider(programme=programme, provider=provider, actor=officer(1), at=AT)

    assert not programme.providers.exists()
    assert AuditEntry.objects.filter(verb="programme.provider_delisted").count() == 1
