"""What may be done with a case at the desk that its state decides: a name, who may, in which states, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from accounts.duties import Duty
from core.models import Stateful

T = TypeVar("T", bound=Stateful)


@dataclass(frozen=True, slots=True)
class Act(Generic[T]):
    """Something that may be done to one case or to many; ``key`` is what the keyboard has for it."""

    label: Any
    duties: frozenset[Duty]
    statuses: frozenset[str]
    run: Callable[[T, dict[str, Any], dict[str, Any]], Any]
    tone: str = ""
    question: Any = ""
    key: str = ""

    def fits(self, case: T, duties: frozenset[str]) -> bool:
        """Whether it is offered for a case to somebody with these duties."""
        return case.status in self.statuses and bool(self.duties & duties)
