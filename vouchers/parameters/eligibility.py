"""Who may apply, and whose services are paid for."""

from enum import StrEnum

from vouchers.parameters.predicates import Predicate
from vouchers.parameters.units import Count, Days, Group, Line, Window, Years


class OrgType(StrEnum):
    """What kind of applicant."""

    ENTERPRISE = "ENTERPRISE"
    UNIVERSITY = "UNIVERSITY"
    INSTITUTE = "INSTITUTE"
    MAKER = "MAKER"
    OPC = "OPC"
    MICRO = "MICRO"
    INTERMEDIARY = "INTERMEDIARY"


class Size(StrEnum):
    """The size of an enterprise by the statistical standard."""

    LARGE = "LARGE"
    MEDIUM = "MEDIUM"
    SMALL = "SMALL"
    MICRO = "MICRO"


class BlacklistScope(StrEnum):
    """Whose blacklists bar an applicant."""

    PROGRAMME = "PROGRAMME"
    AUTHORITY = "AUTHORITY"
    PLATFORM = "PLATFORM"


class Credit(Group, frozen=True, kw_only=True):
    """What an applicant's record must be free of, and for how many years back; 0 asks for nothing."""

    no_serious_dishonesty: bool = True
    clean_years: Years = 0
    no_accident_years: Years = 0
    no_penalty_years: Years = 0


class Eligibility(Group, frozen=True, kw_only=True):
    """Conditions on the applicant; an empty list bars nobody."""

    org_types: tuple[OrgType, ...] = ()
    registration_regions: tuple[Line, ...] = ()
    tax_regions: tuple[Line, ...] = ()
    sizes: tuple[Size, ...] = ()
    industries: tuple[Line, ...] = ()
    qualifications: tuple[Line, ...] = ()
    established_min_days: Days | None = None
    established_max_days: Days | None = None
    credit: Credit = Credit()
    provider_cannot_apply: bool = False
    both_sides_cannot_claim: bool = False
    blacklist_scope: BlacklistScope = BlacklistScope.PLATFORM
    attestations: tuple[Line, ...] = ()
    when: Predicate | None = None


class Registry(StrEnum):
    """How it is decided whose services count."""

    OPEN = "OPEN"
    LIST = "LIST"
    CRITERIA = "CRITERIA"


class Criteria(Group, frozen=True, kw_only=True):
    """What a provider must have."""

    regions: tuple[Line, ...] = ()
    min_pflops: Count = 0
    min_racks: Count = 0
    legal_person: bool = True
    connected_to_platform: bool = False
    text: tuple[Line, ...] = ()


class ServiceItem(Group, frozen=True, kw_only=True):
    """A service that a provider is listed for, with the categories it may sell under it."""

    code: Line
    name: Line = ""
    categories: tuple[Line, ...] = ()


class Batch(Group, frozen=True, kw_only=True):
    """A round in which providers are taken into the registry, and how long it holds."""

    code: Line
    window: Window | None = None
    valid: Window | None = None


class Providers(Group, frozen=True, kw_only=True):
    """Whose services the programme pays for; ``by_service_item`` lists providers for each item apart."""

    registry: Registry = Registry.LIST
    by_service_item: bool = False
    service_items: tuple[ServiceItem, ...] = ()
    batches: tuple[Batch, ...] = ()
    criteria: Criteria | None = None
    price_filing_required: bool = False
    suspend_on_findings: Count | None = None
