"""Post two-leg transfers with our ledger and with django-hordak, in turns, on one server of their own.

    python -m benchmarks.ledger [--rounds 5] [--bulk 10000] [--singles 500]

Both sides move 5 fen from one of 200 accounts to one. Bulk is one transaction; single commits each transfer. Ours also
keeps idempotency keys, balances with floors and closed transfers, which hordak does not. CPU is user and system time of
the client process and of its server process, which the system counts in hundredths of a second.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import django
import environ
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from config.runtime import Postgres

BUYERS = 200
AMOUNT_FEN = 5
FUNDS_FEN = 10**12
AT = datetime(2026, 1, 1, tzinfo=UTC)
TARGETS = {"bulk": 8.0, "single": 2.0}


class Work(NamedTuple):
    """What one side can do: post so many transfers at once, or one by one."""

    bulk: Callable[[int], None]
    single: Callable[[int], None]


class Measure(NamedTuple):
    """Seconds that a number of transfers took: on the clock, of the client's CPU, of its server process' CPU."""

    count: int
    wall: float
    client: float
    server: float

    @property
    def rate(self) -> float:
        """Return transfers per second."""
        return self.count / self.wall


def our_work() -> Work:
    """Open our accounts and return the calls to measure."""
    from ledger.services import posting  # noqa: PLC0415  models need the settings of this side

    accounts = posting.open_accounts(floors={"bank": None, "commission": None} | {f"w/{n}": 0 for n in range(BUYERS)})
    buyers = [accounts[f"w/{number}"] for number in range(BUYERS)]
    funds = [posting.Leg(accounts["bank"], -FUNDS_FEN * BUYERS), *(posting.Leg(buyer, FUNDS_FEN) for buyer in buyers)]
    posting.post(key="funds", kind="funds", legs=funds, at=AT)
    commission = accounts["commission"]

    def entries(count: int) -> Iterator[posting.Entry]:
        run = uuid4().hex
        for number in range(count):
            buyer = buyers[number % BUYERS]
            legs = [posting.Leg(buyer, -AMOUNT_FEN), posting.Leg(commission, AMOUNT_FEN)]
            yield posting.Entry(f"{run}/{number}", "fee", legs, AT)

    def single(count: int) -> None:
        for entry in entries(count):
            posting.post(key=entry.key, kind=entry.kind, legs=entry.legs, at=entry.at)

    return Work(lambda count: posting.post_many(entries=entries(count)) and None, single)


def hordak_work() -> Work:
    """Open hordak's accounts and return the calls to measure."""
    from hordak.models import Account, AccountType, Leg, Transaction  # noqa: PLC0415  as above
    from moneyed import Money  # noqa: PLC0415

    amount = Money("0.05", "CNY")
    buyers = [
        Account.objects.create(name=f"w/{number}", code=str(number), type=AccountType.liability, currencies=["CNY"])
        for number in range(BUYERS)
    ]
    commission = Account.objects.create(name="commission", code="c", type=AccountType.income, currencies=["CNY"])

    @transaction.atomic
    def bulk(count: int) -> None:
        moves = Transaction.objects.bulk_create([Transaction(date=AT.date()) for _ in range(count)])
        legs = []
        for number, move in enumerate(moves):
            legs.append(Leg(transaction=move, account=buyers[number % BUYERS], debit=amount))
            legs.append(Leg(transaction=move, account=commission, credit=amount))
        Leg.objects.bulk_create(legs)

    def single(count: int) -> None:
        for number in range(count):
            with transaction.atomic():
                commission.transfer_to(buyers[number % BUYERS], amount, date=AT.date())

    return Work(bulk, single)


SIDES: dict[str, tuple[list[str], Callable[[], Work]]] = {
    "ours": (["ledger"], our_work),
    "hordak": (["mptt", "hordak"], hordak_work),
}


