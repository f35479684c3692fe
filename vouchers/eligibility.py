"""Which conditions on an applicant its facts do not meet. Pure: what is not known is not met.

``answers`` lists every condition of a programme with what is asked and what is known, so that a firm sees all of
them at once, and not only the first that fails.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from vouchers.parameters import Eligibility, Facts, Parameters
from vouchers.parameters.predicates import holds


class Answer(NamedTuple):
    """One condition: its code, what is asked, what is known, and whether it is met (``None``: not known)."""

    code: str
    asked: Any
    known: Any
    met: bool | None


def answers(parameters: Parameters, facts: Facts) -> list[Answer]:
    """Return an answer to each condition that a programme has."""
    eligibility = parameters.eligibility
    return [
        *_lists(eligibility, facts),
        *_ages(eligibility, facts),
        *_record(eligibility, facts),
        *_more(eligibility, facts),
        *_purchases(parameters, facts),
    ]


def unmet(parameters: Parameters, facts: Facts) -> list[Answer]:
    """Return the conditions that are not met, or not known to be."""
    return [one for one in answers(parameters, facts) if one.met is not True]


def _lists(asked: Eligibility, facts: Facts) -> Iterator[Answer]:
    words = [
        ("ORG_TYPE", asked.org_types, facts.org_type),
        ("REGISTRATION_REGION", asked.registration_regions, facts.registration_region),
        ("TAX_REGION", asked.tax_regions, facts.tax_region),
        ("SIZE", asked.sizes, facts.size),
    ]
    for code, wanted, known in words:
        if wanted:
            yield Answer(code, [str(one) for one in wanted], known, None if known is None else known in wanted)
    if asked.industries:
        known = facts.industry
        met = None if known is None else any(known.startswith(one) for one in asked.industries)
        yield Answer("INDUSTRY", list(asked.industries), known, met)
    if asked.qualifications:
        held = facts.qualifications
        met = None if held is None else bool(set(held) & set(asked.qualifications))
        yield Answer("QUALIFICATION", list(asked.qualifications), list(held or ()), met)


def _ages(asked: Eligibility, facts: Facts) -> Iterator[Answer]:
    days = facts.established_days
    if asked.established_min_days is not None:
        met = None if days is None else days >= asked.established_min_days
        yield Answer("ESTABLISHED_MIN_DAYS", asked.established_min_days, days, met)
    if asked.established_max_days is not None:
        met = None if days is None else days <= asked.established_max_days
        yield Answer("ESTABLISHED_MAX_DAYS", asked.established_max_days, days, met)


def _record(asked: Eligibility, facts: Facts) -> Iterator[Answer]:
    """Judge an applicant's record. That it is on no list is what the platform itself knows; years are stated."""
    if asked.credit.no_serious_dishonesty:
        yield Answer("NO_DISHONESTY", asked=True, known=not facts.dishonest, met=not facts.dishonest)
    years = [
        ("CLEAN_YEARS", asked.credit.clean_years, facts.clean_years),
        ("ACCIDENT_FREE_YEARS", asked.credit.no_accident_years, facts.accident_free_years),
        ("PENALTY_FREE_YEARS", asked.credit.no_penalty_years, facts.penalty_free_years),
    ]
    for code, least, known in years:
        if least:
            yield Answer(code, least, known, None if known is None else known >= least)


def _more(asked: Eligibility, facts: Facts) -> Iterator[Answer]:
    if asked.provider_cannot_apply:
        yield Answer("NOT_A_PROVIDER", asked=True, known=not facts.is_listed_provider, met=not facts.is_listed_provider)
    if asked.attestations:
        given = set(facts.attestations or ())
        yield Answer("ATTESTATIONS", list(asked.attestations), sorted(given), given >= set(asked.attestations))
    if asked.when is not None:
        yield Answer("CONDITION", asked=True, known=None, met=holds(asked.when, facts))


def _purchases(parameters: Parameters, facts: Facts) -> Iterator[Answer]:
    if parameters.caps.first_purchase_only:
        yield Answer("FIRST_PURCHASE", asked=True, known=facts.first_purchase, met=facts.first_purchase)
