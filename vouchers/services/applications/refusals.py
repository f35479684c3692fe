"""What applications refuse."""

from core.errors import Conflict, DomainError, Forbidden


class RoundNotOpen(Conflict):
    """The round's window is not open, or its programme is paused."""

    code = "round-not-open"


class BadRound(DomainError):
    """The procedure of a round contradicts itself."""

    code = "bad-round"


class WindowsOverlap(Conflict):
    """The programme has another round at this time."""

    code = "round-windows-overlap"


class NotReady(DomainError):
    """The pre-check found what bars the application; ``findings`` names everything it found."""

    code = "application-not-ready"


class DuplicateContract(Conflict):
    """The contract has been applied for in this programme, perhaps written a little differently."""

    code = "DUPLICATE_CONTRACT"


class NotEditable(Conflict):
    """What was handed in stays as it was."""

    code = "application-not-editable"


class BadApplication(DomainError):
    """Something in the form is out of range."""

    code = "bad-application"


class DocumentExists(Conflict):
    """The file was uploaded before."""

    code = "document-exists"


class TooManyDocuments(Conflict):
    """There are more files than anybody would read."""

    code = "too-many-documents"


class StagePassed(Conflict):
    """Somebody else was first: the application is no longer at this stage."""

    code = "stage-passed"


class NotAStranger(Forbidden):
    """Nobody decides on what they, or an organisation of theirs, handed in."""

    code = "not-a-stranger"


class ReviewedBefore(Forbidden):
    """Nobody reviews the same case twice."""

    code = "reviewed-before"


class InterestNotDenied(DomainError):
    """A reviewer declares to have no interest in the case, or leaves it to another."""

    code = "interest-not-denied"


class BadScore(DomainError):
    """A score lies between 0 and 100, and experts give one."""

    code = "bad-score"


class BadAmount(DomainError):
    """A recommended amount lies between a fen and what was asked."""

    code = "bad-amount"


class ReasonMissing(DomainError):
    """A refusal says why."""

    code = "reason-missing"


class ShortOfBudget(Conflict):
    """The programme, or the round, has less left than the award."""

    code = "budget-exhausted"


class TooEarly(Conflict):
    """The publicity is not over yet."""

    code = "publicity-not-over"


class TooLate(Conflict):
    """The time for this is over."""

    code = "too-late"


class Undecided(Conflict):
    """Something has to be decided first."""

    code = "undecided"


class WrongSeed(DomainError):
    """The seed is not the one that was committed to."""

    code = "wrong-seed"
