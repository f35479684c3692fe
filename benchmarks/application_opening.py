"""Open a first-come programme to 10,000 applications of 200 clients at once, beside a locked row and a bare insert.

    python -m benchmarks.application_opening [--applications 10000] [--clients 200]

The clients are threads that wait for one of 32 workers, each with a connection, as a web server has them; all on one
server of their own, committed durably. Ours is ``submitting.submit``: pre-check, entitlement, contract taken once,
steps and audit entries, budget reserved in the ledger and counted in the round. The baseline is the least that any
engine does to be right: lock the pool's row, look, take the amount or not, insert the answer. There is budget for a
third of the applications; nobody may get a fen of anything else.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, connections, transaction

from benchmarks.redemption import own_server

AMOUNT_FEN = 1_000_000
WORKERS = 32
BARE = """
CREATE TABLE bare_pool (id integer PRIMARY KEY, left_fen bigint NOT NULL CHECK (left_fen >= 0));
CREATE TABLE bare_answer (id integer PRIMARY KEY, awarded boolean NOT NULL);
"""


def bare(number: int) -> str:
    """Lock the pool, look, take, and write the answer down."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT left_fen FROM bare_pool WHERE id = 1 FOR UPDATE")
        awarded = cursor.fetchone()[0] >= AMOUNT_FEN
        if awarded:
            cursor.execute("UPDATE bare_pool SET left_fen = left_fen - %s WHERE id = 1", [AMOUNT_FEN])
        cursor.execute("INSERT INTO bare_answer VALUES (%s, %s)", [number, awarded])
    return "proposed" if awarded else "waitlisted"


def drained(act: Callable[[int], str], *, number: int, clients: int) -> tuple[float, Counter[str]]:
    """Let every client hand in one after the other until all are done; return the seconds and how each ended."""
    with ThreadPoolExecutor(WORKERS) as workers, ThreadPoolExecutor(clients) as waiting:
        list(workers.map(lambda _n: (connection.ensure_connection(), time.sleep(0.05)), range(WORKERS)))
        began = time.perf_counter()
        outcomes = Counter(waiting.map(lambda index: workers.submit(act, index).result(), range(number)))
        spent = time.perf_counter() - began
        list(workers.map(lambda _n: (connections.close_all(), time.sleep(0.05)), range(WORKERS)))
    return spent, outcomes


def measure(applications: int, clients: int) -> bool:
    """Run both sides and print them; return whether ours committed exactly what there was."""
    from benchmarks import application_scene  # noqa: PLC0415  models need the settings of this server

    awards = applications // 3
    procedure, drafts, people = application_scene.seed(applications, budget_fen=awards * AMOUNT_FEN)
    with connection.cursor() as cursor:
        cursor.execute(BARE)
        cursor.execute("INSERT INTO bare_pool VALUES (1, %s)", [awards * AMOUNT_FEN])
        cursor.execute("ANALYZE")
    submit = application_scene.submitting_of(drafts, people)
    base_seconds, base = drained(bare, number=applications, clients=clients)
    seconds, ours = drained(submit, number=applications, clients=clients)
    committed_fen, held_fen, wrong = application_scene.committed(procedure)
    print(f"baseline (row lock, update, insert): {applications / base_seconds:8,.0f}/s  {dict(base)}")
    print(f"ours (submit and propose):           {applications / seconds:8,.0f}/s  {dict(ours)}")
    print(f"ratio {base_seconds / seconds:.2f}; {applications:,} applications of {clients} clients in {seconds:.1f} s")
    print(f"committed {committed_fen:,} fen of {awards * AMOUNT_FEN:,}, held {held_fen:,}; {wrong=}")
    exact = committed_fen == held_fen == ours["proposed"] * AMOUNT_FEN == awards * AMOUNT_FEN
    return exact and wrong == []


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--applications", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=200)
    arguments = parser.parse_args()
    with own_server():
        from django.core.management import call_command  # noqa: PLC0415  commands need the settings of this server

        call_command("migrate", verbosity=0)
        exact = measure(arguments.applications, arguments.clients)
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
