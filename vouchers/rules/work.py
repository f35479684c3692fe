"""A quote in the making: each stage reads the case, moves the amount and writes down what it did. Pure."""

from collections.abc import Sequence

from vouchers.rules.case import Case, Limits, Spending
from vouchers.rules.steps import Cap, Refusal, Step, StepCode
from vouchers.rules.terms import Terms


class Work:
    """The inputs of a quote and what its stages have found so far."""

    __slots__ = (
        "amount_fen",
        "base_fen",
        "cap",
        "case",
        "ceiling_fen",
        "counts",
        "eligible_fen",
        "limits",
        "nets",
        "other_fen",
        "payable_fen",
        "ratio_bp",
        "shares",
        "spending",
        "steps",
        "terms",
    )

    def __init__(self, terms: Terms, spending: Sequence[Spending], limits: Limits, case: Case) -> None:
        self.terms, self.spending, self.limits, self.case = terms, spending, limits, case
        self.steps: list[Step] = []
        self.counts: list[bool] = []
        self.nets: list[int] = []
        self.eligible_fen = self.payable_fen = self.base_fen = self.amount_fen = self.other_fen = 0
        self.ratio_bp = terms.ratio_bp
        self.ceiling_fen: int | None = None
        self.cap: Cap | None = None
        self.shares: dict[str, int] = {}

    def note(self, code: StepCode, amount_fen: int, **params: int | str) -> None:
        """Write down a step."""
        self.steps.append(Step(code, amount_fen, params))

    def refuse(self, reason: Refusal, **params: int | str) -> Refusal:
        """Write down why nothing is paid, and return it."""
        self.amount_fen = 0
        named = {"cap": self.cap} if self.cap else {}
        self.steps.append(Step(StepCode.REFUSED, 0, {"reason": reason, **named, **params}))
        return reason
