"""Load what is published about cards and hubs, and register the sites of providers."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, Forbidden
from market import reference
from market.models import Accelerator, Hub, Site
from market.reference import AcceleratorFact
from market.services import figures

PRINTED = [
    "architecture",
    "domestic",
    "fp16_tflops",
    "int8_tops",
    "memory_gib",
    "memory_kind",
    "max_power_w",
    "released",
]


class SiteExists(Conflict):
    """The provider has a site of this name."""

    code = "site-exists"


@transaction.atomic
def load_reference() -> None:
    """Bring the card models, their figures and the hubs up to date with the published tables, once or again."""
    Accelerator.objects.bulk_create(
        [_accelerator(fact) for fact in reference.accelerators()],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["vendor", "name", "note", *PRINTED],
    )
    figures.load_published()
    Hub.objects.bulk_create(
        [Hub(name=fact.hub, side=fact.side, cluster=fact.cluster) for fact in reference.hubs()], ignore_conflicts=True
    )


@transaction.atomic
def register_site(
    *,
    provider: Organization,
    name: str,
    province: str,
    city: str,
    status: str,
    hub_name: str = "",
    capacity_pflops: Decimal | None = None,
    actor: Actor,
    at: datetime,
) -> Site:
    """Register a computing centre of a provider.

    :raises SiteExists: if the provider has one of this name.
    """
    if provider.kind != OrganizationKind.PROVIDER:
        raise Forbidden(_("Only providers have sites."))
    with refusing(site_name_once=SiteExists(_("You have a site of this name."))):
        site = Site.objects.create(
            provider=provider,
            name=name,
            province=province,
            city=city,
            status=status,
            hub_name=hub_name,
            capacity_pflops=capacity_pflops,
        )
    audit.record(actor=actor, verb="site.registered", thing=site, at=at, after={"name": name, "city": city})
    return site


def _accelerator(fact: AcceleratorFact) -> Accelerator:
    as_printed = {name: getattr(fact, name) for name in PRINTED}
    return Accelerator(code=fact.code, vendor=fact.vendor, name=fact.model, note=fact.note, **as_printed)
