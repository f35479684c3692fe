"""Clear one auction from a file.

    python -m market.matching INSTANCE.npz --out RESULT.npz

Prints one line of JSON. Money is in micro-yuan; ``seconds`` covers everything but starting Python. What is wrong with
the input is one line on standard error, and the exit status is then 2.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, get_args

import numpy as np

from market.matching.auction import clearing, reading
from market.matching.auction.clearing import Method, Outcome, Rules
from market.matching.auction.instance import BadInput, Instance
from market.matching.auction.reasons import Reason

MOST_BP = 10_000
MOST_ITERATIONS = 1_000_000


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command and stop."""
        self.exit(2, f"{self.prog}: {message}\n")


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not between {least} and {most}")
        return value

    return number


def parser() -> argparse.ArgumentParser:
    parser = Parser(prog="market.matching", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instance", type=Path, help="the auction, in NumPy's npz format")
    parser.add_argument("--out", type=Path, required=True, help="where to write offer, start, reason and detail")
    parser.add_argument("--method", choices=get_args(Method), default="batch")
    parser.add_argument("--iterations", type=_number(1, MOST_ITERATIONS), help="the budget: no clock decides anything")
    parser.add_argument("--seed", type=_number(0, 2**31 - 1), default=1)
    parser.add_argument("--threads", type=_number(1, 1024), help="do not change the outcome; all cores by default")
    parser.add_argument("--reserve-bp", type=_number(0, MOST_BP), default=0, help="for small firms and vouchers")
    parser.add_argument("--ageing-bp", type=_number(0, MOST_BP), default=0, help="of the value, per batch waited")
    parser.add_argument("--warm", type=Path, help="prices of an earlier batch to begin with: a part of the input")
    parser.add_argument("--prices", type=Path, help="where to write the prices of this batch")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Read, clear, write, and print the figures."""
    options = parser().parse_args(arguments)
    try:
        print(json.dumps(run(options)))  # noqa: T201 - it is a command
    except BadInput as error:
        sys.exit(_complain(str(error)))


def _complain(sentence: str) -> int:
    print(f"market.matching: {sentence}", file=sys.stderr)  # noqa: T201
    return 2


def run(options: argparse.Namespace) -> dict[str, int | float | str]:
    """Return the figures of one run.

    :raises BadInput: if the input makes no sense or a file cannot be read or written.
    """
    began = time.perf_counter()
    for path in filter(None, (options.out, options.prices)):
        _write(path, {})
    instance = reading.read(options.instance)
    warm = reading.read_prices(options.warm) if options.warm else None
    rules = Rules(options.method, options.iterations or 0, options.seed, options.reserve_bp, options.ageing_bp, warm)
    outcome = clearing.clear(instance, rules, threads=options.threads or os.cpu_count() or 1)
    names = {"reason_names": np.array([reason.name.lower() for reason in Reason])}
    answers = {name: getattr(outcome, name) for name in ("offer", "start", "reason", "detail")}
    _write(options.out, answers | names)
    if options.prices:
        _write(options.prices, {"price": outcome.prices})
    return _figures(instance, rules, outcome, time.perf_counter() - began)


def _figures(instance: Instance, rules: Rules, outcome: Outcome, seconds: float) -> dict[str, int | float | str]:
    return {
        "welfare": outcome.welfare,
        "bound": outcome.bound,
        "gap": round((outcome.bound - outcome.welfare) / outcome.bound, 6) if outcome.bound else 0.0,
        "matched": int((outcome.offer >= 0).sum()),
        "requests": instance.requests,
        "seconds": round(seconds, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "input_sha256": instance.sha256(*rules.declared()),
    }


def _write(path: Path, arrays: dict[str, Any]) -> None:
    try:
        with path.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error


if __name__ == "__main__":
    main()
