"""How much of a table we read, and how we say that we do not."""

MOST_BYTES = 2_000_000
MOST_ROWS = 1_000
MOST_COLUMNS = 60
MOST_CHARACTERS = 1_000
MOST_UNPACKED = 20_000_000
MOST_RATIO = 200
MOST_PARTS = 200


class Unreadable(Exception):
    """A file that is not read; ``code`` says why, ``figures`` where and how much."""

    def __init__(self, code: str, **figures: int) -> None:
        super().__init__(code)
        self.code = code
        self.figures = figures
