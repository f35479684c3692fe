"""A new provider is verified, imports its offerings, has them reviewed, and a buyer orders one."""

from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Onboarding, Organization, OrganizationKind, Role, User
from accounts.services import organizations
from accounts.services.audit import SYSTEM
from market.models import Offering, Order, OrderStatus
from market.services import matching
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.market import scenes as markets
from tests.market.agents import Machine
from tests.market.scenes import AT, hours

CODE = "91440300708461136T"
FILE = """自有编号,名称,算力中心,型号,用途,卡数,价格（元/卡时）,开放时间
甲-1,=训练池,海淀中心,card,训练,１６,２.４,2026-10-01 08:00
甲-2,推理池,海淀中心,card,GPU_INFER,8,1.8,2026/10/1
"""


class Person:
    """Somebody at the portal."""

    def __init__(self, name: str, of: Organization) -> None:
        user = User.objects.create(username=name)
        Membership.objects.create(user=user, organization=of, role=Role.OWNER)
        self.client = Client()
        self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def post(self, page: str, *args: Any, **fields: Any) -> str:
        """Send a form and return where it leads; a refused form leads nowhere."""
        answer = self.client.post(reverse(f"portal:{page}", args=args), fields)
        assert answer.status_code == 302, answer.content.decode()[-3000:]
        return str(answer["Location"])

    def seen(self, address: str) -> Any:
        answer = self.client.get(address)
        assert answer.status_code == 200
        return answer.context


def scan(name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"%PDF-1.4 " + name.encode())


@pytest.mark.django_db
def test_a_new_provider_imports_is_reviewed_and_sells(settings, tmp_path, set_clock):
    set_clock(AT)
    settings.MEDIA_ROOT = str(tmp_path)
    card = markets.accelerator("card")
    centre = organizations.register(
        kind=OrganizationKind.PROVIDER, name="海淀算力", credit_code=CODE, actor=SYSTEM, at=AT
    )
    seller, checker = Person("seller", centre), Person("checker1", markets.organization(OrganizationKind.OPERATOR))

    # The provider hands in its papers; the operator looks at them and verifies it for a year.
    seller.post("onboarding", kind="licence", file=scan("licence.pdf"))
    seller.post("onboarding", kind="site", file=scan("lease.pdf"))
    seller.post("onboarding-submit")
    onboarding = Onboarding.objects.get(organization=centre)
    documents = checker.seen(reverse("portal:onboarding-desk", args=[onboarding.pk]))["documents"]
    assert [one.name for one in documents] == ["lease.pdf", "licence.pdf"]
    checker.post("onboarding-desk", onboarding.pk, verb="verify", good_until="2027-09-30")
    onboarding.refresh_from_db()
    assert (onboarding.status, onboarding.good_until) == ("verified", date(2027, 9, 30))

    # It registers its site and brings two offerings in from a file in GBK, after a look.
    seller.post("sites", name="海淀中心", province="北京市", city="北京市", status="operating")
    file = SimpleUploadedFile("offerings.csv", FILE.encode("gbk"))
    with pytest.raises(AssertionError, match="公式"):
        seller.post("import-new", file=file)
    file = SimpleUploadedFile("offerings.csv", FILE.replace("=", "").encode("gbk"))
    preview = seller.post("import-new", file=file)
    report = seller.seen(preview)["report"]
    assert (report.encoding, report.counts["create"], report.sound) == ("gbk", 2, True)
    assert seller.client.post(preview, {"seen": report.sha256}).status_code == 302
    offering = Offering.objects.get(reference="甲-1")
    assert (offering.status, offering.count, offering.price_micro) == ("draft", 16, 2_400_000)

    # It is submitted, and on sale once the operator has approved it.
    seller.post("offering-move", offering.pk, "submit")
    assert [one.pk for one in checker.seen(reverse("portal:listings"))["page"].rows] == [offering.pk]
    looked_at = checker.seen(reverse("portal:listing", args=[offering.pk]))["seen"]
    checker.post("listing", offering.pk, verb="approve", note="", seen=looked_at)
    assert Offering.objects.listed().get() == offering

    # Its terms want the buyer's consent; then the order is placed and matched.
    seller.post("offering-terms", offering.pk, text="不得挖矿。")
    buyer = Machine(scenes.funded_buyer(100_000))
    wanted = {
        "category": "GPU_TRAIN",
        "accelerators": [card.code],
        "count": 2,
        "hours": 3,
        "start_min": (AT + hours(1)).isoformat(),
        "start_max": (AT + hours(2)).isoformat(),
        "limit_micro": 2_500_000,
    }
    refused = buyer.post("orders", wanted)
    assert (refused.status_code, refused.json()["code"]) == (409, "terms-consent-needed")
    (waiting,) = refused.json()["offerings"]
    agreed = buyer.post(f"offerings/{waiting['offering']}/terms/agree", {"sha256": waiting["sha256"]})
    placed = buyer.post("orders", wanted)
    assert (agreed.status_code, placed.status_code) == (201, 201)
    matching.run(at=AT)
    order = Order.objects.get(pk=placed.json()["id"])
    assert (order.status, order.match.offering, order.match.price_micro) == (OrderStatus.MATCHED, offering, 2_400_000)
