"""Keys of machines: bearer keys to ask with, Ed25519 keys to sign usage with."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Organization, User
from core.models import Entity


class Scope(models.TextChoices):
    """What a key may be used for."""

    READ = "read", _("Read")
    ORDERS = "orders", _("Place and cancel orders")
    OFFERINGS = "offerings", _("List offerings")
    USAGE = "usage", _("Report usage")
    PAYMENTS = "payments", _("Top up the wallet")
    PROGRAMMES = "programmes", _("Propose programmes and grants")


class ApiKey(Entity):
    """A bearer key of an organisation. Only a keyed hash is kept; the key itself is shown once."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(_("prefix"), max_length=16, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope), verbose_name=_("scopes"))
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [
            models.CheckConstraint(condition=Q(scopes__len__gt=0), name="api_key_has_scopes"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class SigningKey(Entity):
    """A provider's public Ed25519 key: the platform can check a usage report with it, but never forge one."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="signing_keys")
    public_key = models.BinaryField(max_length=32)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        constraints = [UniqueConstraint(fields=["public_key"], name="signing_key_once")]

    def __str__(self) -> str:
        return f"{self.organization} · {self.id}"
