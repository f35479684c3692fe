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
    "CATEGORY_NOT_ELIGIBLE": _("the programme does not pay for this category"),
    "KIND_NOT_ELIGIBLE": _("the programme does not pay for this kind of compute"),
    "PURPOSE_NOT_ELIGIBLE": _("the programme does not pay for this purpose"),
    "REGION_NOT_ELIGIBLE": _("the programme does not pay for compute in this region"),
    "SELF_BUILT": _("the programme does not pay for what a firm built for itself"),
    "PROVIDER_NOT_LISTED": _("the programme does not list the provider"),
    "PRICE_NOT_FILED": _("the provider has filed no price with the authority, or one below this price"),
    "RELATED_PARTY": _("buyer and provider are related parties"),
    "NOT_FIRST_PURCHASE": _("the programme pays for a firm's first purchase of compute only"),
    "TOO_MANY_VOUCHERS": _("the order uses as many vouchers of this programme as one order may"),
    "OTHER_SUPPORT": _("the contract has other public support, with which this one is not added"),
    "SUPPORT_CEILING": _("all public support together would exceed its ceiling"),
    "HIGHER_SUPPORT": _("the contract has other public support that is not lower, and the two are not added"),
    "CONTRACT_UNKNOWN": _("the days of the contract, or what was metered of it, are not known"),
    "OUTSIDE_BASE_PERIOD": _("the contract lies outside the base period"),
    "BELOW_ANNUAL_SPEND": _("the year's spending is below the programme's least"),
    "NO_TIER": _("none of the programme's ratios applies"),
    "BELOW_MINIMUM": _("the award would be below the programme's minimum"),
    "SHORT": _("too little is left, and the programme does not pay in part"),
}
CAPS: dict[str, Promise] = {
    "MAX_AWARD": _("the largest award"),
    "ORDER_CAP": _("the cap per order"),
    "CONTRACT": _("what is left of the cap per contract"),
    "ENTITY_YEAR": _("what is left of your yearly cap"),
    "ENTITY_LIFETIME": _("what is left of your cap for all years"),
    "GROUP": _("what is left of the cap of your group of firms"),
    "COMBINED": _("what is left of the cap that several programmes share"),
    "PROVIDER_SHARE": _("what is left of the provider's share of the budget"),
    "GRANT": _("what is left on the voucher"),
    "POOL": _("what is left of the pool"),
    "TRANCHE": _("what is left of the instalments of the budget released so far"),
    "BUDGET": _("what is left of the budget"),
    "AGGREGATE": _("what other public support leaves of the ceiling"),
    "CASH_SHARE": _("what is left after your own least share"),
}
STEPS: dict[str, Promise] = {
    "INCLUDED": _("%(category)s for ¥%(amount)s counts."),
    "EXCLUDED": _("%(category)s for ¥%(amount)s does not count: %(reason)s."),
    "DISCOUNTED": _("%(category)s after its part of the discount, ¥%(discount)s: ¥%(amount)s."),
    "ELIGIBLE": _("Eligible spending: ¥%(amount)s."),
    "UNTAXED": _("Without value-added tax: ¥%(amount)s."),
    "OTHER_SUPPORT": _("Other public support for the same contract: ¥%(amount)s."),
    "BASE_REDUCED": _("Less the other public support: ¥%(amount)s."),
    "DAYS": _("%(days)s of %(of_days)s days of the contract lie in the base period: ¥%(amount)s."),
    "METERED": _("%(part)s of %(whole)s metered lie in the base period: ¥%(amount)s."),
    "BASE_ROUNDED": _("The base rounded down to whole units of ¥%(unit)s: ¥%(amount)s."),
    "TIER": _("The ratio %(tier)s applies: %(ratio)s%%."),
    "RATIO": _("The programme pays %(ratio)s%% of it: ¥%(amount)s."),
    "ROUNDED": _("Rounded down to whole units of ¥%(unit)s: ¥%(amount)s."),
    "HIGHER_OF": _("The higher support counts, not the sum; less the other ¥%(other)s: ¥%(amount)s."),
    "WAIVED": _("%(cap)s does not limit this award: it was waived."),
    "CAP": _("At most ¥%(limit)s, %(cap)s: ¥%(amount)s."),
    "MINIMUM": _("The programme awards ¥%(minimum)s or nothing."),
    "FUNDED": _("%(funder)s bears ¥%(amount)s."),
    "AWARD": _("The voucher pays ¥%(amount)s."),
    "REFUSED": _("The voucher pays nothing: %(reason)s."),
}
PLAIN = ("days", "of_days", "part", "whole", "tier", "funder")


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
        "discount": format_yuan(given.get("discount_fen", 0)),
        "other": format_yuan(given.get("other_fen", 0)),
        **{name: given.get(name) for name in PLAIN},
    }
    return str(STEPS[step["code"]]) % words
