"""Share independent parts of work among threads; compiled loops release the interpreter's lock."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

# How many parts work is divided into: more than a machine has threads to spare, and never depending on it.
PARTS = 64


class Hands:
    """So many threads. What the parts write must not overlap, so that their number changes nothing."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads)

    def each(self, work: Callable[[int], None], parts: int = PARTS) -> None:
        """Do all parts and wait."""
        if self.threads == 1:
            for part in range(parts):
                work(part)
            return
        for _ in self._pool.map(work, range(parts)):
            pass

    def share(self, work: Callable[[int, int], None], number: int) -> None:
        """Do so many things, from the first of a part to the last of it, and wait."""
        if self.threads == 1:
            work(0, number)
            return
        self.each(lambda part: work(part * number // PARTS, (part + 1) * number // PARTS))
