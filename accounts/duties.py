"""Who does what with public money: the separation of duties as one table."""

from enum import StrEnum

from accounts.models import OrganizationKind, Role

Seat = tuple[str, str]


class Duty(StrEnum):
    """Something that only some people of an authority or of the operator may do."""

    READ = "read"  # whole registers of an authority: every firm, every district
    DRAFT = "draft"  # write down programmes and their versions
    PUBLISH = "publish"  # put programmes into force, change budgets, pause and close them
    PROPOSE = "propose"  # propose awards
    PRE_CHECK = "pre-check"  # see whether an application is complete
    REVIEW_DISTRICT = "review-district"  # the first review, of one's own district
    REVIEW = "review"
    SCORE = "score"  # as an expert on a panel
    APPROVE = "approve"  # decide on awards
    CHECK_CLAIMS = "check-claims"  # assemble claims and check them for the operator
    APPROVE_CLAIMS = "approve-claims"
    PAY = "pay"  # approve payment batches and write down what the bank did
    FIND = "find"  # raise findings
    FREEZE = "freeze"  # stop a grant or a provider while a suspicion is looked into
    CLAW_BACK = "claw-back"  # decide on clawbacks
    LIST_PROVIDERS = "list-providers"  # decide whose services a programme pays for


def _authority(*roles: Role) -> frozenset[Seat]:
    return frozenset((OrganizationKind.AUTHORITY, role) for role in roles)


def _operator(*roles: Role) -> frozenset[Seat]:
    return frozenset((OrganizationKind.OPERATOR, role) for role in roles)


SEATS: dict[Duty, frozenset[Seat]] = {
    Duty.READ: _authority(Role.OWNER, Role.FINANCE, Role.REVIEWER, Role.AUDITOR, Role.VIEWER),
    Duty.DRAFT: _authority(Role.OWNER, Role.REVIEWER),
    Duty.PUBLISH: _authority(Role.OWNER),
    Duty.PROPOSE: _authority(Role.OWNER, Role.REVIEWER),
    Duty.PRE_CHECK: _operator(Role.OWNER, Role.REVIEWER, Role.FINANCE),
    Duty.REVIEW_DISTRICT: _authority(Role.DISTRICT),
    Duty.REVIEW: _authority(Role.OWNER, Role.REVIEWER),
    Duty.SCORE: _authority(Role.EXPERT),
    Duty.APPROVE: _authority(Role.OWNER),
    Duty.CHECK_CLAIMS: _operator(Role.OWNER, Role.REVIEWER, Role.FINANCE),
    Duty.APPROVE_CLAIMS: _authority(Role.OWNER, Role.REVIEWER),
    Duty.PAY: _authority(Role.FINANCE),
    Duty.FIND: _authority(Role.OWNER, Role.REVIEWER, Role.AUDITOR) | _operator(Role.OWNER, Role.REVIEWER),
    Duty.FREEZE: _authority(Role.OWNER) | _operator(Role.OWNER, Role.REVIEWER),
    Duty.CLAW_BACK: _authority(Role.OWNER),
    Duty.LIST_PROVIDERS: _authority(Role.OWNER) | _operator(Role.OWNER, Role.REVIEWER),
}
WITH_A_SECOND_FACTOR = frozenset({OrganizationKind.AUTHORITY, OrganizationKind.OPERATOR})


def may(duty: Duty, *, kind: str, role: str) -> bool:
    """Whether a role in an organisation of some kind has a duty."""
    return (kind, role) in SEATS[duty]


def roles_of(duty: Duty, kind: str) -> frozenset[str]:
    """Return the roles that have a duty in organisations of some kind."""
    return frozenset(role for at, role in SEATS[duty] if at == kind)
