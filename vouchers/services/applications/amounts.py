"""How much an application may come to: the programme's own rules, applied to the lines of its contract."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Sum
from msgspec.structs import replace

from core.periods import date_of, midnight
from vouchers import rules
from vouchers.models import Application, Programme
from vouchers.models.application import AWARDED
from vouchers.services.applications import stating

UNBOUNDED_FEN = 10**15


class Entitlement(NamedTuple):
    """The most that an application can be awarded, why, and why not more."""

    amount_fen: int
    refused: str
    explanation: dict[str, Any] | None


def entitlement(*, application: Application, at: datetime) -> Entitlement:
    """Return the most that an application can be awarded now.

    With lines of a contract it is their quote; without any, what is asked for, within the caps that are left.
    """
    left_fen = _left_fen(application, at)
    if not application.lines:
        return Entitlement(min(application.asked_fen, left_fen), "SHORT" if left_fen <= 0 else "", None)
    bounds = {"order_cap_fen": None, "min_award_fen": 0, "partial_when_short": True, "price_filing": False}
    terms = replace(application.programme.terms, **bounds)
    quoted = rules.quote(
        terms=terms,
        spending=_spending(application),
        limits=rules.Limits(grant_available_fen=max(left_fen, 0)),
        case=rules.Case(facts=stating.asked(application, terms, at=at)),
    )
    return Entitlement(quoted.amount_fen, str(quoted.refused or ""), quoted.explanation())


def award_fen(application: Application) -> int:
    """Return what an application that has passed is proposed for, if budget is left."""
    bounds = [application.asked_fen, application.entitled_fen, application.recommended_fen]
    return min(int(fen) for fen in bounds if fen is not None)


def within_caps(applications: Sequence[Application], *, at: datetime) -> dict[UUID, int]:
    """Return what each of several applications may be proposed for, if all of them are: a firm's caps are shared.

    Those that came first are served first within a firm.
    """
    left = _years_left_fen(applications, at)
    bounded = {}
    for one in sorted(applications, key=lambda one: (one.submitted_at or at, one.pk)):
        firm = one.programme_id, one.applicant_id
        bounded[one.pk] = max(min(award_fen(one), left[firm]), 0)
        left[firm] -= bounded[one.pk]
    return bounded


def _spending(application: Application) -> list[rules.Spending]:
    listed = is_listed(application)
    return [rules.Spending(provider_listed=listed, **line) for line in application.lines]


def is_listed(application: Application) -> bool:
    """Tell whether the programme pays for the provider of the contract."""
    programme: Programme = application.programme
    if programme.open_registry:
        return True
    provider_id = application.provider_id
    return provider_id is not None and programme.providers.filter(pk=provider_id).exists()


def _left_fen(application: Application, at: datetime) -> int:
    most_fen = application.round.most_fen
    year_fen = _year_left_fen(application, at)
    return year_fen if most_fen is None else min(most_fen, year_fen)


def _year_left_fen(application: Application, at: datetime) -> int:
    """Return what the firm's cap of the year leaves, counting what its other applications reserved or got."""
    return _years_left_fen([application], at)[application.programme_id, application.applicant_id]


def _years_left_fen(applications: Sequence[Application], at: datetime) -> dict[tuple[UUID, UUID], int]:
    """Return the same for each firm in each programme, in one query; these applications themselves do not count."""
    begins_at = midnight(date_of(at).replace(month=1, day=1))
    firms = {(one.programme_id, one.applicant_id): one.programme.entity_year_cap_fen for one in applications}
    named = {"programme__in": {pk for pk, _firm in firms}, "applicant__in": {pk for _programme, pk in firms}}
    others = Application.objects.filter(status__in=AWARDED, proposed_at__gte=begins_at, **named)
    apart = others.exclude(pk__in=[one.pk for one in applications]).order_by()
    rows = apart.values_list("programme", "applicant").annotate(fen=Sum("reserved_fen"))
    taken = {(programme, firm): int(fen) for programme, firm, fen in rows}
    return {firm: UNBOUNDED_FEN if cap is None else int(cap) - taken.get(firm, 0) for firm, cap in firms.items()}
