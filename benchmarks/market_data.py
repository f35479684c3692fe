"""Price history and index of a hundred thousand trades, beside the bare SQL that aggregates them.

    python -m benchmarks.market_data [--trades 100000] [--rounds 3]

Ours empties the queue of changed hours and days, computes each from the tape, compares it with its last version and
writes what is new; the bare side groups the same trades by class, hub and hour or day, and writes the groups into the
same table. The index of a day (seven days, four levels, a pair once a day, screened) stands beside plain medians of
the same trades, without a target: the bare side does none of that.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
from django.db import connection

from benchmarks.redemption import own_server

AT = datetime(2026, 10, 31, 16, tzinfo=UTC)
MOST_RATIO = 5.0
# Parties and reservations are keys without rows: only whoever may look away from foreign keys can make them up.
FILL = """
INSERT INTO market_trade (reservation_id, at, accelerator_id, category, hub_name, seller_id, buyer_id, count, hours,
    starts_at, price_micro, sch_micro)
SELECT gen_random_uuid(), timestamptz '2026-10-01 16:00Z' + number * interval '30 days' / %(trades)s,
    (%(cards)s::uuid[])[1 + number %% 20], 'GPU_TRAIN', 'hub ' || number / 20 %% 5, md5('seller' || number %% 37)::uuid,
    md5('buyer' || number %% 411)::uuid, 1 + number %% 64, 1 + number %% 48, now(),
    2000000 + number %% 1000 * 1000, NULL
FROM generate_series(0, %(trades)s - 1) AS number
"""
CHANGED = """
DELETE FROM market_tapechange;
INSERT INTO market_tapechange (accelerator_id, category, hub_name, span, starts_at, ends_at)
SELECT DISTINCT accelerator_id, category, hub_name, 'hour', date_trunc('hour', at),
    date_trunc('hour', at) + interval '1 hour' FROM market_trade
UNION ALL SELECT DISTINCT accelerator_id, category, hub_name, 'day', date_trunc('day', at, 'Asia/Shanghai'),
    date_trunc('day', at, 'Asia/Shanghai') + interval '24 hours' FROM market_trade;
"""
FORGET = "SET session_replication_role = replica; DELETE FROM market_candle; DELETE FROM market_indexvalue;"
BARE = """
INSERT INTO market_candle (accelerator_id, category, hub_name, span, starts_at, version, trades, card_hours, low_micro,
    high_micro, open_micro, close_micro, median_micro, computed_at)
SELECT accelerator_id, category, hub_name, %s, {period}, 1, count(*), sum(count * hours), min(price_micro),
    max(price_micro), (array_agg(price_micro ORDER BY at))[1], (array_agg(price_micro ORDER BY at DESC))[1],
    percentile_disc(0.5) WITHIN GROUP (ORDER BY price_micro), now()
FROM market_trade GROUP BY accelerator_id, category, hub_name, {period}
"""
PERIODS = {"hour": "date_trunc('hour', at)", "day": "date_trunc('day', at, 'Asia/Shanghai')"}
BARE_INDEX = """
SELECT accelerator_id, category, hub_name, percentile_disc(0.5) WITHIN GROUP (ORDER BY price_micro)
FROM market_trade WHERE at >= %s AND at < %s
GROUP BY GROUPING SETS ((accelerator_id, category, hub_name), (accelerator_id, category))
"""


def seconds(act: Callable[[], None]) -> float:
    """Return how long an act takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def bare_history() -> None:
    """Aggregate all trades by hour and by day, and write the result down for once."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        for span, period in PERIODS.items():
            cursor.execute(BARE.format(period=period), [span])
        cursor.execute("ROLLBACK")


def bare_index() -> None:
    """Take the medians of the last seven days."""
    with connection.cursor() as cursor:
        cursor.execute(BARE_INDEX, [AT - timedelta(days=7), AT])
        cursor.fetchall()


def measure(superuser: str, rounds: int) -> dict[str, float]:
    """Return the median seconds of each side."""
    from market.services import candles, indices  # noqa: PLC0415  models need the settings of this server

    taken: dict[str, list[float]] = {name: [] for name in ("bare history", "history", "bare index", "index")}
    for _ in range(rounds):
        with psycopg.connect(superuser, autocommit=True) as fresh:
            fresh.execute(FORGET)
            fresh.execute(CHANGED)
            fresh.execute("VACUUM ANALYZE")
        taken["bare history"].append(seconds(bare_history))
        taken["history"].append(seconds(lambda: candles.close(at=AT)))
        taken["bare index"].append(seconds(bare_index))
        taken["index"].append(seconds(lambda: indices._publish([AT.date()], at=AT)))
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trades", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with own_server() as (server, _folder):
        from django.core.management import call_command  # noqa: PLC0415  commands need the settings of this server

        from market.models import Accelerator, Candle  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        cards = [Accelerator(code=f"card-{number}", vendor="Vendor", name=str(number)) for number in range(20)]
        Accelerator.objects.bulk_create(cards)
        superuser = server.superuser_url(connection.settings_dict["NAME"])
        with psycopg.connect(superuser, autocommit=True) as fresh:
            fresh.execute("SET session_replication_role = replica")
            fresh.execute(FILL, {"trades": arguments.trades, "cards": [card.pk for card in cards]})
        taken = measure(superuser, arguments.rounds)
        candles = Candle.objects.count()
    ratios = [taken[name] / taken[f"bare {name}"] for name in ("history", "index")]
    for name, ratio in zip(("history", "index"), ratios, strict=True):
        print(f"{name}: {taken[name]:.2f} s, bare {taken[f'bare {name}']:.2f} s, {ratio:.1f} times")
    print(f"{arguments.trades:,} trades, {candles:,} candles; asked for the history: at most {MOST_RATIO} times")
    return 0 if ratios[0] <= MOST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
