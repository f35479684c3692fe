"""Every step has a sentence, in the reader's language."""

import pytest
from django.utils import translation
from msgspec.structs import replace

from tests.vouchers.test_rules import AMPLE, QINGYANG, training
from vouchers import explanations, rules
from vouchers.rules import Limits, Refusal, Spending, StepCode


def said(terms, *lines, limits=AMPLE):
    quote = rules.quote(terms=terms, spending=lines, limits=limits)
    with translation.override("en"):
        return explanations.sentences(quote.explanation(), categories={"GPU_TRAIN": "Training"})


def test_an_award_is_explained_step_by_step():
    storage = Spending(category="STORAGE", provider_listed=True, amount_fen=200_000)

    sentences = said(
        replace(QINGYANG, round_unit_fen=100), training(1_234_567), storage, limits=Limits(grant_available_fen=100_000)
    )

    assert sentences == [
        "Training for ¥12,345.67 counts.",
        "STORAGE for ¥2,000.00 does not count: the programme does not pay for this category.",
        "Eligible spending: ¥12,345.67.",
        "The programme pays 30.00% of it: ¥3,703.70.",
        "Rounded down to whole units of ¥1.00: ¥3,703.00.",
        "At most ¥1,000.00, what is left on the voucher: ¥1,000.00.",
        "The voucher pays ¥1,000.00.",
    ]


def test_a_refusal_is_explained():
    assert said(replace(QINGYANG, min_award_fen=500_000), training(1_000))[-2:] == [
        "The programme awards ¥5,000.00 or nothing.",
        "The voucher pays nothing: the award would be below the programme's minimum.",
    ]


@pytest.mark.parametrize(
    ("codes", "sentences"),
    [(StepCode, explanations.STEPS), (Refusal, explanations.REFUSALS), (rules.Cap, explanations.CAPS)],
)
def test_nothing_is_left_unsaid(codes, sentences):
    assert {str(code) for code in codes} == set(sentences)
