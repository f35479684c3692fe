"""What others make of an auction: HiGHS on the whole program, and a plain order book on as many orders.

Both are for scale. HiGHS solves the time-indexed program of every feasible (request, offer, start); the plain book
knows one scalar price and no hours at all.
"""

import time
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import highspy
import numpy as np
import numpy.typing as npt

Arrays = dict[str, Any]
Int64s = npt.NDArray[np.int64]


class Columns(NamedTuple):
    """Every feasible placement: who, where, from when, with how many cards, at what surplus in micro-yuan."""

    request: Int64s
    offer: Int64s
    start: Int64s
    cards: Int64s
    surplus: Int64s


def placements(arrays: Arrays) -> Columns:
    """Return all placements that fit alone and leave a surplus."""
    horizon = arrays["cap"].shape[1]
    found = []
    for request in range(len(arrays["req_hours"])):
        hours, value = int(arrays["req_hours"][request]), int(arrays["req_value"][request])
        first = max(int(arrays["req_start_min"][request]), 0)
        last = min(int(arrays["req_start_max"][request]), horizon - hours)
        for offer in _acceptable(arrays, request) if first <= last else ():
            cards = int(arrays["req_count"][request, arrays["offer_class"][offer]])
            ask = np.broadcast_to(arrays["offer_ask"][offer], horizon)
            spent = np.concatenate([[0], np.cumsum(ask)])
            starts = np.arange(first, last + 1)
            surplus = value * hours - cards * (spent[starts + hours] - spent[starts])
            tight = np.concatenate([[0], np.cumsum(arrays["cap"][offer] < cards)])
            good = (surplus > 0) & (tight[starts + hours] == tight[starts])
            found += [
                (request, offer, start, cards, gain) for start, gain in zip(starts[good], surplus[good], strict=True)
            ]
    return Columns(*np.array(found, dtype=np.int64).T)


def _acceptable(arrays: Arrays, request: int) -> Int64s:
    wanted = arrays["req_count"][request][arrays["offer_class"]] > 0
    fine = (arrays["offer_attr"] >= arrays["req_attr_min"][request]).all(axis=1)
    near = arrays["ring"][arrays["req_home"][request], arrays["offer_region"]] <= arrays["req_ring_max"][request]
    return np.flatnonzero(wanted & fine & near)


def milp(arrays: Arrays, *, seconds: float) -> tuple[float, float, int, float]:
    """Return welfare and bound that HiGHS reaches within some seconds, its columns, and the seconds that it took."""
    columns = placements(arrays)
    model = highspy.Highs()
    model.silent()
    model.setOptionValue("time_limit", seconds)
    model.passModel(_program(arrays, columns))
    began = time.perf_counter()
    model.run()
    info = model.getInfo()
    return -info.objective_function_value, -info.mip_dual_bound, len(columns.request), time.perf_counter() - began


def _program(arrays: Arrays, columns: Columns) -> highspy.HighsLp:
    requests, (_offers, horizon) = len(arrays["req_hours"]), arrays["cap"].shape
    lengths = arrays["req_hours"][columns.request].astype(np.int64) + 1
    starts = np.concatenate([[0], np.cumsum(lengths)])
    index = np.empty(starts[-1], dtype=np.int32)
    value = np.empty(starts[-1])
    for column, begin in enumerate(starts[:-1]):
        end = starts[column + 1]
        hour = requests + columns.offer[column] * horizon + columns.start[column]
        index[begin], value[begin] = columns.request[column], 1.0
        index[begin + 1 : end] = np.arange(hour, hour + end - begin - 1)
        value[begin + 1 : end] = columns.cards[column]
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(columns.request), requests + arrays["cap"].size
    program.col_cost_ = -columns.surplus.astype(float)
    program.col_lower_, program.col_upper_ = np.zeros(len(columns.request)), np.ones(len(columns.request))
    program.row_lower_ = np.full(program.num_row_, -highspy.kHighsInf)
    program.row_upper_ = np.concatenate([np.ones(requests), arrays["cap"].ravel().astype(float)])
    program.integrality_ = [highspy.HighsVarType.kInteger] * program.num_col_
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_, program.a_matrix_.value_ = starts, index, value
    return program


def plain_book(orders: int) -> float:
    """Return how many limit orders a second PyPI's order-matching takes: one price, no hours, no conditions."""
    from loguru import logger  # noqa: PLC0415
    from order_matching.enums import Side  # noqa: PLC0415
    from order_matching.matching_engine import MatchingEngine  # noqa: PLC0415 - it takes seconds to import
    from order_matching.order import LimitOrder  # noqa: PLC0415
    from order_matching.orders import Orders  # noqa: PLC0415

    logger.disable("order_matching")
    draw = np.random.default_rng(1)
    at = datetime(2026, 7, 1)  # noqa: DTZ001 - it compares naive instants
    book = [
        LimitOrder(
            side=Side.BUY if number % 2 else Side.SELL,
            price=float(draw.integers(90, 110)),
            size=float(draw.integers(1, 64)),
            timestamp=at + timedelta(microseconds=number),
            order_id=str(number),
            trader_id=str(number),
        )
        for number in range(orders)
    ]
    engine = MatchingEngine(seed=1)
    began = time.perf_counter()
    engine.place(orders=Orders(book))
    engine.match(timestamp=at + timedelta(seconds=1))
    return orders / (time.perf_counter() - began)
