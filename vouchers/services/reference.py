"""Draft programmes modelled on published ones. They are demonstrations, never a city's legal text."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services.audit import Actor
from core.errors import DomainError, NotFound
from vouchers.models import Programme
from vouchers.services import programmes
from vouchers.services.programmes import Rules

FACTS = Path(__file__).resolve().parent.parent / "reference" / "programmes.json"
INSTANT_DEDUCT = "INSTANT_DEDUCT"
DAYS_PER_YEAR = 365


class UnknownReference(NotFound):
    """No programme of this code is among the reference facts."""

    code = "unknown-reference-programme"


class ModeNotSupported(DomainError):
    """The programme's flow of money needs claims, which do not exist yet."""

    code = "programme-mode-not-supported"


def known() -> dict[str, Mapping[str, Any]]:
    """Return the facts of every reference programme by its code."""
    return {facts["code"]: facts for facts in json.loads(FACTS.read_text(encoding="utf-8"))["programs"]}


@transaction.atomic
def draft(
    *,
    code: str,
    authority: Organization,
    opens_on: date,
    closes_on: date,
    actor: Actor,
    at: datetime,
    providers: Iterable[Organization] = (),
) -> Programme:
    """Draft the programme of this code for an authority, with a list of providers.

    :raises UnknownReference: if there is no such code.
    :raises ModeNotSupported: if it pays after a claim instead of at once.
    """
    facts = known().get(code)
    if facts is None:
        raise UnknownReference(_("There is no reference programme %(code)s.") % {"code": code})
    rules = _rules(facts, opens_on, closes_on)
    programme = programmes.draft(authority=authority, actor=actor, at=at, **rules)
    programmes.list_providers(programme=programme, providers=providers, actor=actor, at=at)
    return programme


def _rules(facts: Mapping[str, Any], opens_on: date, closes_on: date) -> Rules:
    if facts["mode"] != INSTANT_DEDUCT:
        detail = _("%(code)s pays %(mode)s; only vouchers deducted at once (INSTANT_DEDUCT) are supported so far.")
        raise ModeNotSupported(detail % {"code": facts["code"], "mode": facts["mode"]})
    (tier,) = facts["ratio_tiers"]
    return Rules(
        code=facts["code"],
        name=facts["name"],
        budget_fen=facts["budget_fen"],
        ratio_bp=tier["bp"],
        entity_year_cap_fen=facts.get("entity_annual_cap_fen"),
        order_cap_fen=facts.get("per_order_cap_fen"),
        # The published least amount (庆阳: 不低于 5000 元) is of the voucher granted, not of each order paid with it.
        min_grant_fen=facts.get("min_award_fen", 0),
        round_unit_fen=facts["round_unit_fen"],
        partial_when_short=facts["partial_when_short"],
        validity_days=_validity_days(facts),
        eligible_categories=list(facts["eligible_categories"]),
        opens_on=opens_on,
        closes_on=closes_on,
        source=_source(facts),
    )


def _validity_days(facts: Mapping[str, Any]) -> int:
    years: int = facts.get("max_support_years", 1)
    validity: int = facts.get("validity_days", years * DAYS_PER_YEAR)
    return validity


def _source(facts: Mapping[str, Any]) -> str:
    lines = [f"{group}: {status}" for group, status in facts["source_status"].items()]
    return "\n".join([facts["authority"], *lines])
