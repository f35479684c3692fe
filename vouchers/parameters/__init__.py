"""Every parameter of a programme, typed and checked: what ``programme.parameters`` is. Pure.

``Parameters`` is the whole; its groups are modules of their own. ``codec`` reads and writes JSON, ``checks`` finds
contradictions, ``differences`` compares two versions, ``predicates`` is the language of conditions.
"""

from vouchers.parameters.allocation import Allocation
from vouchers.parameters.award import Award, Tier
from vouchers.parameters.caps import Caps
from vouchers.parameters.eligibility import Eligibility, Providers
from vouchers.parameters.facts import Facts
from vouchers.parameters.identity import Identity, Mode
from vouchers.parameters.integrity import Integrity, Reporting
from vouchers.parameters.money import Funder, Money
from vouchers.parameters.redemption import Redemption, Validity
from vouchers.parameters.settlement import Evidence, Settlement
from vouchers.parameters.units import Group, Span, Window

__all__ = [
    "Allocation",
    "Award",
    "Caps",
    "Eligibility",
    "Evidence",
    "Facts",
    "Funder",
    "Identity",
    "Integrity",
    "Mode",
    "Money",
    "Parameters",
    "Providers",
    "Redemption",
    "Reporting",
    "Settlement",
    "Span",
    "Tier",
    "Validity",
    "Window",
]


class Parameters(Group, frozen=True, kw_only=True):
    """A programme as data. Fixed once published; what changes is the next version."""

    identity: Identity
    money: Money
    award: Award
    validity: Validity
    caps: Caps = Caps()
    eligibility: Eligibility = Eligibility()
    providers: Providers = Providers()
    allocation: Allocation = Allocation()
    redemption: Redemption = Redemption()
    evidence: Evidence = Evidence()
    settlement: Settlement = Settlement()
    integrity: Integrity = Integrity()
    reporting: Reporting = Reporting()
