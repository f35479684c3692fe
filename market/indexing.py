"""The published rules of the price index. Pure: numbers only, so that anybody can compute it again from the tape."""

DAYS = 7
"""The index of a day looks at the trades of this many days, the day itself included."""
MIN_TRADES = 5
"""A pair of parties counts once a day, with the median of what it paid."""
MIN_SELLERS = 3
MIN_BUYERS = 3
MAD_FACTOR = 5
LEAST_TOLERANCE_PERCENT = 10
"""A trade is screened out if it is farther from the median than ``MAD_FACTOR`` median absolute deviations, and farther
than this share of the median: where nearly everyone pays the same, a small difference is no outlier."""

MIN_ORDERS = 3
MIN_PARTIES = 3
"""Demand is shown in steps of at least so many orders of so many buyers, as of the last full hour."""
STEP_MICRO = 100_000
"""Depth is shown in steps of ¥0.10 per card-hour."""
