"""Say in the reader's language what rules and engines decided: voucher steps, matches, reasons, movements of money."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.money import format_micro
from core.periods import SHANGHAI
from market.models import Category, LineKind, Order, Ring, UnmatchedReason
from vouchers import explanations as vouchers

# What vouchers pay for: what is sold by the card-hour, and what stands beside it.
CATEGORIES: dict[str, Any] = dict(Category.choices) | {kind.upper(): label for kind, label in LineKind.choices}
MOVEMENTS: dict[str, Promise] = {
    "top-up": gettext_lazy("Top-up"),
    "top-up-refunded": gettext_lazy("Top-up given back"),
    "top-up-refund-failed": gettext_lazy("Top-up given back in vain"),
    "charge": gettext_lazy("Charge for usage"),
    "repayment": gettext_lazy("Repayment of an advance"),
    "advance": gettext_lazy("Advance"),
    "refund": gettext_lazy("Refund"),
    "voucher.grant": gettext_lazy("Granted"),
    "voucher.capture": gettext_lazy("Paid for usage"),
    "voucher.refund": gettext_lazy("Refund"),
    "voucher.lapse": gettext_lazy("Lapsed"),
    "voucher.revoke": gettext_lazy("Revoked"),
}
EVENT_CODES: dict[str, Promise] = {
    "duplicate": gettext_lazy("Duplicate"),
    "conflict": gettext_lazy("Conflict"),
    "rejected": gettext_lazy("Rejected"),
    "invalid-event": gettext_lazy("Malformed event"),
    "unknown-reservation": gettext_lazy("Unknown reservation"),
    "empty-interval": gettext_lazy("Empty interval"),
    "in-the-future": gettext_lazy("In the future"),
    "too-late": gettext_lazy("Too late"),
    "outside-reservation": gettext_lazy("Outside the reservation"),
    "crosses-hour": gettext_lazy("Crosses a full hour"),
    "wrong-amount": gettext_lazy("Wrong amount"),
    "over-capacity": gettext_lazy("More cards than reserved"),
}


NEAREST: dict[str, Callable[[int], str]] = {
    UnmatchedReason.MEMORY: lambda mib: _("The largest has %(gib)s GiB per card.") % {"gib": mib // 1_024},
    UnmatchedReason.INTERCONNECT: lambda mb: _("The fastest has %(gb)s GB/s between cards.") % {"gb": mb // 1_000},
    UnmatchedReason.PUE: lambda milli: _("The lowest certified PUE is %(pue)s.") % {"pue": _scaled(milli, 3)},
    UnmatchedReason.GREEN: lambda bp: _("The most has %(share)s%% certified green power.") % {"share": _scaled(bp, 2)},
    UnmatchedReason.RELIABILITY: lambda bp: _("The most reliable delivered %(share)s%%.") % {"share": _scaled(bp, 2)},
    UnmatchedReason.RING: lambda ring: _("The nearest is %(ring)s.") % {"ring": Ring(ring).label},
}


def voucher_steps(explanation: Mapping[str, Any]) -> list[str]:
    """Return each step of a voucher's explanation as a sentence."""
    return vouchers.sentences(explanation, categories=CATEGORIES)


def match_reason(reason: Mapping[str, Any]) -> str:
    """Say why an offering got an order."""
    if "auction" in reason:
        return _("Chosen in the call auction, which serves first what is worth most per card-hour.")
    if "rfq" in reason:
        return _("Awarded after a request for quotations, at the price of the bid.")
    if "quote" in reason:
        return _("As quoted: the cards were held for you until you accepted.")
    if "rank" not in reason:
        return ""
    if reason["rank"] == 1:
        return _("The cheapest of %(considered)s offerings that fit.") % {"considered": reason["considered"]}
    return _(
        "Number %(rank)s by price of %(considered)s offerings that fit; the cheaper ones had too few free cards."
    ) % {
        "rank": reason["rank"],
        "considered": reason["considered"],
    }


def unmatched(order: Order) -> list[str]:
    """Say why an order has found nothing yet, and what would have matched."""
    if not order.unmatched_reason:
        return []
    detail = order.unmatched_detail
    lines = [order.get_unmatched_reason_display()]
    lines += _changes(order.unmatched_reason, detail)
    if "lowest_ask_micro" in detail:
        lines.append(
            _("The cheapest with room asks ¥%(price)s.") % {"price": format_micro(int(detail["lowest_ask_micro"]))}
        )
    if "card_hours" in detail:
        lines.append(_("%(number)s card-hours are free in parts.") % {"number": detail["card_hours"]})
    if "free_cards" in detail:
        lines.append(_("At most %(cards)s cards are free together.") % {"cards": detail["free_cards"]})
    if "starts_at" in detail:
        at = datetime.fromisoformat(detail["starts_at"]).astimezone(SHANGHAI)
        lines.append(_("It could start at %(at)s.") % {"at": at.strftime("%Y-%m-%d %H:%M")})
    return lines


def _changes(reason: str, detail: Mapping[str, Any]) -> list[str]:
    """Say what another condition would change."""
    lines = []
    if "without" in detail:
        lines.append(_("Without this condition %(offerings)s offerings would fit.") % {"offerings": detail["without"]})
    if "nearest" in detail and reason in NEAREST:
        lines.append(NEAREST[reason](int(detail["nearest"])))
    return lines


def conditions(order: Order) -> list[tuple[str, str]]:
    """Name what an order asks for besides model and provider."""
    asked = getattr(order, "conditions", None)
    beside = order.beside.offering.site.name if order.beside else ""
    shown = [
        (_("Refused providers"), " · ".join(one.name for one in order.refused.all())),
        (_("At the site of"), beside),
    ]
    if asked is not None:
        ring = f"{asked.get_ring_max_display()} · {asked.home_province}{asked.home_city}" if asked.home_city else ""
        shown += [
            (_("Domestic cards only"), _("yes") if asked.domestic else ""),
            (_("Memory per card, at least (GiB)"), str(asked.memory_gib or "")),
            (_("Bandwidth between cards, at least (GB/s)"), str(asked.interconnect_gb_s or "")),
            (_("PUE, at most"), _scaled(asked.pue_max_milli, 3)),
            (_("Green power, at least (%)"), _scaled(asked.green_min_bp, 2)),
            (_("Reliability, at least (%)"), _scaled(asked.reliability_min_bp, 2)),
            (_("How near"), ring),
        ]
    return [(label, value) for label, value in shown if value]


def _scaled(number: int | None, decimals: int) -> str:
    """Write an integer of a decimal place; nothing for nothing."""
    return "" if number is None else format(Decimal(number).scaleb(-decimals), "f")


def event_code(code: str) -> str:
    """Name the answer that a usage event got."""
    return str(EVENT_CODES.get(code, code))


def movement(kind: str) -> str:
    """Name a movement of money."""
    return str(MOVEMENTS.get(kind, kind))
