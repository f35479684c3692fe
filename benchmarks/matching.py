"""Clear synthetic call auctions in several ways, judge each allocation independently, and compare with the targets.

    python -m benchmarks.matching [--sizes 1000x100,10000x1000] [--seed 1] [--load 1.0] [--hours 336] [--goals 1]

Every way gets the same instance in the same run. Shares are of the certified bound of the batch with most iterations.
Times are of the second of two runs in one process, so that nothing is compiled in them, in wall and processor seconds:
the latter tell how busy the machine was. ``instant`` goes from arrays to reasons; the walk alone is timed on a board
that stands; rates of both, and growth, are of the least of five runs. Also: replay with other threads and rows, and how
time grows with size.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from benchmarks import matching_rivals
from benchmarks.matching_instances import Size, generate
from market.matching.auction import board as boards
from market.matching.auction import checker, clearing
from market.matching.auction.clearing import Outcome, Rules, clear
from market.matching.auction.reading import instance_of

Arrays = dict[str, Any]


class Goal(NamedTuple):
    """A column of the table: so many iterations on so many threads should reach a share within some seconds.

    A warm one begins with the prices of the run before it.
    """

    iterations: int
    threads: int
    share: float
    seconds: float
    warm: bool = False

    @property
    def name(self) -> str:
        return f"{'warm' if self.warm else 'batch'} {self.iterations} on {self.threads}"


GOALS = {
    1_000: [Goal(1_000, 1, 0.975, 5.0), Goal(120, 1, 0.975, 1.0, warm=True)],
    10_000: [Goal(100, 1, 0.95, 10.0), Goal(900, 1, 0.97, 60.0)],
    100_000: [Goal(8, 2, 0.90, 10.0), Goal(150, 2, 0.95, 300.0)],
}
INSTANT = {10_000: 300_000, 100_000: 50_000}
EXPONENT = 1.15
REPEATS = 5


class Run(NamedTuple):
    """A method's outcome, its wall and processor seconds, and whether the checker found faults."""

    name: str
    outcome: Outcome
    seconds: float
    busy: float
    faults: int


def main() -> None:
    """Measure all sizes and print the table."""
    options = _options()
    times = []
    for text in options.sizes.split(","):
        requests, offers = map(int, text.split("x"))
        arrays = generate(Size(requests, offers, options.hours, options.load, options.seed))
        print(f"\n== {requests:,} requests, {offers:,} offers, {options.hours} h, load {options.load}", flush=True)
        runs = list(_measure(arrays, requests, options.goals))
        _report(runs, requests)
        times.append((requests, _rates(arrays, requests)))
        if requests <= 10_000:
            _replay(arrays)
        if requests <= 1_000 and options.rivals:
            _rivals(arrays, min(run.outcome.bound for run in runs), options.rivals)
    for (small, quick), (large, slow) in pairwise(times):
        exponent = math.log(slow / quick) / math.log(large / small)
        print(f"instant {small:,} → {large:,}: time grows with exponent {exponent:.2f} (asked ≤ {EXPONENT})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000x100,10000x1000")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--load", type=float, default=1.0)
    parser.add_argument("--hours", type=int, default=336)
    parser.add_argument("--goals", type=int, default=0, help="how many goals of each size; 0 for all")
    parser.add_argument("--rivals", type=float, default=30, help="seconds for HiGHS; 0 leaves the rivals out")
    return parser.parse_args()


def _measure(arrays: Arrays, requests: int, goals: int) -> Iterator[Run]:
    for method in ("instant", "price"):
        yield _run(method, arrays, Rules(method, 1), 1)
    prices = None
    for goal in GOALS.get(requests, [Goal(100, 1, 0.95, math.inf)])[: goals or None]:
        rules = Rules("batch", goal.iterations, warm=prices if goal.warm else None)
        run = _run(goal.name, arrays, rules, goal.threads)
        prices = run.outcome.prices
        yield run


def _run(name: str, arrays: Arrays, rules: Rules, threads: int) -> Run:
    small = instance_of(generate(Size(40, 8, 48)))
    clear(small, Rules(rules.method, 1))
    began, busy = time.perf_counter(), time.process_time()
    outcome = clear(instance_of(arrays), rules, threads=threads)
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    return Run(name, outcome, seconds, busy, len(checker.faults(arrays, outcome.offer, outcome.start)))


def _least(act: Callable[[], object]) -> float:
    """Return the least processor seconds of a few runs: one may be twice as long, by what the caches hold."""
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        act()
        times.append(time.process_time() - began)
    return min(times)


def _report(runs: list[Run], requests: int) -> None:
    bound = min(run.outcome.bound for run in runs)
    goals = {goal.name: goal for goal in GOALS.get(requests, [])}
    for run in runs:
        share, own = run.outcome.welfare / bound, run.outcome.welfare / run.outcome.bound
        goal = goals.get(run.name)
        asked = f"asked {goal.share:.1%} in {goal.seconds:.0f} s" if goal else ""
        print(
            f"{run.name:16} {share:7.2%} of the best bound, {own:7.2%} of its own, {run.seconds:8.2f} s "
            f"({run.busy:.2f} s of processors), "
            f"{(run.outcome.offer >= 0).sum():,} matched, {run.faults} faults {asked}",
            flush=True,
        )


def _rates(arrays: Arrays, requests: int) -> float:
    """Print how fast instant is, from arrays to reasons and its walk alone; return the seconds of the former."""
    board = boards.build(instance_of(arrays))
    whole = _least(lambda: clear(instance_of(arrays), Rules("instant", 1)))
    walk = _least(lambda: clearing.walked(board, "instant"))
    asked = f"asked {INSTANT[requests]:,}" if requests in INSTANT else ""
    print(f"instant: {requests / whole:,.0f}/s from arrays to reasons, {requests / walk:,.0f}/s walk {asked}")
    return whole


def _replay(arrays: Arrays) -> None:
    """Clear once more with the rows in another order and on other threads."""
    order = np.random.default_rng(0).permutation(len(arrays["req_seq"]))
    other = {name: array[order] if name.startswith("req_") else array for name, array in arrays.items()}
    first, second = (
        clear(instance_of(some), Rules("batch", 5), threads=threads) for some, threads in ((arrays, 1), (other, 2))
    )
    same = np.array_equal(first.offer[order], second.offer) and np.array_equal(first.start[order], second.start)
    print(f"replay with other rows and threads: {'identical' if same and first.bound == second.bound else 'DIFFERENT'}")


def _rivals(arrays: Arrays, bound: int, seconds: float) -> None:
    """Print what HiGHS makes of the same auction in some seconds, and the rate of a plain order book."""
    welfare, dual, columns, took = matching_rivals.milp(arrays, seconds=seconds)
    found = f"{welfare / bound:.2%} of our bound, own bound {dual / bound:.2%}" if math.isfinite(welfare) else "nothing"
    print(f"HiGHS, {columns:,} columns: {found} in {took:.0f} s")
    requests = len(arrays["req_seq"])
    print(f"order-matching, a plain book of {requests:,} orders: {matching_rivals.plain_book(requests):,.0f} orders/s")


if __name__ == "__main__":
    main()
