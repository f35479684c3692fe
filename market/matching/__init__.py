"""Decide which order gets which offering: a pure rule over a frozen book, usable without the platform.

``match(book, bids)`` gives the same outcome for the same input on every machine; ``checker.faults`` judges an
outcome independently; ``input_sha256`` names the input so that an auditor can replay it.
"""

from market.matching.book import Ask, Bid, Book
from market.matching.digest import input_sha256
from market.matching.outcome import Fill, Outcome, Reason, Unmatched
from market.matching.walk import match

__all__ = ["Ask", "Bid", "Book", "Fill", "Outcome", "Reason", "Unmatched", "input_sha256", "match"]
