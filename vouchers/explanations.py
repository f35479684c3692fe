"""Say in the reader's language how an award was calculated, step by step."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.money import format_yuan

REFUSALS: dict[str, Promise] = {
    "PROGRAMME_NOT_OPEN": _("the programme is not open"),
    "GRANT_NOT_USABLE": _("the voucher cannot be used: it has expired, or is not active"),
    "BLACKLISTED": _("a party is barred from vouchers"),
    "RELATED_PARTY": _("buyer and provider are related parties"),
    "CATEGORY_NOT_ELIGIBLE": _("the programme does not pay for this category"),
    "PROVIDER_NOT_LISTED": _("the programme does not list the provider"),
    "BELOW_MINIMUM": _("the award would be below the programme's minimum"),
    "SHORT": _("too little is left, and the programme does not pay in part"),
}
CAPS: dict[str, Promise] = {
    "ORDER_CAP": _("the cap per order"),
    "ENTITY_YEAR": _("what is left of your yearly cap"),
    "GRANT": _("what is left on the voucher"),
}
STEPS: dict[str, Promise] = {
    "INCLUDED": _("%(category)s for ¥%(amount)s counts."),
    "EXCLUDED": _("%(category)s for ¥%(amount)s does not count: %(reason)s."),
    "ELIGIBLE": _("Eligible spending: ¥%(amount)s."),
    "RATIO": _("The programme pays %(ratio)s%% of it: ¥%(amount)s."),
    "ROUNDED": _("Rounded down to whole units of ¥%(unit)s: ¥%(amount)s."),
    "CAP": _("At most ¥%(limit)s, %(cap)s: ¥%(amount)s."),
    "MINIMUM": _("The programme awards ¥%(minimum)s or nothing."),
    "AWARD": _("The voucher pays ¥%(amount)s."),
    "REFUSED": _("The voucher pays nothing: %(reason)s."),
}


def sentences(explanation: Mapping[str, Any], *, categories: Mapping[str, Any] | None = None) -> list[str]:
    """Return a sentence for every step of an explanation; ``categories`` names them for the reader."""
    return [_sentence(step, categories or {}) for step in explanation["steps"]]


def _sentence(step: Mapping[str, Any], categories: Mapping[str, Any]) -> str:
    given: Mapping[str, Any] = step["params"]
    category = given.get("category", "")
    words = {
        "amount": format_yuan(step["amount_fen"]),
        "category": categories.get(category, category),
        "reason": REFUSALS.get(given.get("reason", "")),
        "cap": CAPS.get(given.get("cap", "")),
        # Basis points are hundredths of a per cent, as fen are of a yuan.
        "ratio": format_yuan(given.get("ratio_bp", 0)),
        "unit": format_yuan(given.get("unit_fen", 0)),
        "limit": format_yuan(given.get("limit_fen", 0)),
        "minimum": format_yuan(given.get("min_award_fen", 0)),
    }
    return str(STEPS[step["code"]]) % words
