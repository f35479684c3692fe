"""The reference (附言) that a buyer writes on a bank transfer, so that the money finds its top-up.

``SY`` and nine symbols without I, L, O and U, the last a check: ``SY7K3M9QWXC``. Whoever types it may use small or
full-width letters, add blanks or dashes, write O for 0 and I or L for 1, and put words around it.
"""

import re
import secrets
import unicodedata

from stdnum import luhn

PREFIX = "SY"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 8

LOOKALIKE = str.maketrans("OIL", "011")
SEPARATORS = re.compile(r"[\s\-_.·]+")
CANDIDATE = re.compile(rf"(?={PREFIX}([{ALPHABET}]{{{LENGTH + 1}}}))")


def new_reference() -> str:
    """Return a new reference."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return PREFIX + body + luhn.calc_check_digit(body, ALPHABET)


def reference_in(remark: str) -> str | None:
    """Return the one reference that a remark holds, or None if it holds none or several."""
    text = SEPARATORS.sub("", unicodedata.normalize("NFKC", remark)).upper().translate(LOOKALIKE)
    found = {PREFIX + body for body in CANDIDATE.findall(text) if luhn.is_valid(body, ALPHABET)}
    return found.pop() if len(found) == 1 else None


def grouped(reference: str) -> str:
    """Return a reference as people read it best: ``SY-7K3M-9QWX-C``."""
    body = reference.removeprefix(PREFIX)
    return "-".join([PREFIX, body[:4], body[4:8], body[8:]])
