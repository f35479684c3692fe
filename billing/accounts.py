"""The chart of accounts: which ledger account stands for what. A balance is the sum of its postings."""

from collections.abc import Iterable

from accounts.models import Organization
from vouchers.models import Programme

COMMISSION = "commission"
OUTPUT_VAT = "output-vat"
STRIPE_CLEARING = "stripe-clearing"
BANK_CLEARING = "bank-clearing"


def floors(codes: Iterable[str]) -> dict[str, int | None]:
    """Return each account's floor in fen: a wallet's is nothing, all others only collect."""
    return {code: 0 if code.startswith("wallet/") else None for code in codes}


def wallet(organization: Organization) -> str:
    """Name the prepaid money of a buyer: never below nothing."""
    return f"wallet/{organization.pk}"


def arrears(organization: Organization) -> str:
    """Name what the platform has advanced to a buyer: negative until the next top-up repays it."""
    return f"arrears/{organization.pk}"


def provider_payable(organization: Organization) -> str:
    """Name what a provider has earned and no settlement states yet."""
    return f"provider-payable/{organization.pk}"


def payout_due(organization: Organization) -> str:
    """Name what a settlement says a provider is owed."""
    return f"payout-due/{organization.pk}"


def authority_receivable(programme: Programme) -> str:
    """Name what vouchers of a programme have paid and no settlement has asked for: negative, an asset."""
    return f"authority-receivable/{programme.pk}"


def authority_billed(programme: Programme) -> str:
    """Name what settlements have asked of a programme's authority: negative until it pays."""
    return f"authority-billed/{programme.pk}"
