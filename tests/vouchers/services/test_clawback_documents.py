"""Files of a case: whose they are, how many, until when, and never half an answer."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Membership, Role
from accounts.services.audit import Actor
from accounts.services.duties import NotYourDuty
from core.uploads import BadUpload
from tests.owning import as_owner
from tests.vouchers import cases, scenes
from tests.vouchers.scenes import AT, officer
from vouchers.models import ClawbackDocument
from vouchers.services import clawback_documents, clawbacks, people
from vouchers.services.clawbacks import AnswerOver

PDF = b"%PDF-1.4 "


@pytest.fixture
def case(grant):
    return cases.noticed(grant, cases.paid(grant, 1_000))


def add(case, content=PDF, actor=None):
    return clawback_documents.add(clawback=case, name="证据.pdf", content=content, actor=actor or officer(1), at=AT)


def answer(case, *contents, at=AT):
    files = [(f"{number}.pdf", content) for number, content in enumerate(contents)]
    speaker = cases.speaks_for(case.debtor)
    return clawback_documents.answer(clawback=case, text="见附件", files=files, actor=speaker, at=at)


def test_officers_add_files_until_the_case_is_decided(case):
    authority = case.grant.programme.authority
    for user, role in ((officer(21).user, Role.REVIEWER), (officer(22).user, Role.FINANCE)):
        Membership.objects.create(user=user, organization=authority, role=role)
    reviewer, finance = (Actor(user=officer(number).user, organization=authority) for number in (21, 22))

    first, again = add(case), add(case)
    other = add(case, PDF + b"2", reviewer)

    assert (first.pk, first.name, first.answer) == (again.pk, "证据.pdf", None)
    assert other.handed_in_by == reviewer.user
    with pytest.raises(NotYourDuty):
        add(case, PDF + b"3", finance)
    with pytest.raises(people.PersonNeeded):
        add(case, PDF + b"3", Actor())
    with pytest.raises(BadUpload):
        add(case, b"MZ")
    with as_owner(), pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        ClawbackDocument.objects.update(name="x")
    clawbacks.dismiss(clawback=case, reason="x", actor=officer(2), at=AT)
    with pytest.raises(clawback_documents.CaseClosed):
        add(case, PDF + b"3")
    assert ClawbackDocument.objects.count() == 2


def test_an_answer_comes_whole_with_its_files_and_in_time(case, monkeypatch):
    for contents, error in [
        ([PDF, b"MZ"], BadUpload),
        ([PDF + bytes([number]) for number in range(11)], clawback_documents.TooManyFiles),
    ]:
        with pytest.raises(error), transaction.atomic():
            answer(case, *contents)
    with pytest.raises(AnswerOver):
        answer(case, PDF, at=case.response_due_at)
    assert (case.answers.count(), ClawbackDocument.objects.count()) == (0, 0)

    made = answer(case, PDF, PDF, PDF + b"2", at=case.response_due_at - timedelta(milliseconds=1))

    assert sorted(one.name for one in made.documents.all()) == ["0.pdf", "2.pdf"]
    monkeypatch.setattr(clawback_documents, "MOST_DOCUMENTS", 2)
    with pytest.raises(clawback_documents.TooManyFiles), transaction.atomic():
        answer(case, PDF + b"3")
    assert case.answers.count() == 1


def test_a_strangers_answer_is_not_taken(case):
    stranger = cases.speaks_for(scenes.buyer())

    with pytest.raises(clawbacks.NotFound):
        clawback_documents.answer(clawback=case, text="x", files=[("a.pdf", PDF)], actor=stranger, at=AT)
    assert not ClawbackDocument.objects.exists()


def test_a_file_of_the_debtor_is_withheld_from_nobody(case):
    made = answer(case, PDF).documents.get()
    made.pk, made.file_id, made.withheld_because = None, add(case, PDF + b"2").file_id, "x"

    with pytest.raises(IntegrityError, match="clawback_document_withholds_officers_files_only"), transaction.atomic():
        made.save(force_insert=True)
