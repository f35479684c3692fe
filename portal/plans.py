"""Say a price plan in the reader's language."""

from datetime import datetime

from django.utils.translation import gettext as _

from core.money import format_micro, format_yuan
from market.models import Offering, PricePlan
from market.pricing import Electricity, Plan
from market.services.price_lists import plan_of


def of_offering(offering: Offering, at: datetime) -> list[tuple[PricePlan, bool, list[str]]]:
    """Return the plan that counts and those to come, each with whether it counts now and its sentences."""
    plans = PricePlan.objects.filter(offering=offering)
    counting, coming = list(plans.in_effect(at)[:1]), list(plans.to_come(at))
    return [(one, one in counting, sentences(plan_of(one))) for one in [*counting, *coming]]


def sentences(plan: Plan) -> list[str]:
    """Return the terms of a plan, a sentence each."""
    lines = [_("¥%(price)s per card-hour.") % {"price": format_micro(plan.base_micro)}]
    for band in plan.bands:
        hours = {"first": band.from_hour, "last": band.to_hour, "price": format_micro(band.price_micro)}
        lines.append(_("From %(first)02d:00 to %(last)02d:00 Shanghai time: ¥%(price)s.") % hours)
    if plan.electricity:
        lines.append(_electricity(plan.electricity))
    for step in plan.terms:
        given = {"hours": step.at_least, "percent": format_yuan(step.discount_bp)}
        lines.append(_("Orders of %(hours)d hours or more: %(percent)s%% off.") % given)
    for step in plan.volumes:
        given = {"cards": step.at_least, "percent": format_yuan(step.discount_bp)}
        lines.append(_("%(cards)d cards or more: %(percent)s%% off.") % given)
    return lines


def _electricity(linked: Electricity) -> str:
    # Basis points are hundredths of a per cent, as fen are of a yuan; ten-thousandths are micro-units / 100.
    return _(
        "Follows the tariff %(tariff)s: %(share)s%% of the difference to ¥%(reference)s per kWh, for %(watts)d W "
        "at a PUE of %(pue)s, between ¥%(lowest)s and ¥%(highest)s."
    ) % {
        "tariff": linked.tariff,
        "share": format_yuan(linked.share_bp),
        "reference": format_micro(linked.reference_micro),
        "watts": linked.watts,
        "pue": format_micro(linked.pue_bp * 100),
        "lowest": format_micro(linked.lowest_micro),
        "highest": format_micro(linked.highest_micro),
    }
