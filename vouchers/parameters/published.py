"""Programmes modelled on published ones: their facts read into parameters. Pure.

What the facts do not say stays at its default; where a programme cannot do without, the choice is noted in ``source``.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from vouchers.parameters import Parameters, codec
from vouchers.parameters.formulas import parse

DAYS_PER_YEAR = 365
CATEGORIES = ("GPU_TRAIN", "GPU_INFER", "HPC")
DOMESTIC = "facility_type == 'DOMESTIC' or filed_model_service"
USAGE_FEE = "USAGE_FEE"


def parameters_of(facts: Mapping[str, Any], *, opens_on: date, closes_on: date) -> Parameters:
    """Return the parameters of a published programme; it is open on the days given, and on those of its own windows.

    :raises BadParameters: if the facts contradict each other.
    """
    window = _window(facts.get("application_window"))
    if window:
        opens_on, closes_on = min(opens_on, window["opens_on"]), max(closes_on, window["closes_on"])
    document = {
        "identity": _identity(facts, opens_on, closes_on),
        "money": _money(facts),
        "award": _award(facts),
        "validity": {"days": _validity_days(facts)},
        "caps": _caps(facts),
        "eligibility": _eligibility(facts),
        "providers": _providers(facts),
        "allocation": _allocation(facts, window),
        "redemption": _redemption(facts),
        "settlement": _settlement(facts, window),
    }
    related = facts.get("related_party")
    if related:
        document["integrity"] = {"related_party": {"rule": related}}
    return codec.load(msgspec.to_builtins(document))


def _window(days: Any) -> dict[str, date] | None:
    """Return a window whose published last day is its last day."""
    if not days:
        return None
    first, last = map(date.fromisoformat, days)
    return {"opens_on": first, "closes_on": last + timedelta(days=1)}


def _identity(facts: Mapping[str, Any], opens_on: date, closes_on: date) -> dict[str, Any]:
    return {
        "code": facts["code"],
        "name": facts["name"],
        "mode": facts["mode"],
        "authority": facts["authority"],
        "opens_on": opens_on,
        "closes_on": closes_on,
        "source": _source(facts),
    }


def _source(facts: Mapping[str, Any]) -> str:
    lines = [f"{group}: {status}" for group, status in facts["source_status"].items()]
    if "eligible_categories" not in facts:
        lines.append("适用品类: 推定（原文未列）")
    return "\n".join([facts["authority"], *lines])


def _money(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "budget_fen": facts["budget_fen"],
        # The published least amount (庆阳: 不低于 5000 元) is of the voucher granted, not of each order paid with it.
        "min_grant_fen": facts.get("min_award_fen", 0),
        "round_unit_fen": facts["round_unit_fen"],
        "round_base_first": facts.get("round_base_first", False),
        "funders": [{"code": one["code"], "weight": one["weight"]} for one in facts.get("funders", [])],
    }


def _award(facts: Mapping[str, Any]) -> dict[str, Any]:
    period = facts.get("base_period")
    return {
        "tiers": [*_fast_tiers(facts), *(_tier(tier) for tier in facts["ratio_tiers"])],
        "select": "FIRST_MATCH",
        "base": "METERED_USAGE" if facts.get("basis") == USAGE_FEE else "INVOICED",
        "eligible_categories": facts.get("eligible_categories", CATEGORIES),
        "excluded_categories": facts.get("excluded_categories", ()),
        "apportion": facts.get("apportion", "NONE"),
        "base_period": period and {"first_on": period[0], "last_on": period[1]},
        "day_count": facts.get("day_count", "END_MINUS_START"),
    }


def _tier(tier: Mapping[str, Any]) -> dict[str, Any]:
    when = tier.get("when")
    return {"code": tier["code"], "bp": tier["bp"], "when": when and parse(when)}


def _fast_tiers(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the ratios of 免审配套: lower ones, for who was not reviewed again."""
    by_facility = facts.get("stack", {}).get("fast_match_bp", {})
    return [
        {"code": f"FAST_{facility}", "bp": bp, "when": parse(f"fast_matched and ({_of_facility(facility)})")}
        for facility, bp in by_facility.items()
    ]


def _of_facility(facility: str) -> str:
    return DOMESTIC if facility == "DOMESTIC" else f"not ({DOMESTIC})"


def _validity_days(facts: Mapping[str, Any]) -> int:
    years: int = facts.get("max_support_years", 1)
    validity: int = facts.get("validity_days", years * DAYS_PER_YEAR)
    return validity


def _caps(facts: Mapping[str, Any]) -> dict[str, Any]:
    caps = {
        "entity_annual_cap_fen": facts.get("entity_annual_cap_fen"),
        "cap_basis": facts.get("cap_basis", ["REDEEM"]),
        "order_cap_fen": facts.get("per_order_cap_fen"),
        "one_grant_per_contract": facts.get("one_grant_per_contract", False),
        "contract_max_months": facts.get("contract_max_months"),
        "contract_signed_from": facts.get("contract_signed_from"),
        "max_support_years": facts.get("max_support_years"),
        "min_annual_spend_fen": facts.get("min_annual_spend_fen", 0),
    }
    waived = facts.get("entity_cap_waiver", [])
    if waived:
        caps["cap_waiver"] = {"when": parse(" or ".join(f"qualifications has '{one}'" for one in waived))}
    return caps


def _eligibility(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "org_types": facts.get("applicant_types", []),
        "industries": facts.get("eligible_industries", []),
        "credit": {"clean_years": facts.get("credit_clean_years", 0)},
        "provider_cannot_apply": facts.get("provider_cannot_apply", False),
    }


def _providers(facts: Mapping[str, Any]) -> dict[str, Any]:
    criteria = facts.get("provider_criteria")
    return {
        "registry": "CRITERIA" if criteria else "LIST",
        "criteria": criteria and {"text": criteria},
        "by_service_item": facts.get("provider_registry") == "ANNUAL_BATCH_WITH_SERVICE_ITEMS",
    }


def _allocation(facts: Mapping[str, Any], window: dict[str, date] | None) -> dict[str, Any]:
    return {"method": "WINDOW_BATCH" if window else facts.get("allocation", "FCFS"), "window": window}


def _redemption(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"partial_when_short": facts.get("partial_when_short", True), "stacking": _stacking(facts)}


def _stacking(facts: Mapping[str, Any]) -> dict[str, Any]:
    stacking: dict[str, Any] = {"rule": facts.get("other_support", "ALLOW")}
    if "aggregate_public_support_bp" in facts:
        stacking["ceilings"] = [{"bp": facts["aggregate_public_support_bp"]}]
        stacking["scope"] = facts["aggregate_scope"]
    if "stack" in facts:
        by_facility = facts["stack"]["total_cap_bp"]
        stacking["ceilings"] = [
            {"bp": bp, "when": parse(_of_facility(facility))} for facility, bp in by_facility.items()
        ]
        stacking |= {"partners": [facts["stack"]["with"]], "over": "REFUSE"}
    return stacking


def _settlement(facts: Mapping[str, Any], window: dict[str, date] | None) -> dict[str, Any]:
    claim_window = _window(facts.get("claim_window")) or (window if facts["mode"] == "REIMBURSE" else None)
    return {
        "claimant": facts["claimant"],
        "cycle": facts.get("settlement_cycle", "ANNUAL_WINDOW" if claim_window else "PER_CLAIM"),
        "claim_window": claim_window,
        "invoice_mode": facts.get("invoice_mode", "FULL_TO_BUYER"),
    }
