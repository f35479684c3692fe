from datetime import date

import pytest

from tests.vouchers import scenes
from tests.vouchers.scenes import AT, officer
from vouchers import rules, selectors
from vouchers.models import Programme, ProgrammeStatus
from vouchers.parameters import Span, Window, codec
from vouchers.rules import Case
from vouchers.services import programmes, reference, refusals

pytestmark = pytest.mark.django_db


def drafted(code, **fields):
    return reference.draft(
        code=code,
        authority=scenes.authority(),
        opens_on=date(2025, 1, 1),
        closes_on=date(2026, 1, 1),
        actor=officer(1),
        at=AT,
        **fields,
    )


def test_qingyang_is_drafted_as_published():
    provider = scenes.provider()

    programme = drafted("QY-2024", providers=[provider])

    assert programme.status == ProgrammeStatus.DRAFT
    assert (programme.ratio_bp, programme.entity_year_cap_fen) == (3_000, 200_000_000)
    assert (programme.min_grant_fen, programme.min_award_fen) == (500_000, 0)
    assert (programme.validity_days, programme.round_unit_fen) == (365, 1)
    assert "已查证" in programme.source
    assert list(programme.providers.all()) == [provider]


def test_wuhan_supports_for_three_years():
    assert drafted("WH-OPC-2026").validity_days == 3 * 365


def test_chengdu_pays_high_performance_computing_too():
    assert drafted("CD-2025").eligible_categories == ["GPU_TRAIN", "GPU_INFER", "HPC"]


def test_a_programme_is_open_on_its_own_published_days_too():
    shenzhen = drafted("SZ-2026")

    assert shenzhen.mode == "REIMBURSE"
    assert (shenzhen.opens_on, shenzhen.closes_on) == (date(2025, 1, 1), date(2026, 6, 6))
    assert shenzhen.parameters.settlement.claim_window == Window(opens_on=date(2026, 5, 6), closes_on=date(2026, 6, 6))


def test_what_is_paid_after_a_claim_is_not_deducted_at_checkout():
    beijing = programmes.publish(programme=drafted("BJ-2023"), actor=officer(2), at=AT)
    grant = scenes.grant(beijing)

    with pytest.raises(refusals.NotAtCheckout):
        refusals.require_instant(grant)
    assert not selectors.usable_grants(owner=grant.owner, at=AT).exists()


def test_what_is_known_of_a_case_decides_the_hold(programme):
    nanning = programmes.publish(programme=drafted("NN-2025"), actor=officer(2), at=AT)
    provider = scenes.provider()
    programmes.list_providers(programme=nanning, providers=[provider], actor=officer(1), at=AT)
    grant = scenes.grant(nanning, face_fen=10_000_000)
    contract = Span(first_on=date(2025, 1, 1), last_on=date(2026, 12, 31))

    with pytest.raises(refusals.NotPaidFor):
        scenes.hold(grant, 20_000_000, providers=[provider])
    held = scenes.hold(grant, 20_000_000, providers=[provider], case=Case(contract=contract))

    assert held.amount_fen == 2_510_200
    assert rules.replay(held.explanation).amount_fen == 2_510_200


def test_every_reference_programme_loads_and_comes_back_as_it_was_written():
    for code, facts in reference.known().items():
        programme = drafted(code)

        kept = Programme.objects.get(pk=programme.pk).parameters
        assert kept == programme.parameters
        assert codec.loads(codec.dumps(kept)) == kept
        assert (kept.identity.mode, kept.money.budget_fen) == (facts["mode"], facts["budget_fen"])
        assert kept.award.ceiling_bp == programme.ratio_bp == max(tier["bp"] for tier in facts["ratio_tiers"])


def test_an_unknown_programme_is_not_found():
    with pytest.raises(reference.UnknownReference):
        drafted("XX-1")

    assert not Programme.objects.exists()
