"""The published catalogue and the sites of providers."""

import pytest

from accounts.models import AuditEntry
from accounts.services.audit import SYSTEM
from core.errors import Forbidden
from market import reference
from market.models import Accelerator, Hub, Site, SiteStatus
from market.services import catalogue
from tests.market.scenes import AT


def register(owner, name="深圳中心"):
    return catalogue.register_site(
        provider=owner,
        name=name,
        province="广东省",
        city="深圳市",
        status=SiteStatus.OPERATING,
        hub_name="粤港澳大湾区",
        actor=SYSTEM,
        at=AT,
    )


@pytest.mark.django_db
def test_the_published_tables_are_loaded_as_they_are():
    catalogue.load_reference()

    assert Accelerator.objects.count() == len(reference.accelerators())
    assert Hub.objects.count() == len(reference.hubs())
    fact = next(fact for fact in reference.accelerators() if fact.code == "huawei-ascend-910b")
    card = Accelerator.objects.get(code="huawei-ascend-910b")
    assert (card.vendor, card.name, card.domestic) == (fact.vendor, fact.model, True)
    assert (card.fp16_tflops, card.int8_tops, card.note) == (fact.fp16_tflops, fact.int8_tops, fact.note)


@pytest.mark.django_db
def test_loading_again_changes_nothing_but_brings_a_figure_up_to_date():
    catalogue.load_reference()
    Accelerator.objects.filter(code="huawei-ascend-910b").update(fp16_tflops=1)
    before = set(Accelerator.objects.values_list("pk", flat=True)), set(Hub.objects.values_list("pk", flat=True))

    catalogue.load_reference()

    after = set(Accelerator.objects.values_list("pk", flat=True)), set(Hub.objects.values_list("pk", flat=True))
    assert after == before
    assert Accelerator.objects.get(code="huawei-ascend-910b").fp16_tflops != 1


def test_a_provider_registers_a_site_once(provider):
    site = register(provider)

    with pytest.raises(catalogue.SiteExists):
        register(provider)

    assert Site.objects.get() == site
    assert AuditEntry.objects.get(verb="site.registered").object_id == str(site.pk)


def test_only_a_provider_has_sites(buyer):
    with pytest.raises(Forbidden):
        register(buyer)

    assert not Site.objects.exists()
