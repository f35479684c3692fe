"""Who gets how much, with exact fen; nobody gets more than asked, and all together no more than there is."""

from hypothesis import given, settings
from hypothesis import strategies as st

from vouchers.allocation import Candidate, Method, Terms, allocate, lot, seed_commitment


def candidates(*asked, **more):
    return [
        Candidate(key=f"c{n}", asked_fen=fen, arrived=n, **{name: values[n] for name, values in more.items()})
        for n, fen in enumerate(asked)
    ]


def amounts(terms, found):
    return {award.key: award.amount_fen for award in allocate(terms, found)}


def test_who_comes_first_is_served_first_and_nobody_overtakes():
    found = candidates(400, 700, 100)

    assert amounts(Terms(method=Method.FIRST_COME, budget_fen=1_000), found) == {"c0": 400, "c1": 0, "c2": 0}
    partly = Terms(method=Method.BATCH, budget_fen=1_000, partly=True, unit_fen=250)
    assert amounts(partly, found) == {"c0": 400, "c1": 500, "c2": 0}
    least = Terms(method=Method.BATCH, budget_fen=1_000, partly=True, least_fen=601)
    assert amounts(least, found) == {"c0": 400, "c1": 0, "c2": 0}


def test_a_ranking_goes_by_score_and_a_tie_by_arrival():
    found = candidates(500, 500, 500, score=[8_000, 9_000, 9_000])

    awards = allocate(Terms(method=Method.RANKED, budget_fen=1_000), found)

    assert [(award.key, award.place, award.amount_fen) for award in awards] == [
        ("c1", 1, 500),
        ("c2", 2, 500),
        ("c0", 3, 0),
    ]


def test_shares_are_in_proportion_and_odd_units_go_by_remainder():
    terms = Terms(method=Method.PRO_RATA, budget_fen=100)

    assert amounts(terms, candidates(100, 100, 100)) == {"c0": 34, "c1": 33, "c2": 33}
    assert amounts(terms, candidates(30, 60)) == {"c0": 30, "c1": 60}
    assert amounts(Terms(method=Method.PRO_RATA, budget_fen=100, unit_fen=10), candidates(100, 50)) == {
        "c0": 70,
        "c1": 30,
    }
    assert amounts(Terms(method=Method.PRO_RATA, budget_fen=100, least_fen=40), candidates(200, 100)) == {
        "c0": 67,
        "c1": 0,
    }


def test_a_lottery_follows_from_its_seed_alone():
    found = candidates(10, 10, 10)
    terms = Terms(method=Method.LOTTERY, budget_fen=10, seed="2025-06-30")

    places = [award.key for award in allocate(terms, reversed(found))]

    assert places == sorted(("c0", "c1", "c2"), key=lambda key: lot("2025-06-30", key))
    assert seed_commitment("a") != seed_commitment("b")


def test_a_full_district_does_not_close_the_others():
    found = candidates(60, 60, 60, part=["east", "east", "west"])

    terms = Terms(method=Method.BATCH, budget_fen=1_000, quotas_fen={"east": 100})
    assert amounts(terms, found) == {"c0": 60, "c1": 0, "c2": 60}


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(list(Method)),
    budget=st.integers(0, 10_000),
    asked=st.lists(st.tuples(st.integers(1, 3_000), st.integers(0, 100), st.sampled_from("ab")), max_size=12),
    partly=st.booleans(),
    unit=st.sampled_from([1, 7, 100]),
    quota=st.integers(0, 5_000),
)
def test_no_award_is_above_what_was_asked_and_all_are_within_the_budget(method, budget, asked, partly, unit, quota):
    found = [
        Candidate(key=str(n), asked_fen=fen, arrived=n, score=score, part=part)
        for n, (fen, score, part) in enumerate(asked)
    ]
    terms = Terms(method=method, budget_fen=budget, partly=partly, unit_fen=unit, seed="s", quotas_fen={"a": quota})

    awards = allocate(terms, found)

    wanted = {one.key: one.asked_fen for one in found}
    assert sorted(award.key for award in awards) == sorted(wanted)
    assert [award.place for award in awards] == list(range(1, len(found) + 1))
    assert all(0 <= award.amount_fen <= wanted[award.key] for award in awards)
    assert sum(award.amount_fen for award in awards) <= budget
    assert awards == allocate(terms, list(reversed(found)))
    if method is not Method.PRO_RATA:
        spent = sum(award.amount_fen for award in awards if found[int(award.key)].part == "a")
        assert spent <= quota
