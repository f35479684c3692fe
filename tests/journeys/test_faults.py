"""Workers, beats and the broker are killed, and the broker is emptied, while a month is traded, metered and billed."""

import os
import signal
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from accounts.models import Organization
from accounts.services.audit import Actor
from billing.models import Charge, Invoice, MeterChange, Settlement, UninvoicedCharge
from billing.services import charges, checkout, invoicing, settlement
from config.celery import app
from config.demo import cast, catalogue, checks, generator, stage, usage
from config.demo.cast import Cast
from config.demo.scenario import Month, PlannedOrder, Scenario
from config.demo.usage import Run
from config.runtime import Valkey
from core.periods import HOUR
from market.models import (
    Accelerator,
    MatchBatch,
    MeteredHour,
    Order,
    OrderStatus,
    Reservation,
    ReservationStatus,
    Usage,
)
from market.services import metering
from market.services.orders import Demand
from tests.processes import Processes, eventually
from vouchers.models import Grant

SEED = 7
PATIENCE = 300.0  # seconds; only a machine with far too much to do needs them
ORDERS = 24
BUYERS = 6
LIMIT_MICRO = 20_000_000
MONTH = Month(date(2026, 10, 1))


def scenario() -> Scenario:
    whole = generator.generate(month=MONTH, seed=SEED)
    orders = [
        replace(order, buyer=index % BUYERS, count=8, hours=12, first_hour=9, last_hour=33, limit_micro=LIMIT_MICRO)
        for index, order in enumerate(whole.orders[:ORDERS])
    ]
    return replace(whole, buyers=BUYERS, orders=tuple(orders))


def place(played: Scenario, assembled: Cast, planned: PlannedOrder, *, at: datetime) -> Order:
    buyer = assembled.buyers[planned.buyer]
    grant = Grant.objects.select_related("programme").filter(owner=buyer, programme__code="CD-2025").first()
    demand = Demand(
        name=planned.key,
        category=planned.category,
        accelerators=tuple(Accelerator.objects.filter(code__in=planned.accelerators)),
        count=planned.count,
        hours=planned.hours,
        start_min=played.month.hour(planned.first_hour),
        start_max=played.month.hour(planned.last_hour),
        limit_micro=planned.limit_micro,
    )
    return checkout.place(buyer=buyer, demand=demand, grant=grant, actor=Actor(organization=buyer), at=at)


def report_usage(assembled: Cast, provider: Organization, *, at: datetime) -> None:
    """Send all hours of a provider's reservations in one batch."""
    events = [
        event
        for reservation in Reservation.objects.filter(provider=provider).select_related("offering__accelerator")
        for event in usage.events(
            Run(
                key=str(reservation.pk),
                reservation_id=reservation.pk,
                accelerator=reservation.offering.accelerator.code,
                count=reservation.count,
                starts_at=reservation.starts_at,
                ends_at=reservation.ends_at,
                failed=False,
            )
        )
    ]
    for start in range(0, len(events), 500):
        metering.ingest(
            provider=provider,
            key=assembled.signing_keys[provider.name],
            signature=b"\0" * 64,
            signed_at=at,
            idempotency_key=f"batch-{start}",
            body=usage.encode(events[start : start + 500]),
            at=at,
        )


def kill_broker(valkey: Valkey) -> None:
    os.kill(valkey.pid, signal.SIGKILL)
    eventually(lambda: not valkey.lives())
    valkey.start()


def nudge(valkey: Valkey, sweep: str) -> None:
    """Ask for a sweep that beat sends too rarely for a test."""
    with app.connection_for_write(valkey.url()) as connection:
        app.send_task(sweep, connection=connection)


def is_charged() -> bool:
    return not MeteredHour.objects.filter(dirty=True).exists() and not charges.waiting(limit=1)


def unsettled(processes: Processes, *, at: datetime) -> str:
    """Say what still waits for an invoice or a settlement, and what failed."""
    waiting = [*MeterChange.objects.values(), *UninvoicedCharge.objects.values()]
    due = [*invoicing.due(at=at), *settlement.due(at=at)]
    failed = [line for line in processes.log.splitlines() if "ERROR" in line or "Error" in line]
    return "\n".join(map(str, [*waiting, *due, *failed[-20:], processes.log[-1000:]]))


@pytest.mark.usefixtures("untraced_processes")
def test_killing_everything_in_turn_loses_and_doubles_nothing(
    processes: Processes, valkey: Valkey, tmp_path: Path
) -> None:
    played = scenario()
    before = MONTH.starts_at - HOUR
    assembled = cast.assemble(scenario=played, at=before)
    catalogue.list_pools(scenario=played, providers=assembled.providers, operator=assembled.operator, at=before)
    stage.write_clock(tmp_path, before)
    environment = {"SUANYI_REHEARSAL_CLOCK": str(stage.clock_file(tmp_path)), "SUANYI_BEAT_SPEED": "20"}
    worker = processes.worker(concurrency=2, **environment)
    beat = processes.beat(**environment)
    orders = [place(played, assembled, planned, at=before) for planned in played.orders]

    eventually(MatchBatch.objects.exists, within=PATIENCE, why=lambda: processes.log[-3000:])
    worker.kill()
    valkey.client().flushall()
    worker = processes.worker(concurrency=2, **environment)
    considered = Order.objects.exclude(status=OrderStatus.OPEN, unmatched_reason="")
    eventually(lambda: considered.count() == ORDERS, within=PATIENCE, why=lambda: processes.log[-3000:])

    after = MONTH.hour(24 * 6)
    stage.write_clock(tmp_path, after)
    for provider in assembled.providers.values():
        report_usage(assembled, provider, at=after)
    eventually(Charge.objects.exists, within=PATIENCE, why=lambda: processes.log[-3000:])
    worker.kill()
    kill_broker(valkey)
    beat.kill()
    worker = processes.worker(concurrency=2, **environment)
    processes.beat("beat2", **environment)

    over = Order.objects.filter(status__in=[OrderStatus.COMPLETED, OrderStatus.EXPIRED])
    eventually(lambda: over.count() == ORDERS and is_charged(), within=PATIENCE, why=lambda: processes.log[-3000:])
    closing = MONTH.ends_at + timedelta(hours=73)
    stage.write_clock(tmp_path, closing)
    nudge(valkey, "billing.issue_invoices")
    eventually(Invoice.objects.exists, within=PATIENCE, why=lambda: processes.log[-3000:])
    worker.kill()
    valkey.client().flushall()
    processes.worker("worker2", concurrency=2, **environment)
    providers = Reservation.objects.values("provider").distinct().count()

    def is_settled() -> bool:
        for sweep in ("billing.issue_invoices", "billing.settle_providers"):
            nudge(valkey, sweep)
        return Settlement.objects.count() == providers

    eventually(is_settled, within=PATIENCE, every=5.0, why=lambda: unsettled(processes, at=closing))

    assert len(orders) == ORDERS
    assert not Reservation.objects.exclude(status=ReservationStatus.ENDED).exists()
    assert Usage.objects.count() == sum(reservation.hours for reservation in _durations())
    assert {name for name, holds in checks.run().items() if not holds} == set()


def _durations() -> list[Order]:
    return list(Order.objects.filter(status=OrderStatus.COMPLETED))
