"""What the pre-check finds, what bars, and what people hand in."""

import io
import zipfile
from datetime import date, timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import translation

from accounts.models import AuditEntry, Organization, Relation
from core.uploads import BadUpload
from tests.vouchers import filing, scenes
from tests.vouchers.filing import AT, SIMPLE, applicant, officer
from vouchers import hints, selectors
from vouchers.models import Application, ApplicationDocument
from vouchers.parameters import codec
from vouchers.services import programmes
from vouchers.services.applications import documents, drafting, prechecks, refusals, submitting

pytestmark = pytest.mark.django_db


@pytest.fixture
def procedure(programme):
    return filing.opened(programme, **SIMPLE | {"reviewers": 1})


@pytest.mark.parametrize("again", ["BJ-2026-001 ", "ｂｊ－２０２６－００１", "ВJ—2026 0O1"])
def test_a_contract_is_applied_for_once_however_it_is_written(procedure, again):
    filing.submitted(procedure, contract_no="BJ-2026-001")
    second = filing.drafted(procedure, contract_no=again)

    with pytest.raises(refusals.DuplicateContract) as refusal:
        submitting.submit(application=second, actor=applicant(second), at=AT)

    assert refusal.value.code == "DUPLICATE_CONTRACT"
    assert filing.status(second) == "draft"
    assert selectors.reserved_fen(procedure.programme) == 0
    other = filing.opened(scenes.published(), **SIMPLE)
    (found,) = filing.submitted(other, contract_no=again).findings
    assert (found["code"], found["bars"]) == ("CONTRACT_ELSEWHERE", False)


def test_the_database_keeps_a_contract_once_whatever_the_pre_check_saw(procedure):
    filing.submitted(procedure, contract_no="A-1")
    second = filing.submitted(procedure, contract_no="A-2")

    with pytest.raises(IntegrityError, match="what was handed in"), transaction.atomic():
        Application.objects.filter(pk=second.pk).update(contract_key="A1")


def test_everything_that_bars_is_named_at_once_in_the_readers_language(programme):
    procedure = filing.opened(programme, required_evidence=["contract", "commitment"], reviewers=1, per_applicant=1)
    firm, seller = scenes.buyer(), scenes.provider()
    first, second = sorted((firm, seller), key=lambda one: one.pk)
    Relation.objects.create(first=first, second=second, ground="controller", source="register", declared_at=AT)
    filing.submitted(procedure, firm)
    application = filing.drafted(procedure, firm, provider=seller, contract_no="X")

    with pytest.raises(refusals.NotReady) as refusal:
        submitting.submit(application=application, actor=applicant(application), at=AT)

    found = refusal.value.extra["findings"]
    assert [one["code"] for one in found] == ["TOO_MANY_APPLICATIONS", "EVIDENCE_MISSING", "RELATED_PARTY"]
    with translation.override("en"):
        assert hints.sentences(found)[1] == "Evidence is missing: Contract, Letter of commitment."
    assert filing.status(application) == "draft"


def test_conditions_of_the_programme_are_judged_by_what_a_firm_states():
    authority, parameters = scenes.authority(), None
    plain = codec.dump(scenes.draft().parameters)
    plain["identity"]["code"] = "ELIGIBLE"
    plain["eligibility"] = {
        "org_types": ["ENTERPRISE"],
        "industries": ["65"],
        "qualifications": ["HIGH_TECH"],
        "established_max_days": 365,
        "credit": {"clean_years": 3},
        "attestations": ["TRUE"],
        "when": {"op": "is", "fact": "is_sme"},
    }
    plain["caps"]["contract_signed_from"] = "2025-01-01"
    plain["caps"]["contract_max_months"] = 12
    plain["caps"]["first_purchase_only"] = True
    parameters = codec.read(plain)
    drafted = programmes.draft_of(authority=authority, parameters=parameters, actor=officer(1), at=AT)
    procedure = filing.opened(programmes.publish(programme=drafted, actor=officer(2), at=AT), **SIMPLE)
    stated = {
        "org_type": "ENTERPRISE",
        "industry": "6513",
        "qualifications": ["HIGH_TECH"],
        "established_on": "2024-07-01",
        "clean_years": 3,
        "attestations": ["TRUE"],
        "is_sme": True,
        "contract_months": 12,
        "first_purchase": True,
    }
    firm = scenes.buyer()

    nothing = prechecks.of_applicant(procedure=procedure, applicant=firm, stated={}, at=AT)
    wrong = stated | {"org_type": "UNIVERSITY", "established_on": "2024-06-29", "first_purchase": False}
    found = prechecks.of_applicant(procedure=procedure, applicant=firm, stated=wrong, at=AT)

    assert {one.code for one in nothing} == {"NOT_STATED", "NOT_ELIGIBLE"}
    assert [(one.code, one.params["condition"]) for one in found] == [
        ("NOT_ELIGIBLE", "ORG_TYPE"),
        ("NOT_ELIGIBLE", "ESTABLISHED_MAX_DAYS"),
        ("NOT_ELIGIBLE", "FIRST_PURCHASE"),
    ]
    assert prechecks.of_applicant(procedure=procedure, applicant=firm, stated=stated, at=AT) == []
    assert len(hints.sentences([one.as_json() for one in nothing])) == len(nothing)
    late = filing.drafted(
        procedure, firm, facts=stated | {"contract_months": 13}, contract_signed_on=date(2024, 12, 31)
    )
    found = [one.code for one in prechecks.of_application(application=late, at=AT)]
    assert found == ["CONTRACT_TOO_EARLY", "CONTRACT_TOO_LONG"]
    drafting.edit(application=late, facts=stated, contract_signed_on=date(2025, 1, 1), actor=applicant(late), at=AT)
    assert submitting.submit(application=late, actor=applicant(late), at=AT).status == "proposed"


