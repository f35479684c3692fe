"""Which programme this is, whose, by which document, and how its money flows."""

from datetime import date
from enum import StrEnum

from vouchers.parameters.units import Group, Line, Name, Prose, Slug

WEB = ("https://", "http://")


class Mode(StrEnum):
    """Who pays first: nobody (deducted at once), or the buyer, who claims with a grant or without one."""

    INSTANT_DEDUCT = "INSTANT_DEDUCT"
    GRANT_THEN_CLAIM = "GRANT_THEN_CLAIM"
    REIMBURSE = "REIMBURSE"


class VoucherKind(StrEnum):
    """What the voucher is for."""

    COMPUTE = "COMPUTE"
    TRAINING = "TRAINING"
    MODEL = "MODEL"
    CORPUS = "CORPUS"
    TOKEN = "TOKEN"  # noqa: S105 # a unit of language models
    DATA = "DATA"
    ANNOTATION = "ANNOTATION"


class Denomination(StrEnum):
    """What a voucher counts."""

    CNY_FEN = "CNY_FEN"
    CARD_HOUR = "CARD_HOUR"
    TOKEN = "TOKEN"  # noqa: S105 # a unit of language models


class Identity(Group, frozen=True, kw_only=True):
    """Who the programme is. It opens on ``opens_on`` and grants nothing more from ``closes_on`` on."""

    code: Slug
    name: Name
    opens_on: date
    closes_on: date
    mode: Mode = Mode.INSTANT_DEDUCT
    voucher_kind: VoucherKind = VoucherKind.COMPUTE
    denomination: Denomination = Denomination.CNY_FEN
    authority: Line = ""
    operator: Line = ""
    finance: Line = ""
    auditors: tuple[Line, ...] = ()
    doc_number: Line = ""
    doc_url: Line = ""
    timezone: Line = "Asia/Shanghai"
    source: Prose = ""

    @property
    def document_link(self) -> str:
        """Return where its document can be read, if that is an address of the web."""
        return self.doc_url if self.doc_url.startswith(WEB) else ""
