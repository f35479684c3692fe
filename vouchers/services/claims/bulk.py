"""Do the same to many claims: each in its own transaction, so that one refusal stops nobody else."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from core.errors import DomainError
from vouchers.models import Claim


class Outcome(NamedTuple):
    """What became of one claim: nothing is refused, or this is why."""

    claim: Claim
    refused: DomainError | None


def each(claims: Iterable[Claim], act: Callable[..., Any], **facts: Any) -> list[Outcome]:
    """Run a service on every claim with the same facts (person, time, reason) and return what became of each.

    >>> each(claims, steps.send_back, note="The letter is missing.", actor=actor, at=now)
    """
    return [Outcome(claim, _refusal(act, claim, facts)) for claim in claims]


def _refusal(act: Callable[..., Any], claim: Claim, facts: dict[str, Any]) -> DomainError | None:
    try:
        act(claim=claim, **facts)
    except DomainError as error:
        return error
    return None
