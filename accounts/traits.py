"""How what organisations have in common is written, so that two ways of writing it are one. Pure."""

import re
import unicodedata

NOT_WORD = re.compile(r"[\W_]+")
NOT_DIGIT = re.compile(r"\D+")
CHINA = re.compile(r"^(0086|86)(?=1\d{10}$|0?\d{9,11}$)")
NUMBERS = ("bank_account", "phone")
SHOWN = 4


def normalised(kind: str, value: str) -> str:
    """Return a value as it is compared: one width, one case, without spaces and signs; empty if nothing is left.

    >>> normalised("phone", "+86 138-0013-8000") == normalised("phone", "１３８００１３８０００")
    True
    """
    text = unicodedata.normalize("NFKC", value).strip().casefold()
    if kind in NUMBERS:
        digits = NOT_DIGIT.sub("", text)
        return CHINA.sub("", digits) if kind == "phone" else digits
    if kind == "domain":
        return text.rpartition("@")[2].rpartition("//")[2].partition("/")[0].removeprefix("www.").strip(".")
    return NOT_WORD.sub("", text)


def masked(value: str) -> str:
    """Return a value that names a person or an account so that it can be told apart, but not used."""
    return value if len(value) <= SHOWN else "…" + value[-SHOWN:]


def code(value: str) -> str:
    """Return the code of a company, or of a person, as it is compared."""
    return "".join(unicodedata.normalize("NFKC", value).split()).upper()[:40]
