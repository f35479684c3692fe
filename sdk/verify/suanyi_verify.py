"""Verify a bundle of a Suanyi transparency log. One file, Python 3.11 or later, nothing to install, no network.

    python suanyi_verify.py bundle.zip --pub log.pub [--pub new.pub] [--witness w.pub] [--trusted old.checkpoint]
        [--receipt r.json]
    python suanyi_verify.py voucher-months.csv.zip --pub log.pub --file

It checks the signatures of the bundle's checkpoint and of the old one, computes the root from all entries, checks that
the log still begins with what the old checkpoint signed, checks receipts, and replays every entry as an accountant.
With --file it checks that a zip holds a file as the platform has signed it.

Exit codes: 0 all is well; 1 not a bundle; 2 signature; 3 root; 4 consistency: history was rewritten or rolled back;
5 inclusion of a receipt; 6 an accounting rule is broken.
"""

import argparse
import base64
import binascii
import gc
import hashlib
import json
import os
import re
import sys
import zipfile
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Self

FORMAT, SIGNATURE, ROOT, CONSISTENCY, INCLUSION, ACCOUNTING = range(1, 7)
MOST_DAYS = 36_525  # that a grant lasts
SIGNED_FILE = "suanyi signed file v1"
HASHES: dict[str, Callable[[bytes], Any]] = {
    "sha256": hashlib.sha256,
    "sm3": lambda content: hashlib.new("sm3", content),
}


