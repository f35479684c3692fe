"""The chart of accounts of public money: the ledger's codes and kinds of transfer, written in one place.

budget → grant → redeemed, with ``lapsed`` for what nobody used in time. All of it comes from ``appropriation``.
What is owed and paid for it is a second circle: claimed → payable → in transit → paid, or set off against what the
payee owes.
"""

from enum import StrEnum
from uuid import UUID


class Kind(StrEnum):
    """Why value moves between the accounts of a programme."""

    APPROPRIATE = "voucher.appropriate"
    RAISE = "voucher.raise"
    CUT = "voucher.cut"
    FORGO = "voucher.forgo"
    GRANT = "voucher.grant"
    CAPTURE = "voucher.capture"
    REFUND = "voucher.refund"
    LAPSE = "voucher.lapse"
    REVOKE = "voucher.revoke"
    DEMAND = "voucher.demand"
    RECOVER = "voucher.recover"
    OFFSET = "voucher.offset"
    REMIT = "voucher.remit"
    RESTORE = "voucher.restore"
    GIVE_BACK = "voucher.giveback"
    APPROVE = "voucher.approve"
    UNAPPROVE = "voucher.unapprove"
    INSTRUCT = "voucher.instruct"
    PAY = "voucher.pay"
    BOUNCE = "voucher.bounce"
    SET_OFF = "voucher.setoff"


def appropriation(programme_id: UUID) -> str:
    """Return the code of the source from which a programme's budget comes; it goes negative."""
    return f"appropriation/{programme_id}"


def budget(programme_id: UUID) -> str:
    """Return the code of what a programme may still grant."""
    return f"budget/{programme_id}"


def grant(grant_id: UUID) -> str:
    """Return the code of what a grant still has, held value included."""
    return f"grant/{grant_id}"


def redeemed(programme_id: UUID) -> str:
    """Return the code of what a programme has paid for, net of refunds."""
    return f"redeemed/{programme_id}"


def lapsed(programme_id: UUID) -> str:
    """Return the code of what was granted and not used in time, or not granted within the year of its budget."""
    return f"lapsed/{programme_id}"


def clawback(clawback_id: UUID) -> str:
    """Return the code of what is still owed after a clawback; it never falls below nothing."""
    return f"clawback/{clawback_id}"


def demanded(programme_id: UUID) -> str:
    """Return the code of the source of what clawbacks demand; it goes negative."""
    return f"demanded/{programme_id}"


def recovered(programme_id: UUID) -> str:
    """Return the code of what came back of what was demanded, for the treasury: it is not granted again."""
    return f"recovered/{programme_id}"


def restitution(clawback_id: UUID) -> str:
    """Return the code of what came back and is given back after an appeal; it never falls below nothing."""
    return f"restitution/{clawback_id}"


def claimed(programme_id: UUID) -> str:
    """Return the code of the source of what claims have approved; it goes negative."""
    return f"claimed/{programme_id}"


def payable(kind: str, programme_id: UUID, claimant_id: UUID) -> str:
    """Return the code of what a programme's authority owes a claimant and has not sent to the bank."""
    return f"payable-{kind}/{programme_id}/{claimant_id}"


def in_transit(programme_id: UUID) -> str:
    """Return the code of what is with the bank."""
    return f"in-transit/{programme_id}"


def paid(programme_id: UUID) -> str:
    """Return the code of what has arrived."""
    return f"paid/{programme_id}"


def set_off(programme_id: UUID) -> str:
    """Return the code of what was not paid out because its claimant owed as much after a clawback."""
    return f"set-off/{programme_id}"
