"""Say in the reader's language what rules and engines decided: voucher steps, matches, reasons, movements of money."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.money import format_micro, format_yuan
from core.periods import SHANGHAI
from market.models import Category, Order

REFUSALS: dict[str, Promise] = {
    "PROGRAMME_NOT_OPEN": gettext_lazy("the programme is not open"),
    "GRANT_NOT_USABLE": gettext_lazy("the voucher cannot be used: it has expired, or is not active"),
    "CATEGORY_NOT_ELIGIBLE": gettext_lazy("the programme does not pay for this category"),
    "PROVIDER_NOT_LISTED": gettext_lazy("the programme does not list the provider"),
    "BELOW_MINIMUM": gettext_lazy("the award would be below the programme's minimum"),
    "SHORT": gettext_lazy("too little is left, and the programme does not pay in part"),
}
CAPS: dict[str, Promise] = {
    "ORDER_CAP": gettext_lazy("the cap per order"),
    "ENTITY_YEAR": gettext_lazy("what is left of your yearly cap"),
    "GRANT": gettext_lazy("what is left on the voucher"),
}
STEPS: dict[str, Promise] = {
    "INCLUDED": gettext_lazy("%(category)s for ¥%(amount)s counts."),
    "EXCLUDED": gettext_lazy("%(category)s for ¥%(amount)s does not count: %(reason)s."),
    "ELIGIBLE": gettext_lazy("Eligible spending: ¥%(amount)s."),
    "RATIO": gettext_lazy("The programme pays %(ratio)s%% of it: ¥%(amount)s."),
    "ROUNDED": gettext_lazy("Rounded down to whole units of ¥%(unit)s: ¥%(amount)s."),
    "CAP": gettext_lazy("At most ¥%(limit)s, %(cap)s: ¥%(amount)s."),
    "MINIMUM": gettext_lazy("The programme awards ¥%(minimum)s or nothing."),
    "AWARD": gettext_lazy("The voucher pays ¥%(amount)s."),
    "REFUSED": gettext_lazy("The voucher pays nothing: %(reason)s."),
}
MOVEMENTS: dict[str, Promise] = {
    "top-up": gettext_lazy("Top-up"),
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


def voucher_steps(steps: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return each step of a voucher's explanation as a sentence."""
    return [_step(one) for one in steps]


def _step(step: Mapping[str, Any]) -> str:
    given: Mapping[str, Any] = step["params"]
    words = {
        "amount": format_yuan(step["amount_fen"]),
        "category": dict(Category.choices).get(given.get("category", ""), given.get("category", "")),
        "reason": REFUSALS.get(given.get("reason", ""), given.get("reason", "")),
        "cap": CAPS.get(given.get("cap", ""), given.get("cap", "")),
        "ratio": format_yuan(int(given.get("ratio_bp", 0))),
        "unit": format_yuan(int(given.get("unit_fen", 0))),
        "limit": format_yuan(int(given.get("limit_fen", 0))),
        "minimum": format_yuan(int(given.get("min_award_fen", 0))),
    }
    return str(STEPS.get(step["code"], step["code"])) % words


def match_reason(reason: Mapping[str, Any]) -> str:
    """Say why an offering got an order."""
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
    if "lowest_ask_micro" in detail:
        lines.append(
            _("The cheapest with room asks ¥%(price)s.") % {"price": format_micro(int(detail["lowest_ask_micro"]))}
        )
    if "free_cards" in detail:
        lines.append(_("At most %(cards)s cards are free together.") % {"cards": detail["free_cards"]})
    if "starts_at" in detail:
        at = datetime.fromisoformat(detail["starts_at"]).astimezone(SHANGHAI)
        lines.append(_("It could start at %(at)s.") % {"at": at.strftime("%Y-%m-%d %H:%M")})
    return lines


def event_code(code: str) -> str:
    """Name the answer that a usage event got."""
    return str(EVENT_CODES.get(code, code))


def movement(kind: str) -> str:
    """Name a movement of money."""
    return str(MOVEMENTS.get(kind, kind))
