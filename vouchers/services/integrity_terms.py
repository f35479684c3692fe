"""What a programme looks for and what follows, in the words of the rules."""

from vouchers.fraud.thresholds import Sanctions, Thresholds
from vouchers.models import Programme

DEFAULT_THRESHOLDS = Thresholds()
DEFAULT_SANCTIONS = Sanctions()


def thresholds(programme: Programme) -> Thresholds:  # noqa: ARG001 - no programme says otherwise yet
    """Return how much is too much in a programme."""
    return DEFAULT_THRESHOLDS


def sanctions(programme: Programme) -> Sanctions:  # noqa: ARG001 - no programme says otherwise yet
    """Return what follows from a finding in a programme."""
    return DEFAULT_SANCTIONS
