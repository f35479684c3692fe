"""The papers behind a redemption, made from what the platform itself knows: order, signed usage, bills, payment."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from billing.models import Charge, Funding, Invoice, Supplement
from billing.services import paid_charges
from core.money import MS_PER_HOUR, format_yuan
from core.periods import HOUR, SHANGHAI
from market.models import Reservation, Usage, UsageBatch
from vouchers.models import Redemption

MOST_BATCHES = 500
PRINTED = 12
Section = dict[str, Any]


def of(redemptions: Sequence[Redemption]) -> Mapping[UUID, Mapping[str, Any]]:
    """Return the evidence for each redemption that paid for an order or for hours added to it.

    It takes a few queries whatever their number. Usage and bills are those of the whole order.
    """
    fundings = list(Funding.objects.filter(redemption__in=redemptions).select_related("order"))
    added = list(Supplement.objects.filter(redemption__in=redemptions).select_related("funding__order", "reservation"))
    order_ids = {one.order_id for one in fundings} | {one.funding.order_id for one in added}
    reservations = _by(Reservation.objects.filter(order__in=order_ids).order_by("pk"), "order_id")
    usage = _usage([one.pk for each in reservations.values() for one in each])
    bills, paid = _bills(list(order_ids)), _paid(redemptions)
    contracts = {one.redemption_id: (one.order_id, _contract(one, reservations[one.order_id])) for one in fundings}
    contracts |= {one.redemption_id: (one.funding.order_id, _extension(one)) for one in added}
    return {
        redemption_id: {
            "sections": [
                contract,
                _used(usage, reservations[order_id]),
                _billed(bills[order_id]),
                _payment(paid.get(redemption_id, {})),
            ]
        }
        for redemption_id, (order_id, contract) in contracts.items()
        if redemption_id
    }


def _by(rows: Iterable[Any], name: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found


def _contract(funding: Funding, reservations: Sequence[Reservation]) -> Section:
    order = funding.order
    placed = order.placed_at.astimezone(SHANGHAI)
    text = _("Order %(order)s of %(day)s: %(count)d cards for %(hours)d hours")
    words = {"order": order.pk, "day": f"{placed:%Y-%m-%d}", "count": order.count, "hours": order.hours}
    facts = {
        "order": str(order.pk),
        "placed_at": order.placed_at.isoformat(),
        "cards": order.count,
        "hours": order.hours,
        "limit_micro": order.limit_micro,
        "estimate_fen": funding.estimate_fen,
        "reservations": [str(one.pk) for one in reservations],
    }
    return {"kind": "contract", "texts": [text % words], "facts": facts}


def _extension(added: Supplement) -> Section:
    order, hours = added.funding.order, (added.ends_at - added.starts_at) // HOUR
    agreed = added.created_at.astimezone(SHANGHAI)
    text = _("Extension of order %(order)s of %(day)s: %(count)d cards for %(hours)d hours more")
    words = {"order": order.pk, "day": f"{agreed:%Y-%m-%d}", "count": added.reservation.count, "hours": hours}
    facts = {
        "order": str(order.pk),
        "extension": str(added.pk),
        "placed_at": added.created_at.isoformat(),
        "cards": added.reservation.count,
        "hours": hours,
        "starts_at": added.starts_at.isoformat(),
        "ends_at": added.ends_at.isoformat(),
        "estimate_fen": added.estimate_fen,
        "reservations": [str(added.reservation_id)],
    }
    return {"kind": "contract", "texts": [text % words], "facts": facts}


def _usage(reservation_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    sums = Usage.objects.filter(reservation__in=reservation_ids).order_by().values("reservation_id", "batch_id")
    rows = list(sums.annotate(ms=Sum("accelerator_ms")).order_by("reservation_id", "batch_id"))
    batches = UsageBatch.objects.in_bulk({row["batch_id"] for row in rows})
    found: dict[UUID, dict[str, Any]] = defaultdict(lambda: {"ms": 0, "batches": []})
    for row in rows:
        found[row["reservation_id"]]["ms"] += int(row["ms"])
        found[row["reservation_id"]]["batches"].append(batches[row["batch_id"]])
    return found


def _used(usage: Mapping[UUID, dict[str, Any]], reservations: Sequence[Reservation]) -> Section:
    parts = [usage[one.pk] for one in reservations if one.pk in usage]
    total_ms = sum(part["ms"] for part in parts)
    batches = [batch for part in parts for batch in part["batches"]]
    digests = [bytes(batch.body_sha256).hex() for batch in batches]
    hours = format_yuan(total_ms * 100 // MS_PER_HOUR)
    texts = [_("%(hours)s card-hours in %(count)d signed reports") % {"hours": hours, "count": len(batches)}]
    texts += [
        f"{batch.signed_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M} {digest}"
        for batch, digest in list(zip(batches, digests, strict=True))[:PRINTED]
    ]
    facts = {
        "accelerator_ms": total_ms,
        "reports": len(batches),
        "sha256_of_reports": hashlib.sha256("".join(digests).encode()).hexdigest(),
        "report_sha256": digests[:MOST_BATCHES],
    }
    return {"kind": "usage", "texts": texts, "facts": facts}


def _bills(order_ids: Sequence[UUID]) -> dict[UUID, list[Invoice]]:
    lines = Charge.objects.filter(reservation__order__in=order_ids, invoice_line__isnull=False).order_by()
    pairs = set(lines.values_list("reservation__order", "invoice_line__invoice"))
    invoices = Invoice.objects.select_related("issuer").in_bulk({invoice for _order, invoice in pairs})
    found: dict[UUID, list[Invoice]] = defaultdict(list)
    for order_id, invoice_id in sorted(pairs):
        found[order_id].append(invoices[invoice_id])
    return found


def _billed(invoices: Sequence[Invoice]) -> Section:
    texts = [
        _("Bill %(number)s of %(month)s: ¥%(amount)s")
        % {"number": one.display_number, "month": f"{one.month_on:%Y-%m}", "amount": format_yuan(one.amount_fen)}
        for one in invoices
    ]
    facts = [{"number": one.display_number, "amount_fen": one.amount_fen} for one in invoices]
    return {"kind": "invoice", "texts": texts or ["–"], "facts": {"bills": facts}}


def _paid(redemptions: Sequence[Redemption]) -> dict[UUID, dict[str, int]]:
    sums = {"amount": Sum("amount_fen"), "wallet": Sum("wallet_fen"), "voucher": Sum("voucher_fen")}
    return {
        row["paid_by"]: {f"{name}_fen": int(row[name]) for name in sums}
        for charges in paid_charges.of(redemptions)
        for row in charges.values("paid_by").annotate(**sums)
    }


def _payment(paid: Mapping[str, int]) -> Section:
    words = {
        "amount": format_yuan(paid.get("amount_fen", 0)),
        "wallet": format_yuan(paid.get("wallet_fen", 0)),
        "voucher": format_yuan(paid.get("voucher_fen", 0)),
    }
    text = _("Charged ¥%(amount)s: ¥%(wallet)s paid from the wallet, ¥%(voucher)s by the voucher") % words
    return {"kind": "payment", "texts": [text], "facts": dict(paid)}
