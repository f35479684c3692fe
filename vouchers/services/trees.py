"""Proofs about a log, from what the database keeps: a few look-ups, whatever the size of the log."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from django.utils.translation import gettext as _

from core.errors import DomainError
from vouchers import merkle
from vouchers.merkle import Frontier
from vouchers.models import Log, LogEntry, LogNode
from vouchers.services.sequencing import LOWEST_KEPT_LEVEL

Place = tuple[int, int]
T = TypeVar("T")


class NoSuchTree(DomainError):
    """The log has not that many entries, or not in that order."""

    code = "no-such-tree"


def root(*, log: Log, size: int) -> bytes:
    """Return the root over the first entries of a log.

    :raises NoSuchTree: if it has fewer.
    """
    _require(0 <= size <= log.size)
    hash_ = merkle.hash_named(log.algorithm)
    if size == 0:
        return Frontier(hash_).root()
    return _answered(log, lambda nodes: merkle.range_root(hash_, nodes, 0, size))


def inclusion(*, log: Log, seq: int, size: int) -> list[bytes]:
    """Return the proof that an entry is among the first ``size`` of a log.

    :raises NoSuchTree: if it is not.
    """
    return inclusions(log=log, seqs=[seq], size=size)[seq]


def inclusions(*, log: Log, seqs: Sequence[int], size: int) -> dict[int, list[bytes]]:
    """Return the proofs that some entries are among the first ``size`` of a log, by their places, in two queries.

    :raises NoSuchTree: if one is not.
    """
    _require(size <= log.size and all(0 <= seq < size for seq in seqs))
    hash_ = merkle.hash_named(log.algorithm)
    return _answered(log, lambda nodes: {seq: merkle.inclusion(hash_, nodes, seq, size) for seq in seqs})


def consistency(*, log: Log, old: int, new: int) -> list[bytes]:
    """Return the proof that the first ``new`` entries of a log begin with its first ``old``.

    :raises NoSuchTree: if there are fewer.
    """
    _require(0 <= old <= new <= log.size)
    hash_ = merkle.hash_named(log.algorithm)
    return _answered(log, lambda nodes: merkle.consistency(hash_, nodes, old, new))


def _require(possible: bool) -> None:  # noqa: FBT001 - a condition, as in assert
    if not possible:
        raise NoSuchTree(_("The log has no tree of this size."))


class _Asked:
    """Answers nothing, and remembers which nodes were asked for."""

    def __init__(self) -> None:
        self.places: set[Place] = set()

    def digest(self, level: int, index: int) -> bytes:
        self.places.add((level, index))
        return b""


class _Kept:
    """Nodes that were read at once: the high ones as they are kept, the low ones from their leaves."""

    def __init__(self, log: Log, places: Iterable[Place]) -> None:
        self.hash_ = merkle.hash_named(log.algorithm)
        places = list(places)
        high = [place for place in places if place[0] >= LOWEST_KEPT_LEVEL]
        rows = LogNode.objects.filter(log=log, level__in={level for level, _index in high})
        rows = rows.filter(place__in={index for _level, index in high})
        self.nodes: dict[Place, bytes] = {(row.level, row.place): bytes(row.digest) for row in rows}
        low = {seq for level, index in places if level < LOWEST_KEPT_LEVEL for seq in _span(level, index)}
        leaves = LogEntry.objects.filter(log=log, seq__in=low).values_list("seq", "leaf_hash")
        self.leaves = {seq: bytes(leaf) for seq, leaf in leaves}

    def digest(self, level: int, index: int) -> bytes:
        if level >= LOWEST_KEPT_LEVEL:
            return self.nodes[level, index]
        tree = Frontier(self.hash_)
        for seq in _span(level, index):
            tree.append(self.leaves[seq])
        return tree.root()


def _span(level: int, index: int) -> range:
    return range(index << level, (index + 1) << level)


def _answered(log: Log, question: Callable[[merkle.Nodes], T]) -> T:
    asked = _Asked()
    question(asked)
    return question(_Kept(log, asked.places))
