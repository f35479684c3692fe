from datetime import date

import pytest

from tests.vouchers import scenes
from tests.vouchers.scenes import AT, officer
from vouchers.models import Programme, ProgrammeStatus
from vouchers.services import reference

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
    assert "SOURCED" in programme.source
    assert list(programme.providers.all()) == [provider]


def test_wuhan_supports_for_three_years():
    assert drafted("WH-OPC-2026").validity_days == 3 * 365


def test_chengdu_pays_high_performance_computing_too():
    assert drafted("CD-2025").eligible_categories == ["GPU_TRAIN", "GPU_INFER", "HPC"]


@pytest.mark.parametrize("code", ["BJ-2023", "NN-2025", "SZ-2026", "HZ-2025", "HN-2025"])
def test_programmes_that_pay_after_a_claim_are_refused(code):
    with pytest.raises(reference.ModeNotSupported) as refusal:
        drafted(code)

    assert code in refusal.value.detail
    assert not Programme.objects.exists()


def test_an_unknown_programme_is_not_found():
    with pytest.raises(reference.UnknownReference):
        drafted("XX-1")

    assert not Programme.objects.exists()
