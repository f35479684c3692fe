"""Chinese names of fields that say no more than their attribute.

Django makes such a name from the attribute. Written beside each of the 500 fields it would be an operation of a
migration each, for tables that do not change; so they are listed once, and translated when everything is there.
"""

from django.apps import apps
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

OURS = ("accounts", "ledger", "market", "vouchers", "billing")
# Found here by whoever collects texts; each is a field's name with spaces.
WORDS = [
    gettext_noop("accelerator"),
    gettext_noop("account"),
    gettext_noop("actor key"),
    gettext_noop("allocated by"),
    gettext_noop("applicant"),
    gettext_noop("approved by"),
    gettext_noop("asker"),
    gettext_noop("author"),
    gettext_noop("authority"),
    gettext_noop("batch"),
    gettext_noop("bid"),
    gettext_noop("body sha256"),
    gettext_noop("buyer"),
    gettext_noop("charge"),
    gettext_noop("clawback"),
    gettext_noop("confirmed by"),
    gettext_noop("content"),
    gettext_noop("contract key"),
    gettext_noop("contract once"),
    gettext_noop("created at"),
    gettext_noop("created by"),
    gettext_noop("cycle"),
    gettext_noop("decided by"),
    gettext_noop("declared by"),
    gettext_noop("dedupe key"),
    gettext_noop("drafted by"),
    gettext_noop("entity"),
    gettext_noop("envelope"),
    gettext_noop("figure"),
    gettext_noop("file"),
    gettext_noop("finding"),
    gettext_noop("funding"),
    gettext_noop("grant"),
    gettext_noop("hold"),
    gettext_noop("id"),
    gettext_noop("instructed by"),
    gettext_noop("instruction"),
    gettext_noop("issuer"),
    gettext_noop("job"),
    gettext_noop("key"),
    gettext_noop("log"),
    gettext_noop("match"),
    gettext_noop("metered hour"),
    gettext_noop("offering"),
    gettext_noop("onboarding"),
    gettext_noop("order"),
    gettext_noop("organization"),
    gettext_noop("owner"),
    gettext_noop("payment offset"),
    gettext_noop("period start"),
    gettext_noop("programme"),
    gettext_noop("proposed by"),
    gettext_noop("provider"),
    gettext_noop("public key"),
    gettext_noop("published by"),
    gettext_noop("quote"),
    gettext_noop("recorded by"),
    gettext_noop("redemption"),
    gettext_noop("refused by"),
    gettext_noop("registered by"),
    gettext_noop("rejected by"),
    gettext_noop("reported by"),
    gettext_noop("requested by"),
    gettext_noop("requested key"),
    gettext_noop("reservation"),
    gettext_noop("reviewed by"),
    gettext_noop("rfq"),
    gettext_noop("round"),
    gettext_noop("rules"),
    gettext_noop("secret hash"),
    gettext_noop("seller"),
    gettext_noop("set by"),
    gettext_noop("signature"),
    gettext_noop("signing key"),
    gettext_noop("site"),
    gettext_noop("status"),
    gettext_noop("submitted by"),
    gettext_noop("supplement"),
    gettext_noop("supplement stage"),
    gettext_noop("terms"),
    gettext_noop("unmatched detail"),
    gettext_noop("unmatched reason"),
    gettext_noop("uploaded by"),
    gettext_noop("user"),
    gettext_noop("verified by"),
    gettext_noop("wallet hold"),
]


def give() -> None:
    """Let the console call the fields of our models in the reader's language, except those that somebody named."""
    for model in apps.get_models():
        if model._meta.app_label in OURS:
            _name_fields(model)


def _name_fields(model: type[models.Model]) -> None:
    for field in [*model._meta.local_fields, *model._meta.local_many_to_many]:
        if field._verbose_name is None:  # type: ignore[attr-defined] # what migrations compare: it stays
            field.verbose_name = _(str(field.verbose_name))