class Wrong(Exception):
    """A check failed; ``code`` is the exit code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def need(fine: object, code: int, text: str) -> None:
    """Refuse unless a condition holds."""
    if not fine:
        raise Wrong(code, text)


# Ed25519 as RFC 8032 gives it, for verifying only: nothing here is secret.
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]


def add(one: Point, other: Point) -> Point:
    """Add two points of the curve in extended coordinates."""
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    """Return a multiple of a point."""
    total: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def decompress(raw: bytes) -> Point | None:
    """Return the point that 32 bytes stand for, or nothing."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = decompress((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether an Ed25519 signature is valid."""
    if len(public) != 32 or len(signature) != 64 or BASE is None:
        return False
    key, r, s = decompress(public), decompress(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    left, right = times(s, BASE), add(r, times(h, key))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 == (left[1] * right[2] - right[1] * left[2]) % P


class Checkpoint(NamedTuple):
    """What a note says of a log, and the note."""

    origin: str
    size: int
    root: bytes
    algorithm: str
    note: str


def unbase64(text: str, code: int = FORMAT) -> bytes:
    """Return what base64 stands for."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Wrong(code, f"not base64: {text[:40]}") from error


def read_checkpoint(note: str) -> Checkpoint:
    """Read a checkpoint; who signed it is another question."""
    lines = note.partition("\n\n")[0].split("\n")
    need(len(lines) >= 3 and lines[1].isdigit(), FORMAT, "this is no checkpoint")
    named = [line[5:] for line in lines[3:] if line.startswith("hash ")]
    need([*named, "sha256"][0] in HASHES, FORMAT, "this log's hash is unknown here")
    return Checkpoint(lines[0], int(lines[1]), unbase64(lines[2]), [*named, "sha256"][0], note)


def signed_by(note: str, key: str) -> bool:
    """Tell whether a note carries a valid signature of a key: a log's (kind 1), or a witness' with a time (kind 4)."""
    name, _, rest = key.strip().partition("+")
    public = unbase64(rest.partition("+")[2], SIGNATURE)
    key_id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    text, _, signatures = note.partition("\n\n")
    for line in signatures.splitlines():
        who, _, content = line.removeprefix("— ").partition(" ")
        raw = unbase64(content, SIGNATURE)
        if (who, raw[:4]) != (name, key_id):
            continue
        message, signature = (text + "\n").encode(), raw[4:]
        if public[0] == 4:
            message = b"cosignature/v1\ntime %d\n" % int.from_bytes(signature[:8], "big") + message
            signature = signature[8:]
        if is_signed(public[1:], message, signature):
            return True
    return False


class Tree:
    """A Merkle tree (RFC 9162) that keeps its peaks only, and the roots of the sizes that matter."""

    def __init__(self, algorithm: str, marks: set[int]) -> None:
        self.hash, self.marks, self.roots = HASHES[algorithm], marks, {}
        self.size, self.peaks = 0, []

    def grow(self, entry: bytes) -> None:
        """Add an entry."""
        hash_, peaks, size = self.hash, self.peaks, self.size
        digest = hash_(b"\x00" + entry).digest()
        while size & 1:
            digest, size = hash_(b"\x01" + peaks.pop() + digest).digest(), size >> 1
        peaks.append(digest)
        self.size += 1
        if self.size in self.marks:
            self.roots[self.size] = self.root()

    def graft(self, root: bytes) -> None:
        """Add a whole chunk of entries by its root."""
        size = self.size // CHUNK
        while size & 1:
            root, size = self.hash(b"\x01" + self.peaks.pop() + root).digest(), size >> 1
        self.peaks.append(root)
        self.size += CHUNK
        if self.size in self.marks:
            self.roots[self.size] = self.root()

    def is_whole(self, entries: list[bytes]) -> bool:
        """Tell whether the next entries can be grafted: they are a chunk, and no size within them matters."""
        return len(entries) == CHUNK and not any(self.size < mark < self.size + CHUNK for mark in self.marks)

    def root(self) -> bytes:
        """Return the root of all so far."""
        if not self.peaks:
            return self.hash(b"").digest()
        root = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            root = self.hash(b"\x01" + peak + root).digest()
        return root


CHUNK = 1 << 12  # entries that are hashed together: a power of two, so that they are one subtree
READ, LONG = 1 << 20, 8 << 20  # bytes: how much is read at once, and from where on other processes help
PROCESSES = 3  # hashing costs a third of what accounting does: more processes would wait for it


def subtree(algorithm: str, entries: list[bytes]) -> bytes:
    """Return the root of a whole chunk."""
    hash_ = HASHES[algorithm]
    nodes = [hash_(b"\x00" + entry).digest() for entry in entries]
    while len(nodes) > 1:
        pair = iter(nodes)
        nodes = [hash_(b"\x01" + left + right).digest() for left, right in zip(pair, pair, strict=True)]
    return nodes[0]


class Hashing:
    """A tree that other processes hash for, a few chunks behind. Whatever they do not answer is hashed here."""

    def __init__(self, tree: Tree, algorithm: str, processes: int) -> None:
        self.tree, self.algorithm = tree, algorithm
        self.waiting: deque[tuple[list[bytes], Future[bytes] | None]] = deque()
        self.most = 2 * processes
        self.pool = pool_of(processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failed: object) -> None:
        if self.pool:
            self.pool.shutdown(cancel_futures=True)

    def add(self, entries: list[bytes]) -> None:
        """Add the next entries."""
        self.waiting.append((entries, self.asked(entries)))
        while len(self.waiting) > self.most:
            self.settle()

    def asked(self, entries: list[bytes]) -> "Future[bytes] | None":
        """Ask another process for the root of a chunk, if there is one."""
        try:
            return self.pool.submit(subtree, self.algorithm, entries) if self.pool and len(entries) == CHUNK else None
        except (OSError, RuntimeError):  # no process can be started here, or one died
            self.pool = None
            return None

    def settle(self) -> None:
        """Put the oldest entries that wait into the tree."""
        entries, answer = self.waiting.popleft()
        if not self.tree.is_whole(entries):
            for entry in entries:
                self.tree.grow(entry)
            return
        try:
            root = answer.result() if answer else subtree(self.algorithm, entries)
        except Exception:  # noqa: BLE001  a process that dies, for whatever reason, changes no verdict
            root = subtree(self.algorithm, entries)
        self.tree.graft(root)

    def end(self) -> None:
        """Put all that waits into the tree."""
        while self.waiting:
            self.settle()


def pool_of(processes: int) -> Executor | None:
    """Return processes to hash in, or nothing where none can be had."""
    try:
        return ProcessPoolExecutor(processes) if processes else None
    except (ImportError, OSError, RuntimeError):
        return None


def proven_root(algorithm: str, leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """Return the root to which an inclusion proof leads (RFC 9162, 2.1.3.2)."""
    need(0 <= index < size, INCLUSION, "the receipt names no entry of its checkpoint")
    last = size - 1
    for sibling in proof:
        need(last, INCLUSION, "the receipt's proof is too long")
        if index & 1 or index == last:
            leaf = HASHES[algorithm](b"\x01" + sibling + leaf).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            leaf = HASHES[algorithm](b"\x01" + leaf + sibling).digest()
        index, last = index >> 1, last >> 1
    need(not last, INCLUSION, "the receipt's proof is too short")
    return leaf


def no_float(text: str) -> NoReturn:
    """Refuse a number that is no integer (I26)."""
    raise Wrong(ACCOUNTING, f"I26: {text} is no integer")


READER = json.JSONDecoder(parse_float=no_float)
WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Shapes:
    """Patterns of entries that were found to be in the canonical form: what fits one of them is in it, too.

    A pattern has every key in its order and plain values only (no escape, no sign, no zero before a number). It saves
    writing out what is written like an entry before; what fits none is written out and compared.
    """

    MOST = 4  # patterns of one type

    def __init__(self) -> None:
        self.known: dict[str, list[Callable[[str], object]]] = defaultdict(list)

    def fit(self, entry: dict[str, Any], text: str) -> bool:
        """Tell whether an entry is written in the canonical form."""
        for fits in self.known[entry["type"]]:
            if fits(text):
                return True
        return self.learn(entry) if canonical(entry) == text.encode() else False

    def learn(self, entry: dict[str, Any]) -> bool:
        """Make a pattern of an entry in its canonical form, if its values are plain."""
        patterns = self.known[entry["type"]]
        if len(patterns) < self.MOST and all(type(value) in PLAIN for value in entry.values()):
            parts = (re.escape(WRITER.encode(name)) + ":" + PLAIN[type(entry[name])] for name in sorted(entry))
            patterns.append(re.compile("{" + ",".join(parts) + "}").fullmatch)
        return True


PLAIN = {str: r'"[ !#-\[\]-~]*+"', int: "(?:0|[1-9][0-9]*+)", type(None): "null"}


def canonical(entry: dict[str, Any]) -> bytes:
    """Return the one way to write an entry."""
    return WRITER.encode(entry).encode()


def day(text: str) -> str:
    """Return an instant of an entry in a form that sorts by time."""
    if not isinstance(text, str) or text[-1:] != "Z":
        raise Wrong(ACCOUNTING, "I24: an instant is not in UTC")
    return text[:-1]


def year_in_shanghai(text: str) -> int:
    """Return the calendar year of an instant in Shanghai."""
    instant = datetime.fromisoformat(day(text))
    return (instant + timedelta(hours=8)).year if instant.month == 12 else instant.year


def end_of_days(text: str, days: int) -> str:
    """Return when the last of so many days in Shanghai ends, from the day of an instant on, in a form that sorts."""
    first = (datetime.fromisoformat(day(text)) + timedelta(hours=8)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=days, hours=-8)).isoformat()


class Books:
    """What the entries add up to. Every rule is checked as its entry comes; the sums once more at the end."""

    def __init__(self) -> None:
        self.programmes: dict[str, dict[str, Any]] = {}
        self.grants: dict[str, dict[str, Any]] = {}
        self.redemptions: dict[str, dict[str, Any]] = {}
        self.years: dict[tuple[str, str, int], int] = defaultdict(int)
        self.demands: dict[str, int] = {}
        self.came_back: dict[str, int] = defaultdict(int)
        self.restored: dict[str, int] = defaultdict(int)
        self.claims: dict[str, dict[str, Any]] = {}
        self.claimed_by: dict[str, str] = {}
        self.accepted: dict[str, int] = defaultdict(int)
        self.withheld: dict[str, int] = defaultdict(int)
        self.size, self.root = 0, b""
        self.shapes = Shapes()
        self.acts: dict[str, Callable[[dict[str, Any], int], None]] = {
            name: getattr(self, f"on_{name}")
            for name in (
                "appropriate",
                "grant",
                "hold",
                "capture",
                "shrink",
                "release",
                "refund",
                "lapse",
                "revoke",
                "raise",
                "cut",
                "version",
                "extend",
                "begin",
                "forgo",
            )
        }
        claims = ("claim", "drop", "approve", "unapprove", "instruct", "pay", "bounce", "setoff")
        clawbacks = ("demand", "recover", "offset", "remit", "restore", "giveback")
        self.acts |= {name: getattr(self, f"on_{name}") for name in claims + clawbacks}

    def enter(self, seq: int, line: bytes) -> None:
        """Replay the entry at a place."""
        try:
            text = line.decode()
            entry, end = READER.raw_decode(text) if text[:1] == "{" else (None, -1)
            if end != len(text):
                entry = READER.decode(text)  # it passes over spaces, and says what else is wrong
            if entry["type"] != "key":
                fen = entry["amount_fen"]
                self.accept(entry, text, fen)
                self.acts[entry["type"]](entry, fen)
        except (Wrong, KeyError, ValueError, TypeError) as error:
            raise Wrong(ACCOUNTING, f"entry {seq}: {error!s}") from error

    def accept(self, entry: dict[str, Any], text: str, fen: object) -> None:
        """Refuse what is no movement, or written in another way than the one."""
        if type(fen) is not int or fen < 0:
            raise Wrong(ACCOUNTING, "I26: an amount is a number of fen")
        if entry["type"] not in self.acts:
            raise Wrong(ACCOUNTING, f"{entry['type']} is no known movement")
        if not self.shapes.fit(entry, text):
            raise Wrong(ACCOUNTING, "the entry is not in its canonical form")

    @staticmethod
    def need(fine: object, text: str) -> None:
        """Refuse unless a rule of accounting holds."""
        if not fine:
            raise Wrong(ACCOUNTING, text)

    def move(self, account: dict[str, Any], giver: str, taker: str, fen: int) -> None:
        """Move value between the places of one grant; none may fall below nothing (I1)."""
        account[giver] -= fen
        account[taker] += fen
        if account[giver] < 0:
            raise Wrong(ACCOUNTING, f"I1: {giver} falls below nothing")

    def count(self, redemption: dict[str, Any], fen: int) -> None:
        """Count what an entity holds and uses in a year, and compare it with the cap (I3)."""
        grant = self.grants[redemption["grant"]]
        year = (grant["programme"], grant["entity"], redemption["year"])
        used = self.years[year] = self.years[year] + fen
        if fen > 0:
            cap = self.programmes[grant["programme"]]["cap"]
            self.need(cap is None or used <= cap, "I3: the entity's year is above its cap")

    def on_appropriate(self, entry: dict[str, Any], fen: int) -> None:
        self.need(entry["programme"] not in self.programmes, "I2: a budget is appropriated once")
        versions = {1: (entry["ratio_bp"], entry["order_cap_fen"])}
        named = {"code": entry["code"], "cap": entry["entity_year_cap_fen"], "versions": versions}
        self.programmes[entry["programme"]] = {"budget": fen, "unallocated": fen, "lapsed": 0, **named}

    def on_version(self, entry: dict[str, Any], fen: int) -> None:
        programme, number = self.programmes[entry["programme"]], entry["version"]
        self.need(fen == 0, "a version moves nothing itself")
        self.need(number == len(programme["versions"]) + 1, "I22: a version follows the one before it")
        programme["versions"][number] = (entry["ratio_bp"], entry["order_cap_fen"])
        programme["cap"] = entry["entity_year_cap_fen"]

    def on_raise(self, entry: dict[str, Any], fen: int) -> None:
        programme = self.programmes[entry["programme"]]
        programme["budget"] += fen
        programme["unallocated"] += fen

    def on_cut(self, entry: dict[str, Any], fen: int) -> None:
        self.on_raise(entry, -fen)
        self.need(self.programmes[entry["programme"]]["unallocated"] >= 0, "I23: the budget is below what is committed")

    def on_forgo(self, entry: dict[str, Any], fen: int) -> None:
        """What was not granted within the year of a budget lapses."""
        programme = self.programmes[entry["programme"]]
        programme["unallocated"] -= fen
        programme["lapsed"] += fen
        self.need(programme["unallocated"] >= 0, "I2: more lapses than was left of the budget")

    def on_grant(self, entry: dict[str, Any], fen: int) -> None:
        self.need(entry["grant"] not in self.grants, "a grant is approved once")
        programme = self.programmes[entry["programme"]]
        programme["unallocated"] -= fen
        self.need(programme["unallocated"] >= 0, "I2: more is granted than was appropriated")
        places = dict.fromkeys(("held", "redeemed", "expired", "revoked"), 0)
        named = {"programme": entry["programme"], "entity": entry["entity"], "ends": day(entry["expires_at"])}
        named["bp"], named["order_cap"] = programme["versions"][entry.get("version", 1)]
        days = named["days"] = entry.get("days")
        self.need(
            days is None or (type(days) is int and 0 < days <= MOST_DAYS), "I11: a grant lasts for a number of days"
        )
        self.grants[entry["grant"]] = {"face": fen, "available": fen, "over": False, **places, **named}

    def on_extend(self, entry: dict[str, Any], fen: int) -> None:
        grant, ends = self.grants[entry["grant"]], day(entry["expires_at"])
        self.need(fen == 0, "an extension moves nothing itself")
        self.need(not grant["over"] and day(entry["at"]) < grant["ends"], "I11: a grant that is over ends no later")
        self.need(grant["ends"] < ends, "I11: an extension ends later than the grant did")
        grant["ends"] = ends

    def on_begin(self, entry: dict[str, Any], fen: int) -> None:
        """The first use fixes the end of a grant whose days count from it."""
        grant, ends = self.grants[entry["grant"]], day(entry["expires_at"])
        self.need(fen == 0, "a first use moves nothing itself")
        self.need(grant["days"] is not None, "I11: the days of a grant begin once, where they count from its first use")
        self.need(not grant["over"] and day(entry["at"]) < grant["ends"], "I11: a grant that is over does not begin")
        days_later = end_of_days(entry["at"], grant["days"])
        self.need(ends == min(grant["ends"], days_later), "I11: a grant ends with its days from its first use on")
        grant["ends"], grant["days"] = ends, None

    def on_hold(self, entry: dict[str, Any], fen: int) -> None:
        self.need(entry["redemption"] not in self.redemptions, "a redemption is held once")
        grant = self.grants[entry["grant"]]
        self.need(grant["days"] is None, "I11: the days of a grant begin with its first use")
        self.need(
            not grant["over"] and day(entry["at"]) < grant["ends"], "I11: nothing is held of a grant that is over"
        )
        self.need(0 < fen <= entry["eligible_fen"] * grant["bp"] // 10_000, "I5: the award is above its ratio")
        self.need(grant["order_cap"] is None or fen <= grant["order_cap"], "I5: above the cap of an order")
        self.need(year_in_shanghai(entry["at"]) == entry["year"], "I24: the year is another one in Shanghai")
        self.move(grant, "available", "held", fen)
        redemption = {"grant": entry["grant"], "year": entry["year"], "left": fen, "open": True, "paid": 0}
        self.redemptions[entry["redemption"]] = redemption
        self.count(redemption, fen)

    def on_capture(self, entry: dict[str, Any], fen: int) -> None:
        redemption = self.opened(entry, fen)
        grant = self.grants[redemption["grant"]]
        self.need(day(entry["used_at"]) < grant["ends"], "I11: what was used after the expiry is not paid")
        redemption["paid"] += fen
        self.move(grant, "held", "redeemed", fen)

    def opened(self, entry: dict[str, Any], fen: int) -> dict[str, Any]:
        """Take a part of what a redemption still holds."""
        redemption = self.redemptions[entry["redemption"]]
        if not redemption["open"]:
            raise Wrong(ACCOUNTING, "I13: the redemption is closed")
        left = redemption["left"] = redemption["left"] - fen
        if left < 0:
            raise Wrong(ACCOUNTING, "I4: more is taken than was held")
        return redemption

    def on_shrink(self, entry: dict[str, Any], fen: int) -> None:
        redemption = self.opened(entry, fen)
        self.move(self.grants[redemption["grant"]], "held", "available", fen)
        self.count(redemption, -fen)

    def on_release(self, entry: dict[str, Any], fen: int) -> None:
        self.on_shrink(entry, fen)
        redemption = self.redemptions[entry["redemption"]]
        self.need(redemption["left"] == 0, "I4: captures and releases are not what was held")
        redemption["open"] = False

    def on_refund(self, entry: dict[str, Any], fen: int) -> None:
        redemption = self.redemptions[entry["redemption"]]
        redemption["paid"] -= fen
        self.need(redemption["paid"] >= 0, "I12: more comes back than was captured")
        grant = self.grants[redemption["grant"]]
        self.move(grant, "redeemed", "available", fen)
        self.need(grant.get("demanded", 0) <= grant["redeemed"], "I13: what was demanded back comes back twice")
        self.count(redemption, -fen)

    def on_lapse(self, entry: dict[str, Any], fen: int) -> None:
        grant = self.grants[entry["grant"]]
        self.need(day(entry["at"]) >= grant["ends"], "I11: value lapses before its expiry")
        grant["over"] = True
        self.move(grant, "available", "expired", fen)

    def on_revoke(self, entry: dict[str, Any], fen: int) -> None:
        grant = self.grants[entry["grant"]]
        grant["over"] = True
        self.move(grant, "available", "revoked", fen)
        self.programmes[grant["programme"]]["unallocated"] += fen

    def on_demand(self, entry: dict[str, Any], fen: int) -> None:
        grant, principal = self.grants[entry["grant"]], entry["principal_fen"]
        self.need(entry["clawback"] not in self.demands, "a clawback demands once")
        self.need(type(principal) is int and 0 <= principal <= fen, "I26: a principal is a part of what is demanded")
        grant["demanded"] = grant.get("demanded", 0) + principal
        self.need(grant["demanded"] <= grant["redeemed"], "I13: more is taken back than the grant has paid")
        self.demands[entry["clawback"]] = fen

    def on_recover(self, entry: dict[str, Any], fen: int) -> None:
        self.demands[entry["clawback"]] -= fen
        self.need(self.demands[entry["clawback"]] >= 0, "I13: more comes back than was demanded")
        self.came_back[entry["clawback"]] += fen

    def on_remit(self, entry: dict[str, Any], fen: int) -> None:
        """After an appeal less is demanded."""
        self.demands[entry["clawback"]] -= fen
        self.need(self.demands[entry["clawback"]] >= 0, "I13: more is remitted than is owed")
        self.relieve(entry, fen)

    def on_restore(self, entry: dict[str, Any], fen: int) -> None:
        """After an appeal a part of what came back is to be given back."""
        self.came_back[entry["clawback"]] -= fen
        self.need(self.came_back[entry["clawback"]] >= 0, "I13: more is given back than came back")
        self.restored[entry["clawback"]] += fen
        self.relieve(entry, fen)

    def on_giveback(self, entry: dict[str, Any], fen: int) -> None:
        self.restored[entry["clawback"]] -= fen
        self.need(self.restored[entry["clawback"]] >= 0, "I13: more is given back than an appeal says")

    def relieve(self, entry: dict[str, Any], fen: int) -> None:
        """Let a grant be asked for less principal."""
        grant, principal = self.grants[entry["grant"]], entry["principal_fen"]
        self.need(type(principal) is int and 0 <= principal <= fen, "I26: a principal is a part of what is remitted")
        grant["demanded"] = grant.get("demanded", 0) - principal
        self.need(grant["demanded"] >= 0, "I13: more is remitted than was demanded")

    def on_offset(self, entry: dict[str, Any], fen: int) -> None:
        """What is set off without a claim was written down by hand, before payments withheld it."""
        self.on_recover(entry, fen)
        if "claim" in entry:
            self.withheld[entry["claim"]] += fen

    def on_claim(self, entry: dict[str, Any], fen: int) -> None:
        self.need(entry["claim"] not in self.claims, "I17: a claim is put together once")
        lines = self.lines(entry)
        self.need(sum(lines.values()) <= fen, "I16: a claim is not the sum of its lines")
        for redemption in lines:
            self.need(redemption in self.redemptions, "I17: a claim names what was never redeemed")
            self.need(redemption not in self.claimed_by, "I17: a redemption is in two claims at once")
            self.claimed_by[redemption] = entry["claim"]
        self.claims[entry["claim"]] = {
            "programme": entry["programme"],
            "asked": fen,
            "names": lines,
            "given": {},
            "sum": 0,
            "sent": 0,
            "kept": 0,
            "set_off": 0,
            "state": "open",
        }

    def lines(self, entry: dict[str, Any]) -> dict[str, int]:
        """Return the fen of each redemption that an entry names."""
        lines = dict(entry["lines"])
        self.need(len(lines) == len(entry["lines"]), "I17: an entry names a redemption twice")
        self.need(all(type(fen) is int for fen in lines.values()), "I26: an amount is a number of fen")
        return lines

    def claim_in(self, entry: dict[str, Any], state: str, becomes: str) -> dict[str, Any]:
        """Move a claim from one state to the next."""
        claim = self.claims[entry["claim"]]
        self.need(claim["state"] == state, f"I16: the claim is {claim['state']}, not {state}")
        claim["state"] = becomes
        return claim

    def leave(self, name: str, claim: dict[str, Any]) -> None:
        """Let the redemptions of a claim be claimed again."""
        for redemption in claim["names"]:
            if self.claimed_by.get(redemption) == name:
                del self.claimed_by[redemption]

    def on_drop(self, entry: dict[str, Any], fen: int) -> None:
        claim = self.claim_in(entry, "open", "dropped")
        self.need(fen == claim["asked"], "I16: another amount is dropped than was claimed")
        self.leave(entry["claim"], claim)

    def on_approve(self, entry: dict[str, Any], fen: int) -> None:
        claim, lines = self.claim_in(entry, "open", "approved"), self.lines(entry)
        self.need(sum(lines.values()) == fen, "I16: what is approved is not the sum of the lines accepted")
        self.need(fen <= claim["asked"], "I16: more is approved than was claimed")
        for redemption, part in lines.items():
            other = self.claimed_by.get(redemption, entry["claim"])
            self.need(other == entry["claim"], "I17: a redemption of another claim is approved")
            self.accepted[redemption] += part
            self.stands(redemption)
        self.leave(entry["claim"], claim)
        claim["given"], claim["sum"] = lines, fen

    def stands(self, redemption: str) -> None:
        """Refuse unless what claims accept of a redemption is within what it has paid and not taken back."""
        paid = self.redemptions[redemption]["paid"]
        self.need(0 <= self.accepted[redemption] <= paid, "I16: more is claimed of a redemption than it has paid")

    def on_unapprove(self, entry: dict[str, Any], fen: int) -> None:
        claim = self.claim_in(entry, "approved", "open")
        self.need(fen == claim["sum"], "I16: another amount is taken back than was approved")
        for redemption, part in claim["given"].items():
            self.accepted[redemption] -= part
        claim["names"] |= claim["given"]
        for redemption in claim["names"]:
            self.claimed_by.setdefault(redemption, entry["claim"])

    def on_instruct(self, entry: dict[str, Any], fen: int) -> None:
        claim = self.claim_in(entry, "approved", "instructed")
        claim["sent"], claim["kept"] = fen, entry.get("set_off_fen", 0)
        self.need(claim["kept"] >= 0, "I26: an amount is a number of fen")
        self.need(fen + claim["kept"] == claim["sum"], "I16: another amount is sent to the bank than was approved")
        for redemption in claim["given"]:
            self.stands(redemption)

    def on_pay(self, entry: dict[str, Any], fen: int) -> None:
        claim = self.claim_in(entry, "instructed", "paid")
        self.need(fen == claim["sent"], "I16: another amount is paid than was sent to the bank")
        self.need(claim["set_off"] == claim["kept"], "I16: what is paid and set off is not what was approved")
        self.need(entry["claim"] not in self.withheld, "I13: what is less owed was not set off")

    def on_setoff(self, entry: dict[str, Any], fen: int) -> None:
        """A part of a claim is set off before the rest is paid; if it is all of it, no bank is asked."""
        whole = self.claims[entry["claim"]]["state"] == "approved"
        claim = self.claim_in(entry, "approved" if whole else "instructed", "paid" if whole else "instructed")
        self.need(self.withheld.pop(entry["claim"], 0) == fen, "I13: what is set off is not less owed")
        claim["set_off"] += fen
        self.need(not whole or fen == claim["sum"], "I16: another amount is set off than was approved")
        for redemption in claim["given"]:
            self.stands(redemption)

    def on_bounce(self, entry: dict[str, Any], fen: int) -> None:
        claim = self.claim_in(entry, "instructed", "approved")
        self.need(fen == claim["sent"], "I16: another amount comes back than was sent")

    def settlement(self) -> dict[str, dict[str, int]]:
        """Return what claims of each programme were approved for, by where the money is."""
        found: dict[str, dict[str, int]] = {}
        for claim in self.claims.values():
            places = found.setdefault(claim["programme"], dict.fromkeys(("approved", "instructed", "paid"), 0))
            if claim["state"] in places:
                places[claim["state"]] += claim["sum"]
        return found

    def balances(self) -> dict[str, dict[str, int]]:
        """Return where each budget is; every fen of it is in one place (I1, I2)."""
        found = {}
        for name, programme in self.programmes.items():
            found[name] = {"budget": programme["budget"], "unallocated": programme["unallocated"]}
            found[name] |= dict.fromkeys(("available", "held", "redeemed"), 0) | {"expired": programme["lapsed"]}
        for grant in self.grants.values():
            places = {place: grant[place] for place in ("available", "held", "redeemed", "expired")}
            self.need(sum(places.values()) + grant["revoked"] == grant["face"], "I1: a grant does not add up")
            for place, fen in places.items():
                found[grant["programme"]][place] += fen
        for places in found.values():
            self.need(places["budget"] * 2 == sum(places.values()), "I2: a budget does not add up")
        return found

    def tell(self) -> None:
        """Print where every budget is, in fen."""
        for name, places in self.balances().items():
            print(self.programmes[name]["code"], *(f"{place}={fen}" for place, fen in places.items()))
        for name, places in self.settlement().items():
            print(self.programmes[name]["code"], "claims", *(f"{place}={fen}" for place, fen in places.items()))
        print(f"OK: {self.size} entries, {len(self.grants)} grants, {len(self.redemptions)} redemptions")
        print(f"root {self.root.hex()}")


def verify(asked: argparse.Namespace) -> Books:
    """Check everything that was asked, in the order of the exit codes, and return the books."""
    keys = [path.read_text(encoding="utf-8") for path in asked.pub]
    trusted = [signed_checkpoint(path.read_text(encoding="utf-8"), keys) for path in asked.trusted]
    receipts = [json.loads(path.read_text(encoding="utf-8")) for path in asked.receipt]
    with zipfile.ZipFile(asked.bundle) as bundle:
        now = signed_checkpoint(bundle.read("checkpoint").decode(), keys)
        for path in asked.witness:
            need(signed_by(now.note, path.read_text(encoding="utf-8")), SIGNATURE, f"{path.name} has not cosigned")
        books, tree, leaves = replay(bundle, now, trusted, {receipt["seq"] for receipt in receipts})
    need((tree.size, tree.root()) == (now.size, now.root), ROOT, "the entries are not those that were signed")
    for old in trusted:
        need(old.origin == now.origin, CONSISTENCY, "the old checkpoint is another log's")
        need(old.size <= now.size, CONSISTENCY, "the log was rolled back: it is shorter than it was")
        need(tree.roots[old.size] == old.root, CONSISTENCY, "history was rewritten since the old checkpoint")
    for receipt in receipts:
        check_receipt(receipt, keys, now, leaves)
    if isinstance(books, Wrong):
        raise books
    books.size, books.root = tree.size, now.root
    books.balances()
    return books


def check_file(path: Path, keys: list[str]) -> str:
    """Check that a zip holds a file whose digest one of the keys has signed, and return the file's name."""
    with zipfile.ZipFile(path) as packed:
        (named,) = [name for name in packed.namelist() if name.endswith(".note")]
        note = packed.read(named).decode()
        need(any(signed_by(note, key) for key in keys), SIGNATURE, "no signature of the platform on the file")
        kind, name, signed = note.partition("\n\n")[0].split("\n")
        need(kind == SIGNED_FILE and named == f"{name}.note", FORMAT, "the note is not about a file")
        digest = base64.b64encode(hashlib.sha256(packed.read(name)).digest()).decode()
    need(signed == f"sha256 {digest}", SIGNATURE, f"{name} is not what was signed")
    return name


def signed_checkpoint(note: str, keys: list[str]) -> Checkpoint:
    """Read a checkpoint that one of the log's keys has signed."""
    need(any(signed_by(note, key) for key in keys), SIGNATURE, "no signature of the log on a checkpoint")
    return read_checkpoint(note)


def replay(
    bundle: zipfile.ZipFile, now: Checkpoint, trusted: list[Checkpoint], wanted: set[int]
) -> tuple["Books | Wrong", Tree, dict[int, bytes]]:
    """Hash and replay every entry in one pass; the first broken rule is kept until the hashes have been judged."""
    tree, leaves = Tree(now.algorithm, {old.size for old in trusted}), {}
    books: Books | Wrong = Books()
    seq = 0
    with Hashing(tree, now.algorithm, processes(bundle)) as hashing:
        for chunk in chunks(bundle):
            hashing.add(chunk)
            leaves |= {place: chunk[place - seq] for place in wanted if seq <= place < seq + len(chunk)}
            books = entered(books, seq, chunk) if isinstance(books, Books) else books
            seq += len(chunk)
        hashing.end()
    if 0 in tree.marks:
        tree.roots[0] = tree.hash(b"").digest()
    return books, tree, leaves


def chunks(bundle: zipfile.ZipFile) -> Iterator[list[bytes]]:
    """Yield the entries of a bundle, so many at once as are hashed together."""
    with bundle.open("entries.jsonl") as lines:
        waiting: list[bytes] = []
        rest = b""
        while block := lines.read(READ):
            *whole, rest = (rest + block).split(b"\n")
            waiting += whole
            while len(waiting) >= CHUNK:
                yield waiting[:CHUNK]
                waiting = waiting[CHUNK:]
    yield waiting + [rest] * bool(rest)


def processes(bundle: zipfile.ZipFile) -> int:
    """Return how many processes hash beside this one: none on one core, or for a log that is soon read."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores - 1, PROCESSES) if bundle.getinfo("entries.jsonl").file_size > LONG else 0


def entered(books: Books, seq: int, entries: list[bytes]) -> "Books | Wrong":
    """Replay entries from a place on; return the books, or what is wrong."""
    enter = books.enter
    try:
        for place, entry in enumerate(entries, seq):
            enter(place, entry)
    except Wrong as broken:
        return broken
    return books


def check_receipt(receipt: dict[str, Any], keys: list[str], now: Checkpoint, leaves: dict[int, bytes]) -> None:
    """Check that what a receipt says is in the log, by its proof and in the bundle, and what it opens."""
    entry, seq = receipt["payload"].encode(), receipt["seq"]
    leaf = HASHES[now.algorithm](b"\x00" + entry).digest()
    need(leaf.hex() == receipt["leaf_hash"], INCLUSION, "the receipt's hash is not that of its entry")
    at = signed_checkpoint(receipt["checkpoint"], keys)
    proof = [unbase64(node, INCLUSION) for node in receipt["proof"]]
    root = proven_root(at.algorithm, leaf, seq, at.size, proof)
    need(root == at.root and at.origin == now.origin, INCLUSION, "the receipt's proof leads elsewhere")
    need(seq >= now.size or leaves.get(seq) == entry, INCLUSION, f"entry {seq} is not what the receipt says")
    if receipt.get("opening"):
        salt, document = bytes.fromhex(receipt["opening"]["salt"]), canonical(receipt["opening"]["document"])
        committed = json.loads(entry)["document"]
        need(hashlib.sha256(salt + document).hexdigest() == committed, INCLUSION, "the document is another one")


def main(arguments: list[str] | None = None) -> int:
    """Verify what the command line names, say what was found, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = lambda message: parser.exit(FORMAT, f"{parser.format_usage()}{message}\n")  # type: ignore[method-assign]
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--pub", action="append", type=Path, required=True, help="a public key of the log")
    parser.add_argument("--witness", action="append", type=Path, default=[], help="a witness who must have cosigned")
    parser.add_argument("--trusted", action="append", type=Path, default=[], help="a checkpoint kept from earlier")
    parser.add_argument("--receipt", action="append", type=Path, default=[])
    parser.add_argument("--file", action="store_true", help="the zip is a signed file, not a bundle of a log")
    asked = parser.parse_args(arguments)
    try:
        if asked.file:
            print(f"OK: {check_file(asked.bundle, [path.read_text(encoding='utf-8') for path in asked.pub])}")
            return 0
        books = verify(asked)
    except (Wrong, OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        code = getattr(error, "code", FORMAT)
        print(f"FAILED ({code}): {error}")
        return code
    books.tell()
    return 0


if __name__ == "__main__":
    gc.disable()  # nothing here refers to itself, and looking for what does would cost a fifth of the time
    sys.exit(main())
