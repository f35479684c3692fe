"""Put a scenario's card models, sites and pools on the market. Doing it twice changes nothing."""

from datetime import datetime

from accounts.models import Organization
from accounts.services.audit import Actor
from config.demo import admission
from config.demo.scenario import Pool, Scenario
from core.periods import date_of
from market.models import Accelerator, Offering, Site, SiteStatus
from market.services import catalogue, figures, offerings


def list_pools(*, scenario: Scenario, providers: dict[str, Organization], operator: Organization, at: datetime) -> int:
    """List every pool that is not listed yet, open-ended from the beginning of the month; return how many there are."""
    admission.verify(providers=providers, operator=operator, at=at)
    catalogue.load_reference()
    Accelerator.objects.bulk_create(
        [Accelerator(code=model.code, vendor=model.vendor, name=model.name) for model in scenario.models],
        ignore_conflicts=True,
    )
    figures.refresh_measures(on=date_of(at))
    accelerators = {accelerator.code: accelerator for accelerator in Accelerator.objects.all()}
    listed = set(Offering.objects.values_list("provider_id", "name"))
    sites: dict[tuple[str, str], Site] = {}
    for pool in scenario.pools:
        provider = providers[pool.provider]
        if (provider.pk, pool.name) not in listed:
            site = sites.setdefault((pool.provider, pool.site), _site(pool, provider, at=at))
            drafted = _draft(pool, provider, site, accelerators[pool.accelerator], scenario=scenario, at=at)
            admission.review(offering=drafted, operator=operator, at=at)
    return len(scenario.pools)


def _site(pool: Pool, provider: Organization, *, at: datetime) -> Site:
    known = Site.objects.filter(provider=provider, name=pool.site).first()
    return known or catalogue.register_site(
        provider=provider,
        name=pool.site,
        province=pool.province,
        city=pool.city,
        status=SiteStatus.OPERATING,
        hub_name=pool.hub,
        capacity_pflops=pool.capacity_pflops,
        actor=Actor(organization=provider),
        at=at,
    )


def _draft(
    pool: Pool, provider: Organization, site: Site, accelerator: Accelerator, *, scenario: Scenario, at: datetime
) -> Offering:
    return offerings.draft(
        provider=provider,
        site=site,
        accelerator=accelerator,
        name=pool.name,
        category=pool.category,
        count=pool.cards,
        price_micro=pool.price_micro,
        opens_at=scenario.month.starts_at,
        actor=Actor(organization=provider),
        at=at,
    )
