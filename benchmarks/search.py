"""Search ten thousand offerings through the service and by hand-written SQL, in turns, on one server of their own.

    python -m benchmarks.search [--rounds 60] [--seed 1]

A question is asked of both sides one after the other, the first of them by lot. Ours is what the market's list does:
read the query, find a page of 26 with everything that a row shows. The bare side sends one statement that a person
would write for the same question and fetches its rows as tuples. Both must find the same offerings. Facets, which a
page shows besides, are timed apart.
"""

import argparse
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.db import connection

from benchmarks.redemption import own_server

PAGE = 26
MOST_MS, MOST_RATIO = 50, 3.0
WARM_UP_ROUNDS = 3


def ours(question: Any) -> list[Any]:
    """Return the ids that the service finds, with their standings computed."""
    from market.models import Offering  # noqa: PLC0415  models need the settings of this server
    from market.selectors import measures, search  # noqa: PLC0415

    rows = search.found(Offering.objects.listed().with_place(), question.wish)
    found = list(rows.order_by(*search.SORTS[question.sort])[:PAGE])
    return [offering.pk for offering in found if measures.standing(offering)]


def bare(question: Any) -> list[Any]:
    """Return the ids that the statement finds."""
    with connection.cursor() as cursor:
        cursor.execute(question.statement, question.parameters)
        return [row[0] for row in cursor.fetchall()]


def counted(question: Any) -> list[Any]:
    """Count the facets of what is found."""
    from market.models import Offering  # noqa: PLC0415
    from market.selectors import facets, search  # noqa: PLC0415

    return list(facets.count(search.counted(Offering.objects.listed(), question.wish)))


def timed(act: Callable[[Any], list[Any]], question: Any) -> tuple[float, list[Any]]:
    """Return how many milliseconds an act took, and what it found."""
    began = time.perf_counter()
    found = act(question)
    return (time.perf_counter() - began) * 1e3, found


def measure(draw: random.Random, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Ask every question of both sides, and count its facets, round after round."""
    from benchmarks import search_scene  # noqa: PLC0415  models need the settings of this server

    taken: dict[str, dict[str, list[float]]] = {side: defaultdict(list) for side in ("ours", "bare", "facets")}
    for number in range(-WARM_UP_ROUNDS, rounds):
        for question in search_scene.questions(draw):
            sides = [("ours", ours), ("bare", bare)]
            draw.shuffle(sides)
            answers = {side: timed(act, question) for side, act in sides}
            answers["facets"] = timed(counted, question)
            assert answers["ours"][1] == answers["bare"][1], question
            if number >= 0:
                for side, (milliseconds, _found) in answers.items():
                    taken[side][question.name].append(milliseconds)
    return taken


def p95(milliseconds: list[float]) -> float:
    """Return the time that 95 of 100 need at most."""
    return statistics.quantiles(milliseconds, n=20)[-1]


def report(taken: dict[str, dict[str, list[float]]]) -> bool:
    """Print each question and all of them; return whether the targets are reached."""
    print(f"{'p95 in ms':20} {'bare':>8} {'ours':>8} {'ratio':>6} {'facets':>8}   medians: bare, ours")
    for name in taken["ours"]:
        print(line(name, {side: of[name] for side, of in taken.items()}))
    whole = {side: [one for times in of.values() for one in times] for side, of in taken.items()}
    print(line("all", whole))
    slow, ratio = p95(whole["ours"]), p95(whole["ours"]) / p95(whole["bare"])
    print(f"p95 {slow:.1f} ms, asked at most {MOST_MS}; {ratio:.2f} times the bare SQL, asked at most {MOST_RATIO}")
    return slow <= MOST_MS and ratio <= MOST_RATIO


def line(name: str, times: dict[str, list[float]]) -> str:
    """Return the figures of a question as a line."""
    hand, service, facets = (p95(times[side]) for side in ("bare", "ours", "facets"))
    medians = ", ".join(f"{statistics.median(times[side]):.1f}" for side in ("bare", "ours"))
    return f"{name:20} {hand:8.1f} {service:8.1f} {service / hand:6.2f} {facets:8.1f}   {medians}"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with own_server():
        from django.core.management import call_command  # noqa: PLC0415  commands need the settings of this server

        call_command("migrate", verbosity=0)
        from benchmarks import search_scene  # noqa: PLC0415  models need the settings of this server

        draw = random.Random(arguments.seed)
        search_scene.seed(draw)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        reached = report(measure(draw, arguments.rounds))
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
