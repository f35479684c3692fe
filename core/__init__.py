"""The kernel: money, ids, errors, periods and states. It has no tables and imports none of our apps."""
