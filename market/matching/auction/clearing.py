"""Clear an auction: the whole way from an instance to an allocation, its bound and its reasons."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from market.matching.auction import board as boards
from market.matching.auction import choices, learning, plan, rounds, tariffs, walk
from market.matching.auction.board import Board
from market.matching.auction.choices import Choices
from market.matching.auction.hands import Hands
from market.matching.auction.instance import BadInput, Instance, Int32s, Int64s
from market.matching.auction.neighbourhoods import Floats
from market.matching.auction.plan import Plan
from market.matching.auction.reasons import explain
from market.matching.auction.tariffs import Tariff

Method = Literal["instant", "fifo", "price", "batch"]

FIRST_STEP, LAST_STEP = 0.4, 0.3
BATCHES = 2
RENEWALS = 20
ROUNDS = 10
HEAT = 20
STEPS_PER_REQUEST = 0.4
SMALL, FEW, MANY = 2_000, 100, 200
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

    No allocation whatsoever has more welfare than ``bound``. ``prices[part, hour]`` come on top of the asks.
    """

    offer: Int32s
    start: Int32s
    reason: Int32s
    detail: Int64s
    welfare: int
    bound: int
    prices: Int64s


def default_iterations(requests: int) -> int:
    """Return how many iterations are a good bargain."""
    return MANY if requests <= SMALL else FEW


def clear(instance: Instance, rules: Rules, *, threads: int = 1) -> Outcome:
    """Match requests with offers; the same instance and rules give the same outcome on every machine.

    :raises BadInput: if the warm prices do not belong to the instance.
    """
    hands = Hands(threads)
    board = boards.build(instance, reserve_bp=rules.reserve_bp, ageing_bp=rules.ageing_bp)
    tariff = tariffs.build(board)
    if rules.warm is not None:
        _warm(board, tariff, rules.warm)
    iterations = rules.iterations or default_iterations(instance.requests)
    chosen = choices.nothing(instance.requests)
    short = learning.empty(instance.requests)
    if rules.method == "batch":
        _learn(board, tariff, chosen, short, iterations, rules, hands)
    choices.respond(board, tariff, chosen, hands)
    allocation = _allocate(board, tariff, chosen, short, iterations, rules, hands)
    return _outcome(instance, board, tariff, chosen, allocation, hands)


def _warm(board: Board, tariff: Tariff, prices: Int64s) -> None:
    """Begin with the prices of an earlier batch; closed hours keep the price that nobody can pay."""
    used = board.part >= 0
    shape = (int(used.sum()), board.cap.shape[1])
    if prices.shape != shape:
        raise BadInput(f"the warm prices have the shape {prices.shape}: {shape} was expected")
    top = tariff.top[used, None]
    units = np.minimum(prices[board.part[used]] // tariff.micro, top)
    tariff.price[used] = np.where(board.cap[used] > 0, units, top)
    tariffs.add_up_all(tariff)


def _learn(
    board: Board,
    tariff: Tariff,
    chosen: Choices,
    short: learning.Shortlist,
    iterations: int,
    rules: Rules,
    hands: Hands,
) -> None:
    """Let prices follow demand for so many passes, in ever smaller steps; warm prices need no large ones."""
    order = _order(board, rules.seed)
    batches = [np.ascontiguousarray(order[first::BATCHES]) for first in range(BATCHES)]
    first = min(FIRST_STEP, iterations / 50) if rules.warm is None else FIRST_STEP / 10
    last = LAST_STEP / (4 + iterations)
    for index in range(iterations):
        if index % RENEWALS == 0:
            learning.shortlist(board, tariff, short, hands)
        step = first * (last / first) ** (index / max(iterations - 1, 1))
        for batch in batches:
            learning.learn(board, tariff, chosen, short, batch, step, hands)
            learning.relax(board, tariff, step / BATCHES, hands)


def _order(board: Board, seed: int) -> Int64s:
    """Return the requests at random, but near those that want the same class at the same time: caches like that."""
    order = np.random.default_rng(seed).permutation(len(board.hours))
    wants = np.zeros(len(order), dtype=np.int64)
    picky = np.diff(board.kind_at) > 0
    wants[picky] = board.kinds[board.kind_at[:-1][picky]]
    return order[np.lexsort((board.lo[order] // 24, wants[order]))].astype(np.int64)


def _allocate(
    board: Board,
    tariff: Tariff,
    chosen: Choices,
    short: learning.Shortlist,
    iterations: int,
    rules: Rules,
    hands: Hands,
) -> Plan:
    requests = np.arange(len(board.hours), dtype=np.int64)
    if rules.method in ("instant", "fifo"):
        return _serve(board, requests)
    worth = (board.value + board.bonus).astype(np.float64)
    work = _least_cards(board) * board.hours
    if rules.method == "price":
        return _serve(board, _first(worth / work))
    rank = np.stack([worth, chosen.utility + INDIFFERENT * tariff.worth]) / np.sqrt(work)
    ready = _serve(board, _first(rank[0]))
    priced = plan.empty(board)
    walk.serve(board, priced, tariff.due, tariff.least, tariff.worth, _first(chosen.utility.astype(np.float64)))
    walk.serve(board, priced, board.spent, board.floor, board.value, _first(rank[0]))
    better = priced if int(priced.gain.sum()) > int(ready.gain.sum()) else ready
    learning.shortlist(board, tariff, short, hands)
    steps = int(iterations * len(requests) * STEPS_PER_REQUEST) // ROUNDS
    for index in range(ROUNDS):
        seed = rules.seed * ROUNDS + index
        rounds.play(
            board,
            tariff,
            better,
            short,
            rank,
            chosen.utility,
            steps=steps,
            seed=seed,
            heat=max(HEAT - HEAT * index // (ROUNDS - 2), 0),
            hands=hands,
        )
    return better


def _serve(board: Board, order: Int64s) -> Plan:
    """Return the plan of serving requests in an order, each as cheaply as possible."""
    served = plan.empty(board)
    walk.serve(board, served, board.spent, board.floor, board.value, order)
    return served


def _least_cards(board: Board) -> Int64s:
    """Return how few cards each request needs in the class that serves it with fewest; at least one."""
    least = np.full(len(board.hours), 2**31, dtype=np.int64)
    np.minimum.at(least, np.repeat(np.arange(len(least)), np.diff(board.kind_at)), board.needs)
    return least


def _first(rank: Floats) -> Int64s:
    """Return the requests by rank, the greatest first; equal ones in the order of submission."""
    return np.argsort(-rank, kind="stable").astype(np.int64)


def _outcome(
    instance: Instance, board: Board, tariff: Tariff, chosen: Choices, allocation: Plan, hands: Hands
) -> Outcome:
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
        bound=choices.bound_micro(board, tariff, chosen),
        prices=_prices(board, tariff),
    )


def _prices(board: Board, tariff: Tariff) -> Int64s:
    """Return the prices by part: of the offers, then of what is reserved of each where something is."""
    used = board.part >= 0
    prices = np.zeros((int(used.sum()), board.cap.shape[1]), dtype=np.int64)
    prices[board.part[used]] = np.where(board.cap > 0, tariff.price, 0)[used].astype(np.int64) * tariff.micro
    return prices
