"""Users, the organisations they act for, and what they may do there."""

from typing import Self

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError as NumberError

from core.ids import uuid7
from core.models import Entity, EntityQuerySet


def validate_credit_code(value: str) -> None:
    """Refuse a 统一社会信用代码 whose length, alphabet or check character is wrong (GB 32100-2015)."""
    try:
        uscc.validate(value)
    except NumberError as error:
        raise ValidationError(
            _("%(value)s is not a valid unified social credit code."),
            params={"value": value},
            code="credit-code",
        ) from error


class User(AbstractUser):
    """A person who signs in."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")


class OrganizationKind(models.TextChoices):
    """What an organisation does on the platform."""

    PROVIDER = "provider", _("Provider")
    BUYER = "buyer", _("Buyer")
    AUTHORITY = "authority", _("Authority")
    OPERATOR = "operator", _("Operator")


class OrganizationSize(models.TextChoices):
    """How large a firm is by the standard for small and medium enterprises (工信部联企业〔2011〕300号)."""

    MICRO = "micro", _("Micro")
    SMALL = "small", _("Small")
    MEDIUM = "medium", _("Medium")
    LARGE = "large", _("Large")


class OrganizationQuerySet(EntityQuerySet["Organization"]):
    """Organisations by what they do and whom they belong to."""

    def providers(self) -> Self:
        return self.filter(kind=OrganizationKind.PROVIDER)

    def buyers(self) -> Self:
        return self.filter(kind=OrganizationKind.BUYER)

    def authorities(self) -> Self:
        return self.filter(kind=OrganizationKind.AUTHORITY)

    def small(self) -> Self:
        return self.filter(size__in=[OrganizationSize.MICRO, OrganizationSize.SMALL])

    def of(self, user: User) -> Self:
        return self.filter(memberships__user=user, memberships__user__is_active=True)


class Organization(Entity):
    """A legal entity with a unified social credit code; its size is empty while no operator has checked it."""

    kind = models.CharField(_("kind"), max_length=16, choices=OrganizationKind)
    name = models.CharField(_("name"), max_length=200)
    credit_code = models.CharField(
        _("unified social credit code"),
        max_length=18,
        unique=True,
        validators=[validate_credit_code],
    )
    city = models.CharField(_("city"), max_length=40, blank=True)
    size = models.CharField(_("size"), max_length=8, choices=OrganizationSize, blank=True, db_default="")

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        constraints = [
            models.CheckConstraint(
                condition=Q(credit_code__regex=r"^[0-9A-HJ-NPQRTUWXY]{18}$"),
                name="organization_credit_code_shape",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=OrganizationKind.values),
                name="organization_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(size__in=["", *OrganizationSize.values]), name="organization_size_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do: an owner everything, a buyer's trader orders, finance pays, a viewer reads.

    Authorities also have reviewers of one district, experts who score and auditors; what each may do there is in
    :mod:`accounts.duties`.
    """

    OWNER = "owner", _("Owner")
    TRADER = "trader", _("Trader")
    FINANCE = "finance", _("Finance")
    REVIEWER = "reviewer", _("Reviewer")
    DISTRICT = "district", _("District reviewer")
    EXPERT = "expert", _("Expert")
    AUDITOR = "auditor", _("Auditor")
    VIEWER = "viewer", _("Viewer")


class Membership(Entity):
    """One user's role in one organisation; a district reviewer's is for one district.

    Triggers keep two more rules: districts, experts and auditors belong to authorities, and an auditor has no other
    part in any authority or operator.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=16, choices=Role)
    district = models.CharField(_("district"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            UniqueConstraint(fields=["user", "organization"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
            models.CheckConstraint(
                condition=Q(role=Role.DISTRICT) ^ Q(district=""), name="membership_district_of_district_reviewers"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.organization} · {self.get_role_display()}"
