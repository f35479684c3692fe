"""Refusals that several services of billing share."""

from core.errors import Conflict


class WalletTooLow(Conflict):
    """The wallet cannot set aside, or pay, its part."""

    code = "wallet-too-low"
