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
# Digits of an invoice: a fully digital one has 20; any other is named by its code, of 10 or 12, and its own 8.
INVOICE_DIGITS = (20, 10 + 8, 12 + 8)


def key(number: str) -> str:
    """Return the form under which a number is unique: width, case, spaces, dashes and look-alikes do not count.

    >>> key("BJ-2026-001 ") == key("ｂｊ２０２６００1") == key("ВJ 2O26 OOl")
    True
    """
    written = unicodedata.normalize("NFKC", number).upper().translate(DRAWN_ALIKE)
    return LEFT_OUT.sub("", written).translate(TAKEN_ALIKE)


def is_invoice(number: str) -> bool:
    """Tell whether a number can be that of an invoice: its digits alone, however they are set apart.

    >>> is_invoice("26 11 7000 0012 3456 7890") and is_invoice("044001900211-12345678")
    True
    >>> is_invoice("３１００１９４１３０ 12345678")
    True
    >>> is_invoice("12345678") or is_invoice("2611700000123456789O")
    False
    """
    digits = LEFT_OUT.sub("", unicodedata.normalize("NFKC", number))
    return digits.isascii() and digits.isdecimal() and len(digits) in INVOICE_DIGITS
