"""The Merkle tree of RFC 9162: its roots, its proofs, and how it grows without being computed anew. Pure.

``Frontier`` grows a tree from its peaks, the roots of its perfect subtrees: an entry costs two hashes on average and
the root log2 n. Proofs ask a ``Nodes`` for perfect subtrees only, whoever keeps them.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from cryptography.hazmat.primitives import hashes

Hash = Callable[[bytes], bytes]
LEAF, NODE = b"\x00", b"\x01"


class UnknownHash(ValueError):
    """No hash of this name is registered."""


class ProofFailed(ValueError):
    """The proof does not lead to the root."""


class Node(NamedTuple):
    """A perfect subtree over the entries ``place << level`` until ``(place + 1) << level``, and its root."""

    level: int
    place: int
    digest: bytes


class Nodes(Protocol):
    """Whoever knows the roots of perfect subtrees; level 0 is the leaves."""

    def digest(self, level: int, index: int) -> bytes:
        """Return the root of a perfect subtree."""
        ...


def sha256(content: bytes) -> bytes:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(content).digest()


def sm3_of_hashlib(content: bytes) -> bytes:
    """Return the SM3 of some bytes as the linked OpenSSL computes it."""
    return hashlib.new("sm3", content).digest()


def sm3_of_cryptography(content: bytes) -> bytes:
    """Return the SM3 of some bytes where the linked OpenSSL has none."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(content)
    return digest.finalize()


def _sm3() -> Hash:
    try:
        hashlib.new("sm3")
    except ValueError:
        return sm3_of_cryptography
    return sm3_of_hashlib


HASHES: dict[str, Hash] = {"sha256": sha256, "sm3": _sm3()}


def hash_named(name: str) -> Hash:
    """Return a hash by its name.

    :raises UnknownHash: if there is none.
    """
    if name not in HASHES:
        raise UnknownHash(name)
    return HASHES[name]


def leaf_hash(hash_: Hash, entry: bytes) -> bytes:
    """Return the hash of an entry."""
    return hash_(LEAF + entry)


def node_hash(hash_: Hash, left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees side by side."""
    return hash_(NODE + left + right)


@dataclass(slots=True)
class Frontier:
    """A growing tree: its size and its peaks, the largest first."""

    hash_: Hash
    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf and return the perfect subtrees that it completes, the leaf first."""
        level, index, digest = 0, self.size, leaf
        completed = [Node(0, index, digest)]
        while index & 1:
            digest = self.hash_(NODE + self.peaks.pop() + digest)
            level, index = level + 1, index >> 1
            completed.append(Node(level, index, digest))
        self.peaks.append(digest)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the root of everything so far; that of nothing is the hash of nothing."""
        if not self.peaks:
            return self.hash_(b"")
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(self.hash_, peak, root)
        return root


class Tree:
    """All nodes in memory, for small trees and tests."""

    def __init__(self, hash_: Hash, leaves: Iterable[bytes]) -> None:
        self.frontier = Frontier(hash_)
        self.nodes: dict[tuple[int, int], bytes] = {}
        for leaf in leaves:
            self.nodes |= {(level, index): digest for level, index, digest in self.frontier.append(leaf)}

    def digest(self, level: int, index: int) -> bytes:
        """Return the root of a perfect subtree."""
        return self.nodes[level, index]


def range_root(hash_: Hash, nodes: Nodes, start: int, end: int) -> bytes:
    """Return the root over the entries ``[start, end)``, where the start is one that the tree splits at."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return nodes.digest(level, start >> level)
    split = start + _split(size)
    return node_hash(hash_, range_root(hash_, nodes, start, split), range_root(hash_, nodes, split, end))


def inclusion(hash_: Hash, nodes: Nodes, index: int, size: int) -> list[bytes]:
    """Return the proof that the entry ``index`` is in the tree of this size, from the leaf upwards."""
    proof, start, end = [], 0, size
    while end - start > 1:
        split = start + _split(end - start)
        inside, outside = ((start, split), (split, end)) if index < split else ((split, end), (start, split))
        proof.append(range_root(hash_, nodes, *outside))
        start, end = inside
    return proof[::-1]


def consistency(hash_: Hash, nodes: Nodes, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of the new size begins with that of the old one."""
    if old in (0, new):
        return []
    proof, start, end, whole = [], 0, new, True
    while end != old:
        split = start + _split(end - start)
        if old <= split:
            proof.append(range_root(hash_, nodes, split, end))
            end = split
        else:
            proof.append(range_root(hash_, nodes, start, split))
            start, whole = split, False
    if not whole:
        proof.append(range_root(hash_, nodes, start, end))
    return proof[::-1]


def root_of_inclusion(hash_: Hash, *, leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root to which a proof leads from a leaf (RFC 9162, 2.1.3.2).

    :raises ProofFailed: if the proof has not the length that the place asks for.
    """
    if not 0 <= index < size:
        raise ProofFailed("no such entry")
    digest = leaf
    for sibling, is_left in _walk(index, size - 1, proof):
        digest = node_hash(hash_, sibling, digest) if is_left else node_hash(hash_, digest, sibling)
    return digest


def require_consistent(
    hash_: Hash, *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the new tree begins with the old one (RFC 9162, 2.1.4.2).

    :raises ProofFailed: if it does not.
    """
    if not 0 <= old <= new:
        raise ProofFailed("the tree has shrunk")
    if old in (0, new):
        if proof or (old == new and old_root != new_root):
            raise ProofFailed("the trees differ")
        return
    if _roots_of_consistency(hash_, old, new, old_root, list(proof)) != (old_root, new_root):
        raise ProofFailed("the proof leads elsewhere")


def _roots_of_consistency(hash_: Hash, old: int, new: int, old_root: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    if old & (old - 1) == 0:
        path = [old_root, *path]
    if not path:
        raise ProofFailed("the proof is too short")
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    first = second = path[0]
    for sibling, is_left in _walk(number, last, path[1:]):
        first = node_hash(hash_, sibling, first) if is_left else first
        second = node_hash(hash_, sibling, second) if is_left else node_hash(hash_, second, sibling)
    return first, second


def _walk(number: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield the siblings on the way up to the root, and whether each stands on the left."""
    for sibling in path:
        if last == 0:
            raise ProofFailed("the proof is too long")
        is_left = bool(number & 1) or number == last
        yield sibling, is_left
        while is_left and number and not number & 1:
            number, last = number >> 1, last >> 1
        number, last = number >> 1, last >> 1
    if last:
        raise ProofFailed("the proof is too short")


def _split(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return int(1 << (size - 1).bit_length() - 1)
