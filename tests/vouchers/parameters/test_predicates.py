"""Conditions: three values, a whitelist, and a text that people can read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.parameters import Facts
from vouchers.parameters.formulas import BadFormula, parse, written
from vouchers.parameters.predicates import All, AnyOf, Is, Not, flaws, holds

YOUNG = parse("established_days < 365")


@pytest.mark.parametrize(
    ("text", "facts", "answer"),
    [
        ("established_days < 365", {"established_days": 364}, True),
        ("established_days < 365", {"established_days": 365}, False),
        ("established_days < 365", {}, None),
        ("not established_days < 365", {}, None),
        (
            "is_sme and annual_contract_sum_fen <= 50000000",
            {"is_sme": True, "annual_contract_sum_fen": 50_000_000},
            True,
        ),
        ("is_sme and annual_contract_sum_fen <= 50000000", {"is_sme": False}, False),
        ("is_sme and annual_contract_sum_fen <= 50000000", {"is_sme": True}, None),
        ("facility_type == 'DOMESTIC' or filed_model_service", {"filed_model_service": True}, True),
        ("facility_type == 'DOMESTIC' or filed_model_service", {"facility_type": "OTHER"}, None),
        ("industry in ['A', 'B']", {"industry": "B"}, True),
        ("qualifications has '高新'", {"qualifications": ("高新",)}, True),
        ("not (nth_use > 1) and nth_use >= 1 and nth_use == 1", {"nth_use": 1}, True),
    ],
)
def test_a_condition_holds_only_of_what_is_known(text, facts, answer):
    assert holds(parse(text), Facts(**facts)) is answer
    assert holds(parse(written(parse(text))), Facts(**facts)) is answer


def test_no_condition_is_for_everyone():
    assert holds(None, Facts()) is True
    assert flaws(None) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "is_sme and",
        "established_days <",
        "a in [",
        "a in ['x'",
        "(a",
        "a b",
        "a == x",
        "a;b",
        "$",
        "x" * 2_001,
        "(" * 500,
    ],
)
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(BadFormula):
        parse(text)


leaves = st.sampled_from([Is(fact="is_sme"), Is(fact="in_incubator"), YOUNG, parse("industry in ['A']")])
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, of=inner),
        st.builds(All, of=st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, of=st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
facts = st.builds(
    Facts,
    is_sme=st.none() | st.booleans(),
    in_incubator=st.none() | st.booleans(),
    established_days=st.none() | st.integers(0, 1_000),
    industry=st.none() | st.sampled_from("AB"),
)


@given(condition=conditions, known=facts)
def test_learning_more_never_turns_an_answer_round(condition, known):
    whole = Facts(
        is_sme=True if known.is_sme is None else known.is_sme,
        in_incubator=True if known.in_incubator is None else known.in_incubator,
        established_days=1 if known.established_days is None else known.established_days,
        industry=known.industry or "A",
    )

    answer = holds(condition, known)

    assert holds(condition, whole) in {True, False}
    assert answer is None or answer is holds(condition, whole)
    assert holds(parse(written(condition)), known) is answer
