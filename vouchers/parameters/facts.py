"""What may be known of an applicant, a contract and a facility: the only names a predicate can use."""

from types import UnionType
from typing import Any, get_args, get_type_hints

from msgspec import Struct


class Facts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Facts about one case; what is ``None`` is not known, and proves nothing.

    Amounts are fen, dates are numbers of days: conditions know whole numbers, truths, words and sets of words.
    """

    # the applicant
    org_type: str | None = None
    size: str | None = None
    is_sme: bool | None = None
    industry: str | None = None
    qualifications: tuple[str, ...] | None = None
    registration_region: str | None = None
    tax_region: str | None = None
    district: str | None = None
    established_days: int | None = None
    employees: int | None = None
    revenue_fen: int | None = None
    annual_contract_sum_fen: int | None = None
    annual_spend_fen: int | None = None
    first_purchase: bool | None = None
    in_incubator: bool | None = None
    project_leader: bool | None = None
    base_model_firm: bool | None = None
    is_listed_provider: bool | None = None
    supply_side_claims: bool | None = None
    dishonest: bool | None = None
    clean_years: int | None = None
    accident_free_years: int | None = None
    penalty_free_years: int | None = None
    blacklisted: bool | None = None
    support_years: int | None = None
    grants_before: int | None = None
    attestations: tuple[str, ...] | None = None
    # the contract and what it buys
    contract_months: int | None = None
    contract_signed_on: str | None = None
    nth_use: int | None = None
    purpose: str | None = None
    service_layer: str | None = None
    compute_kind: str | None = None
    facility_type: str | None = None
    chip_domestic: bool | None = None
    filed_model_service: bool | None = None
    fast_matched: bool | None = None
    related_share_bp: int | None = None
    # the provider
    provider_region: str | None = None
    provider_pflops: int | None = None
    provider_racks: int | None = None
    provider_connected: bool | None = None


def _kind(hint: Any) -> type:
    (known,) = [each for each in get_args(hint) if each is not type(None)] if isinstance(hint, UnionType) else [hint]
    return known if isinstance(known, type) else tuple


KINDS: dict[str, type] = {name: _kind(hint) for name, hint in get_type_hints(Facts).items()}
