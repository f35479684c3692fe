"""The ledger once more, in plain Python and without any cleverness: what the real one must agree with."""

from collections import Counter
from copy import copy
from dataclasses import dataclass, field
from typing import NamedTuple


class Refused(Exception):
    """The ledger must refuse with one of these codes: of several refusals in a bulk any may come first."""


class Entry(NamedTuple):
    """A transfer: its moves, the hold that it captures and the transfer that it reverses, by their keys."""

    key: str
    moves: dict[str, int]
    hold: str | None = None
    reverses: str | None = None


@dataclass
class Hold:
    account: str
    amount: int
    due: int | None
    captured: int = 0
    status: str = "pending"

    @property
    def remaining(self) -> int:
        return self.amount - self.captured if self.status == "pending" else 0


@dataclass
class Oracle:
    """Everything that has happened, by account and by key."""

    floors: dict[str, int | None]
    posted: Counter[str] = field(default_factory=Counter)
    holds: dict[str, Hold] = field(default_factory=dict)
    transfers: dict[str, Entry] = field(default_factory=dict)

    def copy(self) -> "Oracle":
        holds = {key: copy(hold) for key, hold in self.holds.items()}
        return Oracle(self.floors, self.posted.copy(), holds, self.transfers.copy())

    def held(self, account: str) -> int:
        return sum(hold.remaining for hold in self.holds.values() if hold.account == account)

    def post(self, *entries: Entry) -> None:
        """Write all entries or none."""
        after = self.copy()
        new = [entry for entry in entries if not self.known(entry)]
        refusals = [code for entry in new for code in [after.write(entry)] if code]
        if refusals:
            raise Refused(*refusals)
        after.check_floors()
        self.__dict__ = after.__dict__

    def known(self, entry: Entry) -> bool:
        if entry.key not in self.transfers:
            return False
        if self.transfers[entry.key] != entry:
            raise Refused("key-reused")
        return True

    def write(self, entry: Entry) -> str | None:
        """Write one entry, or return the code of its refusal."""
        if entry.reverses and self.final(entry.reverses):
            return "already-reversed"
        self.transfers[entry.key] = entry
        self.posted.update(entry.moves)
        return self.capture(self.holds[entry.hold], entry.moves) if entry.hold else None

    def final(self, key: str) -> bool:
        return bool(self.transfers[key].reverses) or any(entry.reverses == key for entry in self.transfers.values())

    def capture(self, hold: Hold, moves: dict[str, int]) -> str | None:
        fen = -moves.get(hold.account, 0)
        if hold.status != "pending" and fen > 0:
            return "hold-closed"
        if fen <= 0:
            return "not-balanced"
        if fen > hold.remaining:
            return "overdrawn"
        hold.captured += fen
        return None

    def hold(self, key: str, account: str, fen: int, due: int | None) -> None:
        after = self.copy()
        after.holds[key] = Hold(account, fen, due)
        after.check_floors()
        self.__dict__ = after.__dict__

    def close(self, key: str, status: str) -> None:
        if self.holds[key].status != "pending":
            raise Refused("hold-closed")
        self.holds[key].status = status

    def resize(self, key: str, fen: int) -> None:
        hold = self.holds[key]
        if hold.status != "pending":
            raise Refused("hold-closed")
        if not max(hold.captured, 1) <= fen <= hold.amount:
            raise Refused("bad-hold")
        hold.amount = fen

    def expire_due(self, now: int) -> int:
        due = [
            hold
            for hold in self.holds.values()
            if hold.status == "pending" and hold.due is not None and hold.due <= now
        ]
        for hold in due:
            hold.status = "expired"
        return len(due)

    def check_floors(self) -> None:
        for account, floor in self.floors.items():
            if floor is not None and self.posted[account] - self.held(account) < floor:
                raise Refused("overdrawn")
