"""Checkpoints as signed notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature): who says what about a tree. Pure.

A note is a text, an empty line, and a line for each signature: ``— name base64(key id ‖ signature)``. Another algorithm
joins as a ``Signer`` of its own kind; who does not know its key skips its line.
"""

import base64
import hashlib
from binascii import Error as NotBase64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519, COSIGNATURE = 1, 4
PRIVATE = "PRIVATE+KEY+"
DASH = "— "


class BadNote(ValueError):
    """The text is no signed note, no checkpoint or no key."""


class BadSignature(ValueError):
    """No signature of the key is on the note, or one that does not fit."""


class Checkpoint(NamedTuple):
    """What a log says of itself: whose it is, how many entries it has, and their root. SHA-256 unless named."""

    origin: str
    size: int
    root: bytes
    algorithm: str = "sha256"

    @property
    def text(self) -> str:
        """Return what is signed. Another hash is named in an extension line, which the signature covers."""
        extension = "" if self.algorithm == "sha256" else f"hash {self.algorithm}\n"
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n{extension}"


class Signer(Protocol):
    """Whoever signs notes: a key in a file, or a certified device that answers over its own interface."""

    @property
    def name(self) -> str:
        """Return the name under which it signs."""
        ...

    def line(self, text: str) -> str:
        """Return the signature line for a note's text."""
        ...

    def public(self) -> str:
        """Return the public key as one line that a reader can keep."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """A public Ed25519 key with its name; its kind says whether it signs the note or cosigns it with a time."""

    name: str
    kind: int
    raw: bytes

    @property
    def id(self) -> bytes:
        """Return the four bytes by which a signature names its key."""
        return hashlib.sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.raw).digest()[:4]

    def __str__(self) -> str:
        content = base64.b64encode(bytes([self.kind]) + self.raw).decode()
        return f"{self.name}+{self.id.hex()}+{content}"

    def require_signed(self, note: str) -> None:
        """Check that the note carries a signature of this key.

        :raises BadSignature: if it does not.
        """
        text, lines = split(note)
        for line in lines:
            if self._fits(text, line):
                return
        raise BadSignature(f"no valid signature of {self.name}")

    def _fits(self, text: str, line: str) -> bool:
        name, content = parse_line(line)
        if (name, content[:4]) != (self.name, self.id):
            return False
        signed, signature = text.encode(), content[4:]
        if self.kind == COSIGNATURE:
            seconds, signature = int.from_bytes(signature[:8]), signature[8:]
            signed = _timed(text, seconds)
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, signed)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """A signer whose key is 32 bytes kept outside the database."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def key(self) -> Key:
        """Return the public key."""
        return Key(self.name, ED25519, self._private().public_key().public_bytes_raw())

    def line(self, text: str) -> str:
        """Return the signature line for a note's text."""
        return _line(self.key, self._private().sign(text.encode()))

    def cosign(self, text: str, *, seconds: int) -> str:
        """Return a witness' line: that it has seen the text at that time, and nothing that contradicts it."""
        key = Key(self.name, COSIGNATURE, self.key.raw)
        return _line(key, seconds.to_bytes(8) + self._private().sign(_timed(text, seconds)))

    def public(self) -> str:
        """Return the public key as one line."""
        return str(self.key)

    def private(self) -> str:
        """Return the secret key as one line, in the form that other tools for signed notes read."""
        content = base64.b64encode(bytes([ED25519]) + self.seed).decode()
        return f"{PRIVATE}{self.name}+{self.key.id.hex()}+{content}"

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def parse_private(line: str) -> Ed25519Signer:
    """Return the signer whose secret key a line holds.

    :raises BadNote: if it is none.
    """
    key = parse_key(line.strip().removeprefix(PRIVATE), checked=False)
    signer = Ed25519Signer(key.name, key.raw)
    if line.strip() != signer.private():
        raise BadNote("the secret key and its id do not belong together")
    return signer


def parse_key(line: str, *, checked: bool = True) -> Key:
    """Return the public key that a line holds.

    :raises BadNote: if it is none.
    """
    name, _, rest = line.strip().partition("+")
    key_id, _, content = rest.partition("+")
    raw = _decoded(content)
    if not _is_name(name) or len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
        raise BadNote("this is no key of a signed note")
    key = Key(name, raw[0], raw[1:])
    if checked and key_id != key.id.hex():
        raise BadNote("the key and its id do not belong together")
    return key


def sign(checkpoint: Checkpoint, signers: Iterable[Signer]) -> str:
    """Return a checkpoint as a signed note."""
    return checkpoint.text + "\n" + "".join(signer.line(checkpoint.text) for signer in signers)


def split(note: str) -> tuple[str, list[str]]:
    """Return the text of a note and its signature lines.

    :raises BadNote: if it has not that form.
    """
    text, gap, signatures = note.rpartition("\n\n")
    lines = signatures.splitlines(keepends=True)
    if not gap or not lines or not all(line.startswith(DASH) and line.endswith("\n") for line in lines):
        raise BadNote("this is no signed note")
    return text + "\n", lines


def parse_line(line: str) -> tuple[str, bytes]:
    """Return the name and the bytes of a signature line.

    :raises BadNote: if it is none.
    """
    name, _, content = line.removeprefix(DASH).strip().partition(" ")
    decoded = _decoded(content)
    if not line.startswith(DASH) or not _is_name(name) or len(decoded) < 5:
        raise BadNote("this is no signature line")
    return name, decoded


def parse_checkpoint(note: str) -> Checkpoint:
    """Return what a note says of a log, whoever signed it.

    :raises BadNote: if it is no checkpoint.
    """
    lines = split(note)[0].splitlines()
    if len(lines) < 3 or not lines[0] or not (lines[1].isascii() and lines[1].isdigit()):
        raise BadNote("this is no checkpoint")
    named = [line.removeprefix("hash ") for line in lines[3:] if line.startswith("hash ")]
    return Checkpoint(lines[0], int(lines[1]), _decoded(lines[2]), *named[:1])


def _line(key: Key, signature: bytes) -> str:
    return f"{DASH}{key.name} {base64.b64encode(key.id + signature).decode()}\n"


def _timed(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content.encode("ascii"), validate=True)
    except (NotBase64, UnicodeEncodeError, ValueError) as error:
        raise BadNote("this is no base64") from error


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(letter.isspace() for letter in name)
