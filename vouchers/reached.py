"""Firms of one kind that programmes reached. Pure."""

from typing import NamedTuple


class Reached(NamedTuple):
    """Firms of one kind: how many applied or got something, how many were granted value, and how much they used."""

    axis: str
    label: str
    firms: int
    granted_firms: int
    granted_fen: int
    redeemed_fen: int
