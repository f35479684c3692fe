"""Numbers of contracts and invoices as they are compared: whoever writes one differently has still written it. Pure."""

import re
import unicodedata

# Letters of other alphabets that are drawn like Latin ones.
DRAWN_ALIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТУХΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ABESIJKMHOPCTYXABEZHIKMNOPTYX",
)
# Letters and digits that people take for each other.
TAKEN_ALIKE = str.maketrans("OIL", "011")
LEFT_OUT = re.compile(r"[\W_]+")


def key(number: str) -> str:
    """Return the form under which a number is unique: width, case, spaces, dashes and look-alikes do not count.

    >>> key("BJ-2026-001 ") == key("ｂｊ２０２６００1") == key("ВJ 2O26 OOl")
    True
    """
    written = unicodedata.normalize("NFKC", number).upper().translate(DRAWN_ALIKE)
    return LEFT_OUT.sub("", written).translate(TAKEN_ALIKE)
