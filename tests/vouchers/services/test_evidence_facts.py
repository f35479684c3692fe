"""What proves two claims is found, across programmes and in the lists of other departments."""

import pytest

from tests.vouchers import claims, filing, scenes
from tests.vouchers.scenes import AT, officer
from vouchers import ports
from vouchers.models import Finding
from vouchers.services import evidence_facts, foreign_claims, sweeps
from vouchers.services.foreign_claims import Row


class NoMarket:
    """A market in which nothing happened."""

    def subsidised(self, **_since):
        return ()

    sales = price_changes = metered = jobs = paybacks = subsidised


def sweep():
    return sweeps.sweep(market=NoMarket(), at=claims.LATER)


def test_a_contract_of_ours_in_another_departments_list_is_found_however_it_is_written(programme):
    application = filing.submitted(filing.opened(programme, **filing.SIMPLE), contract_no="BJ-2026-001 ")
    assert sweep() == 0

    foreign_claims.take(department="tax", rows=[Row("contract", "ｂｊ２０２６００１")], actor=officer(1), at=AT)

    assert (sweep(), sweep()) == (1, 0)
    found = Finding.objects.get()
    assert (found.rule, found.subject, found.programme) == ("DUPLICATE_CONTRACT", application.applicant, programme)
    assert "tax" in found.evidence["places"]


def test_invoices_and_lines_of_claims_are_looked_at(db):
    courier, provider = claims.courier(), scenes.provider()
    quarter = scenes.published(providers=[provider])
    claims.captured(scenes.grant(quarter), 1_000_000, courier, provider)
    claims.submitted(claims.assembled(quarter), invoice="25117000000123456789")

    (line,) = evidence_facts.claimed()
    assert (line.side, line.claimant_id, line.amount_fen) == ("provider", provider.pk, 300_000)
    foreign_claims.take(department="tax", rows=[Row("invoice", "2511 7000 0001 2345 6789")], actor=officer(1), at=AT)

    assert sweep() == 1
    assert Finding.objects.get().rule == "DUPLICATE_INVOICE"


@pytest.fixture(autouse=True)
def _whoever_delivered_before_delivers_afterwards():
    before = ports.deliveries()
    yield
    ports.register(before)
