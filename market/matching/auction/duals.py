"""Find the prices of slot-hours: begin with a sketch of the market or an earlier batch, then learn pass by pass."""

from typing import NamedTuple

import numpy as np

from market.matching.auction import board as boards
from market.matching.auction import choices, learning, shortlists, sketch, tariffs
from market.matching.auction.board import Board
from market.matching.auction.choices import Choices
from market.matching.auction.hands import Hands
from market.matching.auction.instance import BadInput, Instance, Int64s
from market.matching.auction.learning import Look
from market.matching.auction.loops import compiled
from market.matching.auction.survey import alike, show
from market.matching.auction.tariffs import Tariff

# A list has one slot in so many, within bounds; in a short course it is never used up.
LENGTH, LISTED, LONGEST = 128, 25, 512
FIRST_STEP, LAST_STEP = 0.4, 0.2
WARM_STEP, SKETCH_STEP, LONG_SKETCH_STEP = 0.03, 0.05, 0.2
# Prices that begin near their end shall move less there: among many slots each request finds the one that is off most.
CALM = 5
BATCHES = 2
SKETCHED = 30
AT_LEAST, OF_THE_REST = 40, 2
# A list lasts for so many passes, and then a glance at so many starts is enough to make it.
LASTING, GLANCE = 12, 8


class Course(NamedTuple):
    """How many passes, which random order, and how large the first step is: the nearer the prices are, the smaller."""

    passes: int
    seed: int
    step: float


def passes(iterations: int) -> int:
    """Return how many passes a budget of iterations buys: after some, searching longer is worth more than learning."""
    return min(iterations, AT_LEAST + iterations // OF_THE_REST)


def begin_with(board: Board, tariff: Tariff, prices: Int64s) -> None:
    """Begin with the prices of an earlier batch; closed hours keep the price that nobody can pay.

    :raises BadInput: if they do not belong to the instance.
    """
    used = board.part >= 0
    shape = (int(used.sum()), prices.shape[1], board.cap.shape[1])
    if prices.shape != shape:
        raise BadInput(f"the warm prices have the shape {prices.shape}: {shape} was expected")
    _set_all(board, tariff, prices)
    tariffs.add_up_all(tariff)


@compiled
def _set_all(board: Board, tariff: Tariff, prices: Int64s) -> None:
    """Set the prices of open hours, level by level up to the top."""
    levels = min(len(tariff.blocks), prices.shape[1])
    for slot in range(len(board.part)):
        for hour in range(board.cap.shape[1] if board.part[slot] >= 0 else 0):
            left = tariff.top[slot]
            for level in range(levels if board.cap[slot, hour] > 0 else 0):
                price = min(prices[board.part[slot], level, hour] // tariff.micro, left)
                tariff.price[slot, level, hour] = price
                left -= price


def prices(board: Board, tariff: Tariff) -> Int64s:
    """Return the prices by part and level: of the offers, then of what is reserved of each where something is."""
    by_part = np.zeros((int((board.part >= 0).sum()), *tariff.price.shape[1:]), dtype=np.int64)
    _collect(board, tariff, by_part)
    return by_part


@compiled
def _collect(board: Board, tariff: Tariff, by_part: Int64s) -> None:
    for slot in range(len(board.part)):
        for level in range(len(tariff.blocks) if board.part[slot] >= 0 else 0):
            price, found = tariff.price[slot, level], by_part[board.part[slot], level]
            for hour in range(len(price)):
                found[hour] = price[hour] * tariff.micro if board.cap[slot, hour] > 0 else 0


def learn(instance: Instance, board: Board, tariff: Tariff, chosen: Choices, course: Course, hands: Hands) -> None:
    """Let prices follow demand for so many passes, in ever smaller steps."""
    group = sketch.groups(instance)
    if course.step == FIRST_STEP and sketch.worthwhile(group):
        drawn = sketch.draw(instance, group, course.seed)
        guess = sketch.spread(instance, group, drawn, _sketched(drawn, course.seed, hands))
        parts = int((board.part >= 0).sum()) // instance.offers
        begin_with(board, tariff, np.concatenate([guess] * parts))
        course = course._replace(step=LONG_SKETCH_STEP if course.passes > LASTING else SKETCH_STEP)
    _teach(board, tariff, chosen, course, hands)


def _sketched(instance: Instance, seed: int, hands: Hands) -> Int64s:
    board = boards.build(instance)
    tariff = tariffs.build(board, tariffs.ONE_BLOCK)
    _teach(board, tariff, choices.nothing(instance.requests), Course(SKETCHED, seed, FIRST_STEP), hands)
    return prices(board, tariff)


def _teach(board: Board, tariff: Tariff, chosen: Choices, course: Course, hands: Hands) -> None:
    order = alike(board, np.random.default_rng(course.seed).permutation(len(board.hours)))
    wide = shortlists.empty(len(order), _length(len(board.offer), course))
    batches = [np.ascontiguousarray(order[first::BATCHES]) for first in range(BATCHES)]
    first, last = course.step, LAST_STEP / (4 + course.passes)
    if first < FIRST_STEP:
        last /= CALM
    for index in range(course.passes):
        step = first * (last / first) ** (index / max(course.passes - 1, 1))
        look = _look(index, course, board.cap.shape[1])
        for batch in batches:
            show(tariff, hands)
            learning.learn(board, tariff, chosen, wide, batch, step, look, hands)
            learning.relax(board, tariff, step / BATCHES, hands)


def _length(slots: int, course: Course) -> int:
    longer = min(slots // LISTED, LONGEST) if course.passes > LASTING else 0
    return min(max(LENGTH, longer), max(slots, 1))


def _look(index: int, course: Course, horizon: int) -> Look:
    if course.passes <= LASTING:
        return Look(learning.RENEWALS, GLANCE)
    return Look(index % learning.RENEWALS, horizon)
