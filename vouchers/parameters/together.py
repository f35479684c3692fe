"""What is said of a programme only together with something else. Pure."""

from collections.abc import Iterator

from vouchers.parameters import Parameters
from vouchers.parameters.eligibility import Registry
from vouchers.parameters.identity import Mode
from vouchers.parameters.money import Carryover
from vouchers.parameters.redemption import ValidFrom


def alone(parameters: Parameters) -> Iterator[tuple[str, str]]:
    """Yield the path and a code for everything that a programme says without what it needs."""
    validity, providers = parameters.validity, parameters.providers
    from_first_use = validity.valid_from is ValidFrom.FIRST_USE
    money, opens_on = parameters.money, parameters.identity.opens_on
    reference_bp = parameters.integrity.fixed_price_reference_bp
    missing = {
        ("money.fiscal_year", "BUDGET_YEAR_IS_OVER"): money.carryover is Carryover.LAPSE
        and (money.fiscal_year or opens_on.year) < opens_on.year,
        ("validity.fixed_last_on", "FIRST_USE_NEEDS_A_LAST_DAY"): from_first_use and validity.fixed_last_on is None,
        ("validity.valid_from", "CLAIMS_FOLLOW_THE_USE"): from_first_use
        and parameters.identity.mode is not Mode.INSTANT_DEDUCT,
        ("providers.price_filing_required", "PRICES_NEED_A_LIST"): providers.price_filing_required
        and providers.registry is Registry.OPEN,
        ("integrity.fixed_price_reference_bp", "REFERENCE_NEEDS_FILED_PRICES"): reference_bp is not None
        and not providers.price_filing_required,
    }
    yield from (named for named, is_missing in missing.items() if is_missing)
