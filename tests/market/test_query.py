"""The query language: what it says, and where it is wrong."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import query
from market.query import Condition, Misread, Operator, Reason


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("", []),
        ("  ", []),
        ("gpu_name=A100", [("gpu_name", "=", "A100")]),
        ("GPU_NAME == a100", [("gpu_name", "=", "a100")]),
        ("num_gpus>=4 price<12.5", [("num_gpus", ">=", 4), ("price", "<", 12_500_000)]),
        ("num_gpus>4num_gpus<=8", None),
        ("price != 0.000001", [("price", "!=", 1)]),
        ('provider="北京 中心（演示）"', [("provider", "=", "北京 中心（演示）")]),
        ("site='it\"s' site=“引号”", [("site", "=", 'it"s'), ("site", "=", "引号")]),
        ("city in [北京,上海]", [("city", "in", "北京", "上海")]),
        ("city IN 【北京、上海】", [("city", "in", "北京", "上海")]),
        ("price＞＝１２", [("price", ">=", 12_000_000)]),
        ("category in [train, hpc]", [("category", "in", "GPU_TRAIN", "HPC")]),
        ("domestic=true domestic!=否", [("domestic", "=", True), ("domestic", "!=", False)]),
        ("start<=2026-10-05", [("start", "<=", date(2026, 10, 5))]),
        ("num_gpus in [8]", [("num_gpus", "in", 8)]),
        ("sch_price<3 gpu_ram>=80", [("sch_price", "<", 3_000_000), ("gpu_ram", ">=", 80)]),
    ],
)
def test_a_query_is_read(text, conditions):
    if conditions is None:
        with pytest.raises(Misread):
            query.parse(text)
        return

    assert query.parse(text) == tuple(
        Condition(field, Operator(operator), tuple(values)) for field, operator, *values in conditions
    )


@pytest.mark.parametrize(
    ("text", "reason", "word", "position"),
    [
        ("colour=red", Reason.UNKNOWN_FIELD, "colour", 1),
        ("price<3 昇腾", Reason.UNKNOWN_FIELD, "昇腾", 9),
        ("=3", Reason.UNKNOWN_FIELD, "=", 1),
        ("price 3", Reason.MISSING_OPERATOR, "3", 7),
        ("price", Reason.MISSING_OPERATOR, "", 6),
        ("price=<3", Reason.UNKNOWN_OPERATOR, "=<", 6),
        ("price~3", Reason.UNKNOWN_OPERATOR, "~", 6),
        ("city<北京", Reason.UNFIT_OPERATOR, "<", 5),
        ("domestic in [true]", Reason.UNFIT_OPERATOR, "in", 10),
        ("price<", Reason.MISSING_VALUE, "", 7),
        ("price<[3]", Reason.MISSING_VALUE, "[", 7),
        ("price<cheap", Reason.BAD_VALUE, "cheap", 7),
        ("price<-1", Reason.BAD_VALUE, "-1", 7),
        ("price<1e3", Reason.BAD_VALUE, "1e3", 7),
        ("price<NaN", Reason.BAD_VALUE, "NaN", 7),
        ("price<0.0000001", Reason.BAD_VALUE, "0.0000001", 7),
        ("price<99999999999999999999", Reason.BAD_VALUE, "99999999999999999999", 7),
        ("num_gpus=4.5", Reason.BAD_VALUE, "4.5", 10),
        ("num_gpus=½", Reason.BAD_VALUE, "½", 10),
        ("category=MINING", Reason.BAD_VALUE, "MINING", 10),
        ("domestic=perhaps", Reason.BAD_VALUE, "perhaps", 10),
        ("start=2026-13-01", Reason.BAD_VALUE, "2026-13-01", 7),
        ("start=9999-12-31", Reason.BAD_VALUE, "9999-12-31", 7),
        ("city=\x00", Reason.BAD_VALUE, "\x00", 6),
        ("city=\ud800", Reason.BAD_VALUE, "\ud800", 6),
        ("city=''", Reason.BAD_VALUE, "", 7),
        ("city in 北京", Reason.BAD_LIST, "北京", 9),
        ("city in [北京 上海]", Reason.BAD_LIST, "上海", 13),
        ("city in [北京", Reason.BAD_LIST, "", 12),
        ("city in []", Reason.MISSING_VALUE, "]", 10),
        ('city="北京', Reason.OPEN_QUOTE, '"', 6),
        ("price<3 " * 21, Reason.TOO_MANY, "price", 161),
        ("a" * 501, Reason.TOO_LONG, "a" * 20, 501),
        (f"num_gpus in [{'1,' * 50}1]", Reason.BAD_LIST, ",", 113),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_where_it_is_wrong(text, reason, word, position):
    with pytest.raises(Misread) as refusal:
        query.parse(text)

    assert (refusal.value.reason, refusal.value.word, refusal.value.position) == (reason, word, position)


def test_a_refusal_says_what_would_do():
    with pytest.raises(Misread) as field:
        query.parse("colour=red")
    with pytest.raises(Misread) as operator:
        query.parse("city<北京")

    assert field.value.expected == tuple(query.FIELDS)
    assert operator.value.expected == ("=", "!=", "in")


WORDS = st.sampled_from(
    [*query.FIELDS, *Operator, "[", "]", ",", '"', "“", "in", "3", "北京", " ", "=", "\x00", "true"]
)


@given(st.one_of(st.text(max_size=600), st.lists(WORDS, max_size=40).map("".join), st.lists(WORDS).map(" ".join)))
def test_whatever_is_typed_is_read_or_refused(text):
    refusals, conditions = [], ()
    try:
        conditions = query.parse(text)
    except Misread as refusal:
        refusals.append(refusal)

    assert all(1 <= refusal.position <= len(text) + 1 for refusal in refusals)
    assert all(condition.operator in query.OPERATORS[query.FIELDS[condition.field]] for condition in conditions)


@given(st.sampled_from(["city", "site", "provider"]), st.text(min_size=1, max_size=30))
def test_a_quoted_value_means_itself(field, value):
    clean = "".join(one for one in value if one not in '"\x00').strip()
    if clean and clean.encode("utf-8", "ignore").decode() == clean:
        assert query.parse(f'{field}="{clean}"') == (Condition(field, Operator.EQUAL, (clean,)),)
