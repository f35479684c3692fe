"""Clear an auction: the whole way from an instance to an allocation, its bound and its reasons."""

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from market.matching.auction import board as boards
from market.matching.auction import choices, duals, plan, promptness, rounds, shortlists, tariffs, walk
from market.matching.auction.board import Board
from market.matching.auction.choices import Choices
from market.matching.auction.hands import Hands
from market.matching.auction.insistence import insist
from market.matching.auction.instance import Instance, Int32s, Int64s
from market.matching.auction.notes import Floats, Mood, Search
from market.matching.auction.plan import Plan
from market.matching.auction.reasons import explain
from market.matching.auction.shortlists import Shortlist
from market.matching.auction.tariffs import Tariff

Method = Literal["instant", "fifo", "price", "batch"]

LENGTH, LISTED = 64, 4
FEWEST, ROUNDS = 8, 30
HEAT, HEATED, LEASH = 200, 2, 500
# In a large market a request likes many more slots, and a search as long cannot make good as much boldness.
LARGE_LENGTH, LARGE_HEAT = 512, 40
STEPS_PER_REQUEST, INSISTED = 0.4, 2
# With fewer iterations than this, a large market is not searched.
UNHURRIED, UNUSED = 12, 4
SMALL, FEW, MANY, WARM = 2_000, 100, 1_000, 120
INDIFFERENT = 0.1


