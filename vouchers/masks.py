"""What the public sees of numbers: enough to recognise one's own, too little to use. Pure."""


def credit_code(code: str) -> str:
    """Return a credit code with its middle hidden.

    >>> credit_code("91440300000000001X")
    '9144**********001X'
    """
    return _hidden(code, 4, 4)


def number(text: str) -> str:
    """Return a contract's number with all but its ends hidden; a short one is hidden wholly.

    >>> number("BJ-2026-001"), number("A1")
    ('BJ*******01', '**')
    """
    return _hidden(text, 2, 2)


def _hidden(text: str, first: int, last: int) -> str:
    if len(text) <= first + last:
        return "*" * len(text)
    return text[:first] + "*" * (len(text) - first - last) + text[-last:]
