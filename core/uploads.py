"""Files that people hand in: what they may be is read from their content, and where they lie cannot be guessed."""

import secrets
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.errors import DomainError

MOST_BYTES = 5_000_000
SIGNATURES = {
    "application/pdf": (b"%PDF-", ".pdf"),
    "image/png": (b"\x89PNG\r\n\x1a\n", ".png"),
    "image/jpeg": (b"\xff\xd8\xff", ".jpg"),
}


class BadUpload(DomainError):
    """The file is empty, too large, or neither a PDF nor a picture."""

    code = "bad-upload"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is, whatever its name says."""

    media_type: str
    suffix: str


def kind_of(content: bytes) -> Kind:
    """Return what a file is.

    :raises BadUpload: if it is empty, too large, or nothing that is taken.
    """
    if not content:
        raise BadUpload(_("The file is empty."))
    require_size(len(content))
    for media_type, (signature, suffix) in SIGNATURES.items():
        if content.startswith(signature):
            return Kind(media_type, suffix)
    raise BadUpload(_("Hand in a PDF, PNG or JPEG file."))


def require_size(size: int | None) -> None:
    """Refuse a file by its size, before anything of it is read.

    :raises BadUpload: if it is too large to be looked at.
    """
    if size is None or size > MOST_BYTES:
        raise BadUpload(_("The file is larger than %(most)d MB.") % {"most": MOST_BYTES // 1_000_000})


def hidden_place(_row: Any, name: str) -> str:
    """Return where a file is kept: the name says nothing and cannot be guessed."""
    token = secrets.token_hex(20)
    return f"evidence/{token[:2]}/{token}{name[-4:]}"
