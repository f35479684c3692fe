"""Pages of listings: what a seller changes, what stands beside the price, and who may see the documents."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import OnboardingDocument, Role
from core.periods import HOUR
from market.models import Measurement, Offering, OfferingStatus, SiteCertificate, TermsConsent
from market.services import revisions, terms, vetting
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.test_forms import offering_form
from tests.portal.world import World

PDF = b"%PDF-1.4 licence"


def test_a_seller_changes_an_offering_and_a_dear_one_goes_back(world: World, sign_in: SignIn) -> None:
    client, address = sign_in("seller"), reverse("portal:offering-edit", args=[world.offering.pk])
    same = offering_form(world, name=world.offering.name, category=world.offering.category, count="64", price="2.20")
    same |= {"opens_at": "2026-08-11T10:00", "min_count": "8", "step_count": "8"}

    client.post(address, same)
    world.offering.refresh_from_db()
    assert (world.offering.status, world.offering.counts) == (OfferingStatus.LISTED, range(8, 2**31, 8))
    client.post(address, same | {"price": "20"})

    world.offering.refresh_from_db()
    assert (world.offering.status, world.offering.price_micro) == (OfferingStatus.REVIEW, 20_000_000)


def test_an_operator_approves_what_the_page_has_shown_and_nothing_that_came_after(
    world: World, sign_in: SignIn
) -> None:
    card = world.offering.accelerator
    drafted = vetting.submit(offering=scenes.draft(world.provider, card), actor=scenes.SYSTEM, at=worlds.NOW)
    client, address = sign_in("operator1"), reverse("portal:listing", args=[drafted.pk])
    shown = client.get(address).context["seen"]
    revisions.revise(offering=drafted, changes={"price_micro": 9_000_000}, actor=scenes.SYSTEM, at=worlds.NOW + HOUR)

    again = client.post(address, {"verb": "approve", "seen": shown})

    assert Offering.objects.get(pk=drafted.pk).status == OfferingStatus.REVIEW
    client.post(address, {"verb": "approve", "seen": again.context["seen"]})
    assert Offering.objects.get(pk=drafted.pk).status == OfferingStatus.LISTED


def test_lines_stand_beside_the_price_until_they_are_removed(world: World, sign_in: SignIn) -> None:
    client = sign_in("seller")
    line = {"kind": "storage", "name": "NVMe", "unit": "gib-month", "price": "0.30"}

    client.post(reverse("portal:line-add", args=[world.offering.pk]), line)
    twice = client.post(reverse("portal:line-add", args=[world.offering.pk]), line)

    assert twice.context["line_form"].errors["name"]
    page = client.get(reverse("portal:offering", args=[world.offering.pk])).content.decode()
    assert "NVMe" in page
    assert "¥0.30" in page
    kept = world.offering.extra_lines.get()
    client.post(reverse("portal:line-remove", args=[world.offering.pk, kept.pk]))
    assert not world.offering.extra_lines.exists()


def test_a_buyer_reads_the_terms_and_agrees_on_the_page(world: World, sign_in: SignIn) -> None:
    version = terms.publish(
        offering=world.offering, text="不得挖矿。", actor=world.actor("seller", world.provider), at=worlds.NOW
    )
    client, address = sign_in("trader"), reverse("portal:terms", args=[world.offering.pk])
    assert "不得挖矿" in client.get(address).content.decode()

    agreement = reverse("portal:terms-agree", args=[world.offering.pk])
    client.post(agreement, {"sha256": "0" * 64})
    assert not TermsConsent.objects.exists()
    client.post(agreement, {"sha256": version.sha256})

    consent = TermsConsent.objects.get()
    assert (consent.buyer, consent.by, consent.terms) == (world.buyer, world.people["trader"], version)
    assert sign_in("viewer").post(agreement, {"sha256": version.sha256}).status_code == 403
    assert client.get(address).context["agreed"]


def test_documents_are_seen_by_their_provider_and_the_operator_alone(
    world: World, sign_in: SignIn, settings: object, tmp_path: object
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)  # type: ignore[attr-defined]
    rival = scenes.provider()
    worlds.person(world, "rival", rival, Role.OWNER)
    file = SimpleUploadedFile("执照.pdf", PDF, content_type="text/html")
    sign_in("seller").post(reverse("portal:onboarding"), {"kind": "licence", "file": file})
    document = OnboardingDocument.objects.get()
    address = reverse("portal:document", args=[document.pk])

    statuses = {name: sign_in(name).get(address).status_code for name in ("rival", "buyer", "officer1")}

    assert statuses == {"rival": 404, "buyer": 403, "officer1": 403}
    for name in ("onlooker", "operator1"):
        answer = sign_in(name).get(address)
        assert b"".join(answer.streaming_content) == PDF
        assert answer["Content-Type"] == "application/pdf"
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_other_files_are_refused_beside_the_field(world: World, sign_in: SignIn) -> None:
    file = SimpleUploadedFile("licence.pdf", b"<html>")

    answer = sign_in("seller").post(reverse("portal:onboarding"), {"kind": "licence", "file": file})

    assert answer.context["form"].non_field_errors()
    assert not OnboardingDocument.objects.exists()


def test_a_seller_certifies_a_site_and_takes_it_back(world: World, sign_in: SignIn) -> None:
    client, address = sign_in("seller"), reverse("portal:site", args=[world.site.pk])
    sent = {"kind": "green", "value": "45.5", "issuer": "CQC", "number": "7", "valid_from": "2026-01-01"}

    client.post(address, sent | {"expires_on": "2027-01-01"})

    certificate = SiteCertificate.objects.get()
    assert certificate.value == 4_550
    assert "45.5%" in client.get(reverse("portal:sites")).content.decode()
    client.post(reverse("portal:certificate-withdraw", args=[world.site.pk, certificate.pk]))
    assert "45.5%" not in client.get(reverse("portal:sites")).content.decode()
    assert client.post(reverse("portal:certificate-withdraw", args=[world.site.pk, certificate.pk])).status_code == 404


def test_a_measurement_goes_from_the_seller_to_the_desk(world: World, sign_in: SignIn) -> None:
    sent = {
        "accelerator": str(world.card.pk),
        "metric": "fp16",
        "density": "dense",
        "value": "300000",
        "runs": "5",
        "source": "gemm",
        "measured_on": "2026-10-01",
        "expires_on": "2026-12-01",
    }
    sign_in("seller").post(reverse("portal:measurements"), sent)
    measurement = Measurement.objects.get()
    desk, decide = sign_in("operator1"), lambda verb: reverse("portal:measurement-decide", args=[measurement.pk, verb])
    assert "gemm" in desk.get(reverse("portal:measurements-desk")).content.decode()

    for reason in ("", "\x00", "长" * 501):
        refused = desk.post(decide("reject"), {"reason": reason})
        assert (refused.status_code, len(refused.context["messages"])) == (200, 1)
    assert 'value="' + "长" * 501 in refused.content.decode(), "what was typed is there to be shortened"
    assert desk.get(decide("reject")).url == f"{reverse('portal:measurements-desk')}?"
    assert Measurement.objects.get().status == "submitted"
    desk.post(decide("accept"))

    assert Measurement.objects.get().status == "accepted"
    assert world.card.figures.get().value == 300_000


def test_offerings_are_sent_out_and_foreign_imports_do_not_exist(world: World, sign_in: SignIn) -> None:
    client = sign_in("seller")

    files = {kind: client.get(reverse("portal:offerings-export", args=[kind])) for kind in ("csv", "xlsx")}

    assert world.offering.name in files["csv"].content.decode()
    assert files["xlsx"].content.startswith(b"PK")
    assert client.get(reverse("portal:offerings-export", args=["exe"])).status_code == 404
    file = SimpleUploadedFile("a.csv", files["csv"].content)
    kept = client.post(reverse("portal:import-new"), {"file": file})["Location"]
    assert client.get(kept).context["report"].counts["same"] == Offering.objects.count()
    worlds.person(world, "rival", scenes.provider(), Role.OWNER)
    assert sign_in("rival").get(kept).status_code == 404
