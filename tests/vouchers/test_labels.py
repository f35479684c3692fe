"""Every parameter has a name in both languages, and a change reads as a line."""

from django.utils import translation

from tests.vouchers.parameters.samples import plain
from vouchers import labels
from vouchers.parameters import codec
from vouchers.parameters.differences import differences

LANGUAGE = {"All", "AnyOf", "Not", "Is", "Below", "AtMost", "Above", "AtLeast", "Equals", "Among", "Has"}


def test_every_parameter_has_a_name_in_both_languages():
    schema = codec.schema()["$defs"]
    names = {name for kind, one in schema.items() if kind not in LANGUAGE for name in one.get("properties", {})}

    assert names == set(labels.NAMES)
    with translation.override("zh-hans"):
        assert not [name for name, label in labels.NAMES.items() if str(label).isascii()]


def test_changes_read_as_lines_in_yuan_and_per_cent():
    before = plain(allocation__reviewers_required=1)
    after = plain(
        award__tiers=[
            {"code": "BASE", "bp": 4_050},
            {"code": "YOUNG", "bp": 5_000, "when": {"op": "is", "fact": "is_sme"}},
        ],
        money__budget_fen=20_000_000,
        allocation__expert_panel=True,
        settlement__claim_window={"opens_on": "2025-03-01", "closes_on": "2025-04-01"},
    )

    with translation.override("en"):
        lines = labels.sentences(differences(before, after))

    assert lines == [
        "Budget and rounding › budget: ¥100,000.00 → ¥200,000.00",
        "Ratio and base › ratios BASE › ratio: 30.00 % → 40.50 %",
        "Allocation › expert panel: no → yes",
        "Ratio and base › ratios YOUNG › code: – → YOUNG",
        "Ratio and base › ratios YOUNG › ratio: – → 50.00 %",
        "Ratio and base › ratios YOUNG › condition: – → is_sme",
        "Ratio and base › ratios YOUNG › priority: – → 0",
        "Claims and payment › window for claims › opens on: – → 2025-03-01",
        "Claims and payment › window for claims › closes on: – → 2025-04-01",
    ]


def test_choices_and_lists_of_things_are_written_in_words():
    tranches = [{"released_on": "2025-01-01", "amount_fen": 1_00}, {"released_on": "2025-07-01", "amount_fen": 2_00}]

    with translation.override("en"):
        assert labels.shown("money.tranches", tranches) == (
            "released on 2025-01-01; amount ¥1.00, released on 2025-07-01; amount ¥2.00"
        )
        assert labels.shown("caps.cap_basis", ["GRANT", "REDEEM"]) == "Grants, Redemptions"
        assert labels.shown("award.tiers[DATA].code", "DATA") == "DATA"  # a code is no choice