@dataclass(frozen=True, slots=True)
class Rules:
    """What else decides an outcome, besides the instance.

    ``reserve_bp`` of every offer is for small firms and voucher orders; each batch that a request has waited adds
    ``ageing_bp`` of its value to its rank, at most the value itself. ``warm`` are the prices of an earlier batch.
    """

    method: Method = "batch"
    iterations: int = 0
    seed: int = 1
    reserve_bp: int = 0
    ageing_bp: int = 0
    warm: Int64s | None = None

    def declared(self) -> tuple[str, ...]:
        """Return what belongs to the input besides the instance: the rules of fairness, and prices to begin with."""
        warm = "" if self.warm is None else hashlib.sha256(self.warm.tobytes()).hexdigest()
        return (f"reserve {self.reserve_bp}", f"ageing {self.ageing_bp}", f"warm {warm}")


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Offer, start, reason and detail by request, in the order in which the requests were given; money in micro-yuan.

    No allocation whatsoever has more welfare than ``bound``. ``prices[part, level, hour]`` come on top of the asks.
    """

    offer: Int32s
    start: Int32s
    reason: Int32s
    detail: Int64s
    welfare: int
    bound: int
    prices: Int64s


class Proof(NamedTuple):
    """What no allocation exceeds, and the prices that prove it."""

    bound: int
    prices: Int64s


def default_iterations(requests: int, *, warm: bool = False) -> int:
    """Return how many iterations are a good bargain: about three seconds for a small market, one with known prices."""
    if requests > SMALL:
        return FEW
    return WARM if warm else MANY


def clear(instance: Instance, rules: Rules, *, threads: int = 1) -> Outcome:
    """Match requests with offers; the same instance and rules give the same outcome on every machine.

    :raises BadInput: if the warm prices do not belong to the instance.
    """
    hands = Hands(threads)
    board = boards.build(instance, reserve_bp=rules.reserve_bp, ageing_bp=rules.ageing_bp)
    if rules.method != "batch" and rules.warm is None:
        free = np.zeros((int((board.part >= 0).sum()), 1, instance.horizon), dtype=np.int64)
        return _outcome(instance, board, walked(board, rules.method), Proof(choices.at_most_micro(board), free), hands)
    iterations = rules.iterations or default_iterations(instance.requests, warm=rules.warm is not None)
    tariff = tariffs.build(board, tariffs.FEW_BLOCKS if _is_hasty(board, iterations) else tariffs.BLOCKS)
    chosen = choices.nothing(instance.requests)
    if rules.warm is not None:
        duals.begin_with(board, tariff, rules.warm)
    if rules.method == "batch":
        step = duals.FIRST_STEP if rules.warm is None else duals.WARM_STEP
        course = duals.Course(duals.passes(iterations), rules.seed, step)
        duals.learn(instance, board, tariff, chosen, course, hands)
    short = shortlists.respond(board, tariff, chosen, _length(board, iterations), hands)
    proof = Proof(choices.bound_micro(board, tariff, chosen), duals.prices(board, tariff))
    if rules.method != "batch":
        return _outcome(instance, board, walked(board, rules.method), proof, hands)
    allocation = _search(board, tariff, chosen, short, iterations, rules.seed, hands)
    return _outcome(instance, board, allocation, proof, hands)


def walked(board: Board, method: Method) -> Plan:
    """Return the plan of serving requests one after the other, each as cheaply as possible."""
    order = np.arange(len(board.hours), dtype=np.int64)
    if method == "price":
        order = _first(_worth(board) / _work(board))
    served = plan.empty(board)
    walk.serve(board, served, board.spent, board.floor, board.value, 1, order)
    return served


def _search(
    board: Board, tariff: Tariff, chosen: Choices, short: Shortlist, iterations: int, seed: int, hands: Hands
) -> Plan:  # fmt: skip
    """Return the plan that begins with the best of a few walks and is improved round by round.

    In a large market a few rounds would not improve it: learning for as long is worth more.
    """
    rank = np.stack([_worth(board), chosen.utility + INDIFFERENT * tariff.worth]) / np.sqrt(_work(board))
    if _is_hasty(board, iterations):
        better = _begin_at_once(board, rank[0], chosen.utility + INDIFFERENT * tariff.worth, hands)
    else:
        better = _begin(board, tariff, rank, chosen, short, hands)
        better = _improve(board, tariff, better, chosen, short, rank, iterations, seed, hands)
    promptness.hasten(board, better)
    return better


def _length(board: Board, iterations: int) -> int:
    """Return how many slots a request is placed among."""
    if _is_hasty(board, iterations):
        return UNUSED
    return min(LARGE_LENGTH if _is_large(board) else LENGTH, LISTED * iterations)


def _is_large(board: Board) -> bool:
    return len(board.hours) >= rounds.LARGE


def _is_hasty(board: Board, iterations: int) -> bool:
    return _is_large(board) and iterations < UNHURRIED


def _improve(
    board: Board, tariff: Tariff, begun: Plan, chosen: Choices, short: Shortlist, rank: Floats, iterations: int,
    seed: int, hands: Hands,
) -> Plan:  # fmt: skip
    """Return a plan that was improved in a number of rounds, or as it was begun if that is better.

    The first rounds are bold, the more so the more steps there are to make good what that loses.
    """
    better = plan.twin(board, begun)
    number = min(max(iterations, FEWEST), ROUNDS)
    steps = int(iterations * len(board.hours) * STEPS_PER_REQUEST) // number
    best, heat = int(begun.gain.sum()), min(LARGE_HEAT if _is_large(board) else HEAT, HEATED * iterations)
    for index in range(number):
        left, now = max(number - 2 - index, 0), int(better.gain.sum())
        best = max(best, now)
        mood = Mood(heat * left // (number - 2), max(best * left // (number - 2) // LEASH + now - best, 0))
        effort = rounds.Effort(steps, seed * ROUNDS + index, mood)
        rounds.play(board, tariff, better, short, rank, chosen.utility, effort, hands)
    better = max(begun, better, key=lambda made: int(made.gain.sum()))
    if not _is_large(board):
        search = Search(*rounds.fans_of(short, len(board.offer)), rank, chosen.utility)
        insist(board, tariff, better, short, search, INSISTED * iterations, seed)
    return better


def _begin_at_once(board: Board, by_work: Floats, by_utility: Floats, hands: Hands) -> Plan:
    """Return the better of two plans at the asks: by value per root of the work, or by what the prices leave."""
    ranks, plans = (by_utility, by_work), [plan.empty(board), plan.empty(board)]

    def work(number: int) -> None:
        walk.serve(board, plans[number], board.spent, board.floor, board.value, 1, _first(ranks[number]))

    hands.each(work, len(plans))
    return max(plans, key=lambda made: int(made.gain.sum()))


def _begin(board: Board, tariff: Tariff, rank: Floats, chosen: Choices, short: Shortlist, hands: Hands) -> Plan:
    """Return the best of three plans: what the prices leave, by the lists or among all offers, or value by work alone.

    Who is left over is served by value per root of the work. In a large market lists are too short to begin by.
    """
    skipped = 1 if _is_large(board) else 0
    plans = [plan.empty(board) for _ in range(3 - skipped)]
    by_rank, by_utility = _first(rank[0]), _first(chosen.utility.astype(np.float64))

    def work(number: int) -> None:
        made, way = plans[number], number + skipped
        if way == 0:
            walk.serve_by_prices(board, made, tariff, short, by_utility)
        elif way == 1:
            due, least = tariff.due[:, 0].astype(np.int64), tariff.least[:, 0].copy()
            walk.serve(board, made, due, least, tariff.worth, tariff.micro, by_utility)
        walk.serve(board, made, board.spent, board.floor, board.value, 1, by_rank)

    hands.each(work, len(plans))
    return max(reversed(plans), key=lambda made: int(made.gain.sum()))


def _worth(board: Board) -> Floats:
    return (board.value + board.bonus).astype(np.float64)


def _work(board: Board) -> Int64s:
    """Return the least card-hours of each request, in the class that serves it with fewest cards; at least one."""
    least = np.full(len(board.hours), 2**31, dtype=np.int64)
    np.minimum.at(least, np.repeat(np.arange(len(least)), np.diff(board.kind_at)), board.needs)
    return least * board.hours


def _first(rank: Floats) -> Int64s:
    """Return the requests by rank, the greatest first; equal ones in the order of submission."""
    return np.argsort(-rank, kind="stable").astype(np.int64)


def _outcome(instance: Instance, board: Board, allocation: Plan, proof: Proof, hands: Hands) -> Outcome:
    reason, detail = explain(board, allocation, hands)
    matched = allocation.slot >= 0
    offer = np.full(instance.requests, -1, dtype=np.int32)
    offer[matched] = board.offer[allocation.slot[matched]]
    given = np.argsort(instance.row)
    return Outcome(
        offer=offer[given],
        start=np.where(matched, allocation.start, -1)[given].astype(np.int32),
        reason=reason[given],
        detail=detail[given],
        welfare=int((allocation.gain - board.bonus)[matched].sum()),
        bound=proof.bound,
        prices=proof.prices,
    )