def serve(side: str) -> None:
    """Set one side up in this process, then do what is asked on the standard input."""
    apps, prepare = SIDES[side]
    settings.configure(
        DATABASES={"default": environ.Env().db_url("DATABASE_URL")},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", *apps],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DEFAULT_CURRENCY="CNY",
        CURRENCIES=["CNY"],
        HORDAK_INTERNAL_CURRENCY="CNY",
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    work = prepare()
    answer({"ready": True})
    for line in sys.stdin:
        name, count = line.split()
        answer(measured(getattr(work, name), int(count)))


def measured(call: Callable[[int], None], count: int) -> Measure:
    """Return what a call of so many transfers took."""
    before = time.perf_counter(), time.process_time(), server_seconds()
    call(count)
    after = time.perf_counter(), time.process_time(), server_seconds()
    wall, client, server = (end - start for start, end in zip(before, after, strict=True))
    return Measure(count, wall, client, server)


def server_seconds() -> float:
    """Return the CPU seconds of the server process behind the connection."""
    fields = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def answer(content: Any) -> None:
    """Give the parent one line."""
    print(json.dumps(content), flush=True)


@contextmanager
def side_process(side: str, url: str) -> Iterator[Callable[[str, int], Measure]]:
    """Start a side on a database and yield the call that makes it measure."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.ledger", "--serve", side],
        env=os.environ | {"DATABASE_URL": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    stdin, stdout = process.stdin, process.stdout
    stdout.readline()

    def ask(name: str, count: int) -> Measure:
        stdin.write(f"{name} {count}\n")
        stdin.flush()
        return Measure(*json.loads(stdout.readline()))

    yield ask
    stdin.close()
    process.wait()


def interleave(rounds: int, counts: dict[str, int]) -> dict[tuple[str, str], list[Measure]]:
    """Run both sides in turns on a fresh server and return the measures by work and side."""
    measures: dict[tuple[str, str], list[Measure]] = {(work, side): [] for work in counts for side in SIDES}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "home")
        stack.callback(server.stop)
        server.start()
        with psycopg.connect(server.owner_url(), autocommit=True) as owner:
            owner.execute("CREATE DATABASE hordak")
        asks = {
            "ours": stack.enter_context(side_process("ours", server.owner_url())),
            "hordak": stack.enter_context(side_process("hordak", server.owner_url("hordak"))),
        }
        for _round in range(rounds):
            for (work, side), runs in measures.items():
                runs.append(asks[side](work, counts[work]))
    return measures


def report(measures: dict[tuple[str, str], list[Measure]]) -> bool:
    """Print both sides and their ratios; return whether the medians reach the targets."""
    reached = True
    for work, target in TARGETS.items():
        for side in SIDES:
            print(described(work, side, measures[work, side]))
        ours, theirs = measures[work, "ours"], measures[work, "hordak"]
        ratios = [mine.rate / yours.rate for mine, yours in zip(ours, theirs, strict=True)]
        cpu = sum(run.client + run.server for run in theirs) / sum(run.client + run.server for run in ours)
        median = statistics.median(ratios)
        reached &= median >= target
        print(
            f"{work:6} ours / hordak: best {max(ratios):.1f}, median {median:.1f}, by CPU {cpu:.1f}, "
            f"asked {target:.0f}\n"
        )
    return reached


def described(work: str, side: str, runs: list[Measure]) -> str:
    """Return the figures of one side as a line."""
    rates = [run.rate for run in runs]
    count = sum(run.count for run in runs)
    client, server = (
        sum(seconds) / count * 1e6 for seconds in zip(*((run.client, run.server) for run in runs), strict=True)
    )
    return (
        f"{work:6} {side:6} best {max(rates):9,.0f}/s  median {statistics.median(rates):9,.0f}/s  "
        f"CPU µs per transfer: client {client:6.1f}  server {server:6.1f}"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bulk", type=int, default=10_000)
    parser.add_argument("--singles", type=int, default=500)
    parser.add_argument("--serve", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return 0
    return 0 if report(interleave(arguments.rounds, {"bulk": arguments.bulk, "single": arguments.singles})) else 1


if __name__ == "__main__":
    sys.exit(main())