@pytest.mark.parametrize(
    "content",
    [
        {"asked_fen": -1},
        {"lines": [{"category": "GPU", "amount_fen": 0}]},
        {"facts": {"secret": 1}},
        {"facts": {"is_sme": "perhaps"}},
        {"facts": {"established_on": "gestern"}},
        {"provider": "buyer"},
        {"contract_no": "ﷺ" * 80},
    ],
)
def test_what_is_out_of_range_is_refused_and_nothing_is_written(procedure, content):
    if content.get("provider"):
        content = {"provider": scenes.buyer()}

    with pytest.raises(refusals.BadApplication):
        filing.drafted(procedure, **content)

    assert not Application.objects.exists()


def test_only_buyers_apply_and_only_while_the_window_is_open(procedure):
    with pytest.raises(drafting.NotABuyer):
        filing.drafted(procedure, scenes.provider())
    application = filing.drafted(procedure)
    for at in (filing.CLOSES, filing.OPENS - timedelta(microseconds=1)):
        with pytest.raises(refusals.RoundNotOpen):
            submitting.submit(application=application, actor=applicant(application), at=at)
    programmes.pause(programme=procedure.programme, actor=officer(1), at=AT)
    with pytest.raises(refusals.RoundNotOpen):
        filing.drafted(procedure)
    organization = Organization.objects.get(pk=application.applicant_id)
    found = prechecks.of_applicant(procedure=procedure, applicant=organization, stated={}, at=filing.CLOSES)
    assert [one.code for one in found] == ["ROUND_NOT_OPEN"]


def packed(parts, *, flags=0):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


WORKBOOK = {"[Content_Types].xml": "<a/>", "xl/workbook.xml": "<a/>"}


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (b"%PDF-1.7", ".pdf"),
        (packed(WORKBOOK), ".xlsx"),
        (packed({"OFD.xml": "<ofd/>"}), ".ofd"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><EInvoice/>', ".xml"),
        (packed(WORKBOOK | {"xl/bomb.xml": b"0" * 40_000_000}), ""),
        (packed(WORKBOOK | {"xl/vbaProject.bin": "x"}), ""),
        (packed(WORKBOOK | {f"{n}": "" for n in range(501)}), ""),
        (packed({"word/document.xml": "<a/>"}), ""),
        (b"PK\x03\x04 damaged", ""),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', ""),
        (b"<html><script>alert(1)</script></html>", ""),
        (b"<unclosed>", ""),
        (b"MZ\x90", ""),
        (b"", ""),
        (b"<a>" + b" " * 5_000_001, ""),
        (packed(WORKBOOK) + b" " * 5_000_001, ""),
    ],
)
def test_a_file_is_what_its_content_says(procedure, settings, tmp_path, content, suffix):
    settings.MEDIA_ROOT = tmp_path
    application = filing.drafted(procedure)

    if not suffix:
        with pytest.raises(BadUpload):
            filing.upload(application, "contract", content, name="contract.pdf")
        assert not ApplicationDocument.objects.exists()
        return
    kept = filing.upload(application, "contract", content, name="../../合同\u202e.exe")

    assert kept.place.endswith(f"{kept.sha256}{suffix}")
    assert kept.name == "合同.exe"
    with default_storage.open(kept.place) as file:
        assert file.read() == content
    with pytest.raises(refusals.DocumentExists):
        filing.upload(application, "contract", content)
    other = filing.upload(filing.drafted(procedure), "contract", content)
    assert (other.place, other.commitment == kept.commitment) == (kept.place, False)


def test_files_are_taken_back_before_they_are_handed_in_and_not_afterwards(procedure):
    application = filing.drafted(procedure)
    kept = filing.upload(application, "contract")
    for _twice in range(2):
        documents.withdraw(document=kept, actor=applicant(application), at=AT)
    assert AuditEntry.objects.filter(verb="application.document-withdrawn").count() == 1
    again = filing.upload(application, "contract")
    with pytest.raises(refusals.BadApplication):
        filing.upload(application, "poem")
    with pytest.raises(BadUpload, match="name"), translation.override("en"):
        filing.upload(application, "other", b"%PDF-2", name="../..")
    twin = filing.drafted(procedure)
    filing.upload(twin, "contract")

    submitting.submit(application=application, actor=applicant(application), at=AT)
    found = submitting.submit(application=twin, actor=applicant(twin), at=AT).findings

    assert [one["code"] for one in found] == ["FILE_OF_ANOTHER"]
    for act in (
        lambda: documents.withdraw(document=again, actor=applicant(application), at=AT),
        lambda: filing.upload(application, "other", b"%PDF-3"),
        lambda: drafting.edit(application=application, asked_fen=1, actor=applicant(application), at=AT),
    ):
        with pytest.raises(refusals.NotEditable):
            act()
    with pytest.raises(IntegrityError, match="a document stays"), transaction.atomic():
        ApplicationDocument.objects.filter(pk=again.pk).update(sha256="0" * 64)
