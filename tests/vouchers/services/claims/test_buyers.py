"""Buyers who paid in full: out of a grant (mode B), and reimbursed through a virtual one (mode C), to the fen."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from core.constraints import constraint_name
from tests.vouchers import claims, scenes
from tests.vouchers.claims import CLAIMANT, LATER
from tests.vouchers.scenes import AT, officer
from vouchers import chart, numbers, selectors
from vouchers.models import (
    Claim,
    ClaimInvoice,
    ClaimStatus,
    EntityYear,
    Grant,
    GrantStatus,
    LineStatus,
    Programme,
    Reason,
    Redemption,
)
from vouchers.parameters import codec
from vouchers.parameters.published import parameters_of
from vouchers.services import foreign_claims, freezing, grants, programmes, reference
from vouchers.services.claims import answers, decisions, proofs, spending, steps, withholding
from vouchers.services.claims.decisions import Refusal
from vouchers.services.claims.flows import BudgetShort
from vouchers.services.claims.spending import Spending
from vouchers.services.foreign_claims import Row
from vouchers.services.grants import SupportedEnough
from vouchers.services.redemptions import CategoryNotEligible, NotOwner, Short
from vouchers.services.refusals import NotPaidFor

pytestmark = pytest.mark.django_db
TWO_YEARS = {"contract_from": date(2025, 1, 1), "contract_until": date(2026, 12, 31)}
PERIOD = {"contract_from": date(2025, 3, 1), "contract_until": date(2025, 12, 31)}
WINDOW = datetime(2026, 1, 5, 4, tzinfo=UTC)


def published(code: str, provider: Any, **changes: Any) -> Programme:
    facts = dict(reference.known()[code]) | changes
    parameters = parameters_of(facts, opens_on=date(2025, 1, 1), closes_on=date(2026, 3, 1))
    drafted = programmes.draft_of(authority=scenes.authority(), parameters=parameters, actor=officer(1), at=AT)
    programmes.list_providers(programme=drafted, providers=[provider], actor=officer(1), at=AT)
    return programmes.publish(programme=drafted, actor=officer(2), at=AT)


def spent(provider: Any, amount_fen: int, invoice: str, **changes: Any) -> Spending:
    facts: dict[str, Any] = {
        "contract_no": "BJ-2026-001",
        "category": "GPU_TRAIN",
        "provider": provider,
        "amount_fen": amount_fen,
        "used_until": date(2025, 6, 29),
        "invoice_no": invoice,
        "invoice_fen": max(amount_fen, 1),
        "invoiced_on": date(2025, 6, 30),
    }
    return Spending(**(facts | changes))


def put_together(programme: Programme, owner: Any, *spendings: Spending, at: datetime = LATER, **more: Any) -> Any:
    return spending.put_together(
        programme=programme, claimant=owner, spendings=spendings, actor=officer(CLAIMANT), at=at, **more
    )


def handed_in(claim: Any, *, at: datetime = LATER) -> Any:
    made = steps.submit(claim=claim, claimant=claim.claimant, committed=True, actor=officer(CLAIMANT), at=at)
    return claims.sampled(made, at=at)


@pytest.fixture
def beijing(provider):
    return published("BJ-2023", provider)


@pytest.fixture
def nanning(provider):
    return published("NN-2025", provider)


def test_s16_a_grant_above_what_was_spent_pays_what_was_spent_and_the_rest_returns(beijing, provider, courier):
    grant = scenes.grant(beijing, face_fen=60_000_000)
    unallocated = selectors.programme_positions(programmes=[beijing])[0].unallocated_fen

    claim = put_together(beijing, grant.owner, spent(provider, 240_000_000, "1" * 20), grant=grant, final=True)

    assert (claim.claimant_kind, claim.amount_fen) == ("buyer", 48_000_000)
    assert selectors.grant_balance(grant)[1:4] == (12_000_000, 48_000_000, 0)
    claim = claims.paid(claims.decided(handed_in(claim)))
    assert (claim.status, claim.approved_fen) == (ClaimStatus.PAID, 48_000_000)
    assert selectors.grant_balance(grant) == (60_000_000, 0, 0, 48_000_000, 0, 12_000_000)
    assert selectors.programme_positions(programmes=[beijing])[0].unallocated_fen == unallocated + 12_000_000
    assert EntityYear.objects.get().used_fen == 48_000_000
    assert claims.fen(chart.paid(beijing.pk)) == 48_000_000
    assert courier.told == []  # the platform owes nothing of it to the provider
    with pytest.raises(SupportedEnough):
        scenes.grant(beijing, grant.owner, face_fen=152_000_001)
    assert scenes.grant(beijing, grant.owner, face_fen=152_000_000)  # of the year's 200,000,000, 48,000,000 count


def test_a_refused_invoice_is_handed_in_again_or_its_value_is_free_again(beijing, provider):
    grant = scenes.grant(beijing, face_fen=60_000_000)
    claim = put_together(
        beijing, grant.owner, spent(provider, 100_000_000, "1" * 20), spent(provider, 50_000_000, "2" * 20), grant=grant
    )
    refusals = {1: Refusal(Reason.NO_CONTRACT), 2: Refusal(Reason.NO_PAYMENT_PROOF)}
    claim = claims.decided(handed_in(claim), refusals)
    assert claim.status == ClaimStatus.REJECTED

    again = answers.resubmit(
        claim=claim, claimant=grant.owner, lines=[2], answer="the slip", actor=officer(CLAIMANT), at=LATER
    )

    assert (again.amount_fen, again.lines.get().redemption_id) == (10_000_000, claim.lines.get(number=2).redemption_id)
    claims.paid(claims.decided(handed_in(again)))
    assert answers.reverse_due(at=claims.days_later(20)) == 1
    assert selectors.grant_balance(grant)[1:4] == (50_000_000, 0, 10_000_000)


def test_a_refusal_that_is_contested_and_undone_makes_a_claim_to_be_handed_in(beijing, provider):
    grant = scenes.grant(beijing, face_fen=60_000_000)
    two = [spent(provider, fen, digit * 20) for fen, digit in ((100_000_000, "1"), (50_000_000, "2"))]
    claim = handed_in(put_together(beijing, grant.owner, *two, grant=grant))
    claim = claims.decided(claim, {2: Refusal(Reason.NO_CONTRACT)})
    mine = {"claimant": grant.owner, "actor": officer(CLAIMANT), "at": LATER}
    (line,) = answers.dispute(claim=claim, lines=[2], answer="it is in the annex", **mine)

    answers.resolve(line=line, granted=True, note="so it is", actor=officer(claims.SECOND), at=LATER)

    again = Claim.objects.exclude(pk=claim.pk).get()
    assert (again.status, again.amount_fen, again.assembled_by) == (ClaimStatus.ASSEMBLED, 10_000_000, None)
    assert claim.lines.get(number=2).status == LineStatus.FREED
    assert claims.paid(claims.decided(handed_in(again))).approved_fen == 10_000_000
    assert selectors.grant_balance(grant)[1:4] == (30_000_000, 0, 30_000_000)


def test_what_was_withheld_is_handed_in_again_and_paid_once_nothing_is_in_its_way(beijing, provider):
    grant = scenes.grant(beijing, face_fen=60_000_000)
    claim = handed_in(put_together(beijing, grant.owner, spent(provider, 100_000_000, "1" * 20), grant=grant))
    freezing.freeze(grant=grant, reason="a tip", actor=officer(1), at=LATER)
    claim = claims.decided(claim)
    assert (claim.status, claim.lines.get().status) == (ClaimStatus.REJECTED, LineStatus.WITHHELD)
    mine = {"claimant": grant.owner, "lines": [1], "answer": "it is examined", "actor": officer(CLAIMANT), "at": LATER}
    with pytest.raises(answers.NothingToResubmit):
        answers.dispute(claim=claim, **mine)

    still = claims.decided(handed_in(answers.resubmit(claim=claim, **mine)))
    assert (still.status, still.lines.get().reason) == (ClaimStatus.REJECTED, Reason.FROZEN)
    freezing.lift(grant=grant, reason="nothing in it", actor=officer(2), at=LATER)
    again = claims.paid(claims.decided(handed_in(answers.resubmit(claim=still, **mine))))

    assert (again.approved_fen, claim.lines.get().status) == (20_000_000, LineStatus.FREED)
    assert selectors.grant_balance(grant)[1:4] == (40_000_000, 0, 20_000_000)


def test_what_was_claimed_in_time_is_paid_after_the_grace_and_what_was_never_handed_in_lapses(beijing, provider):
    owner = scenes.buyer()
    claimed, idle = (scenes.grant(beijing, owner, face_fen=20_000_000) for _ in range(2))
    claim = put_together(beijing, owner, spent(provider, 100_000_000, "1" * 20), grant=claimed)
    put_together(beijing, owner, spent(provider, 100_000_000, "2" * 20), grant=idle)
    claim = handed_in(claim)
    over = claimed.expires_at + timedelta(days=8)

    assert grants.expire_due(at=over) == 3  # two vouchers, and what is held of the claim that stayed with its claimant
    claim = claims.decided(claim, at=over)

    assert (claim.status, claim.approved_fen) == (ClaimStatus.APPROVED, 20_000_000)
    assert selectors.grant_balance(claimed) == (20_000_000, 0, 0, 20_000_000, 0, 0)
    assert selectors.grant_balance(idle) == (20_000_000, 0, 0, 0, 20_000_000, 0)


def test_what_a_buyer_takes_back_is_free_again(beijing, provider):
    grant = scenes.grant(beijing, face_fen=60_000_000)
    claim = put_together(beijing, grant.owner, spent(provider, 100_000_000, "1" * 20), grant=grant)

    answers.withdraw(claim=claim, claimant=grant.owner, actor=officer(CLAIMANT), at=LATER)

    assert selectors.grant_balance(grant)[1:4] == (60_000_000, 0, 0)
    put_together(beijing, grant.owner, spent(provider, 100_000_000, "1" * 20), grant=grant)


def test_a_reimbursement_gets_a_virtual_grant_at_approval_and_uses_it_up(nanning, provider):
    """S09: 305 of 729 days of 20,000,000 are 8,367,600, of which 30 % in whole yuan are 2,510,200."""
    owner = scenes.buyer()
    claim = put_together(nanning, owner, spent(provider, 20_000_000, "3" * 20, **TWO_YEARS), at=WINDOW)
    assert claim.amount_fen == 2_510_200
    assert not Grant.objects.exists()

    claim = claims.paid(claims.decided(handed_in(claim, at=WINDOW), at=WINDOW), at=WINDOW)

    assert claim.approved_fen == 2_510_200
    grant, line = Grant.objects.get(), claim.lines.get()
    assert (grant.owner, grant.face_fen, grant.status) == (owner, 2_510_200, GrantStatus.ACTIVE)
    assert selectors.grant_balance(grant) == (2_510_200, 0, 0, 2_510_200, 0, 0)
    assert (line.status, line.redemption.captured_fen) == (LineStatus.ACCEPTED, 2_510_200)
    assert (grant.proposed_by_id, grant.approved_by_id) == (claim.checked_by_id, claim.decided_by_id)


def test_the_yearly_cap_cuts_a_reimbursement_and_the_rest_of_the_virtual_grant_returns(nanning, provider):
    owner = scenes.buyer()
    spendings = [spent(provider, 500_000_000, f"{n}" * 20, **PERIOD) for n in (4, 5)]
    claim = put_together(nanning, owner, *spendings, at=WINDOW)
    assert claim.amount_fen == 300_000_000
    before = selectors.programme_positions(programmes=[nanning])[0].unallocated_fen

    claim = claims.decided(handed_in(claim, at=WINDOW), at=WINDOW)

    accepted = list(claim.lines.order_by("number").values_list("status", "accepted_fen"))
    assert (claim.status, claim.approved_fen) == (ClaimStatus.PARTLY_APPROVED, 200_000_000)
    assert accepted == [(LineStatus.ACCEPTED, 150_000_000), (LineStatus.ACCEPTED, 50_000_000)]
    assert selectors.programme_positions(programmes=[nanning])[0].unallocated_fen == before - 200_000_000
    third = put_together(nanning, scenes.buyer(), spent(provider, 100_000, "6" * 20, **PERIOD), at=WINDOW)
    assert third.amount_fen == 30_000


def test_a_cap_per_contract_counts_over_lines_and_claims_however_its_number_is_written(provider):
    programme = amended(published("HN-2025", provider), {"caps.contract_cap_fen": 25_000_000})
    owner = scenes.buyer()
    again = spent(provider, 90_000_000, "7" * 20, contract_no="ｂj-2026 OO1")
    shares = [("1", "BJ-2026-001"), ("2", "BJ-2026-001"), ("3", "BJ-2026-002")]
    lines = [spent(provider, 90_000_000, digit * 20, contract_no=contract_no) for digit, contract_no in shares]

    claim = put_together(programme, owner, *lines)

    assert [line.amount_fen for line in claim.lines.order_by("number")] == [18_000_000, 7_000_000, 18_000_000]
    with pytest.raises(Short, match="CONTRACT"):
        put_together(programme, owner, again)
    claim = claims.decided(handed_in(claim), {2: Refusal(Reason.NO_PAYMENT_PROOF)})
    assert claim.approved_fen == 36_000_000
    with pytest.raises(Short, match="CONTRACT"):  # what was refused may be handed in again
        put_together(programme, owner, again)
    assert answers.reverse_due(at=claims.days_later(20)) == 1
    assert put_together(programme, owner, again).amount_fen == 7_000_000
    assert put_together(programme, scenes.buyer(), replace(lines[0], invoice_no="8" * 20)).amount_fen == 18_000_000


@pytest.mark.parametrize("code", ["HN-2025", "BJ-2023"])
def test_a_cap_per_order_is_on_all_that_an_invoice_bills_of_a_contract_however_many_lines_it_has(provider, code):
    programme = amended(
        published(code, provider), {"caps.order_cap_fen": 10_000_000, "caps.contract_cap_fen": 25_000_000}
    )
    owner = scenes.buyer()
    voucher = {"grant": scenes.grant(programme, owner, face_fen=60_000_000)} if code == "BJ-2023" else {}
    whole = {"invoice_fen": 200_000_000}
    lines = [
        spent(provider, 30_000_000, "1" * 20, **whole),
        spent(provider, 40_000_000, "1" * 20, **whole),
        spent(provider, 40_000_000, "1" * 20, contract_no="BJ-2026-002", **whole),
        spent(provider, 60_000_000, "2" * 20),
    ]

    claim = put_together(programme, owner, *lines, **voucher)

    assert [line.amount_fen for line in claim.lines.order_by("number")] == [6_000_000, 4_000_000, 8_000_000, 10_000_000]
    shares = [spent(provider, fen, "3" * 20, contract_no="X-3", **whole) for fen in (50_000_000, 5_000)]
    with pytest.raises(Short, match="ORDER"):
        put_together(programme, owner, *shares, **voucher)
    assert put_together(programme, owner, spent(provider, 90_000_000, "4" * 20), **voucher).amount_fen == 5_000_000


def test_a_cap_on_grants_cuts_reimbursements_and_their_number_is_a_bound_like_any_other(provider):
    by_year = {"caps.entity_annual_cap_fen": 20_000_000, "caps.cap_basis": ["GRANT", "REDEEM"]}
    programme = amended(published("HN-2025", provider), by_year | {"caps.max_grants_per_entity": 2})
    owner = scenes.buyer()
    asked = [put_together(programme, owner, spent(provider, 90_000_000, f"{n}" * 20)) for n in (1, 2)]

    decided = [claims.decided(handed_in(claim)) for claim in asked]

    assert [(one.amount_fen, one.approved_fen) for one in decided] == [
        (18_000_000, 18_000_000),
        (18_000_000, 2_000_000),
    ]
    with pytest.raises(Short, match="ENTITY_YEAR"):
        put_together(programme, owner, spent(provider, 90_000_000, "3" * 20))
    third = handed_in(put_together(programme, owner, spent(provider, 1_000, "4" * 20), at=WINDOW), at=WINDOW)
    with pytest.raises(SupportedEnough):
        claims.decided(third, at=WINDOW)


def test_s12_the_least_spending_of_a_year_is_that_of_all_its_lines(provider):
    programme = amended(published("HN-2025", provider), {"caps.min_annual_spend_fen": 50_000_000})
    owner = scenes.buyer()
    lines = [spent(provider, fen, digit * 20) for fen, digit in ((25_000_000, "1"), (24_999_900, "2"), (100, "3"))]
    with pytest.raises(NotPaidFor):
        put_together(programme, owner, *lines[:2])

    claim = put_together(programme, owner, *lines)

    assert claim.amount_fen == 5_000_000 + 4_999_980 + 20
    claim = claims.decided(handed_in(claim), {3: Refusal(Reason.NO_PAYMENT_PROOF)})
    assert claim.status == ClaimStatus.REJECTED  # 49,999,900 are left of the year
    assert not Redemption.objects.exists()
    assert not Grant.objects.exists()  # one for nothing would count where the number of grants is bounded


def test_a_reimbursement_that_is_looked_at_again_pays_what_it_paid_and_what_is_accepted_beside_it(provider):
    changes = {"caps.min_annual_spend_fen": 50_000_000, "caps.entity_annual_cap_fen": 9_000_000}
    programme = amended(published("HN-2025", provider), changes)
    owner = scenes.buyer()
    lines = [spent(provider, fen, digit * 20) for fen, digit in ((50_000_000, "1"), (4_000_000, "2"))]
    first, other = (put_together(programme, owner, *some) for some in (lines, [spent(provider, 10_000_000, "3" * 20)]))
    claims.decided(handed_in(other))
    first = claims.decided(handed_in(first), {2: Refusal(Reason.NO_PAYMENT_PROOF)})
    assert list(first.lines.order_by("number").values_list("accepted_fen", flat=True)) == [7_000_000, None]

    again = decisions.reconsider(claim=first, note="the slip came", actor=officer(claims.APPROVER), at=LATER)
    again = decisions.decide(claim=again, actor=officer(claims.APPROVER), at=LATER)

    assert list(again.lines.order_by("number").values_list("status", "accepted_fen")) == [
        (LineStatus.ACCEPTED, 7_000_000),
        (LineStatus.FREED, None),
    ]
    assert Grant.objects.count() == 2


def test_a_new_year_gives_no_line_more_than_it_claims(provider):
    programme = amended(published("HN-2025", provider), {"caps.entity_annual_cap_fen": 20_000_000})
    owner, last_days = scenes.buyer(), datetime(2025, 12, 29, 4, tzinfo=UTC)
    first = put_together(programme, owner, spent(provider, 95_000_000, "3" * 20), at=last_days)
    claims.decided(handed_in(first, at=last_days), at=last_days)
    claim = put_together(programme, owner, *[spent(provider, 50_000_000, f"{n}" * 20) for n in (4, 5)], at=last_days)
    assert claim.amount_fen == 2_000_000

    claim = claims.decided(handed_in(claim, at=WINDOW), at=WINDOW)

    assert list(claim.lines.values_list("amount_fen", "accepted_fen")) == [(1_000_000, 1_000_000)] * 2
    assert list(EntityYear.objects.order_by("year").values_list("used_fen", flat=True)) == [19_000_000, 2_000_000]


def test_s17_an_invoice_proves_one_thing_in_one_claim_of_all_programmes(beijing, nanning, provider):
    grant = scenes.grant(beijing, face_fen=60_000_000)
    put_together(beijing, grant.owner, spent(provider, 1_000_000, "1234567890 1234567890"), grant=grant)
    before = Redemption.objects.count()

    with pytest.raises(proofs.DuplicateInvoice):
        put_together(
            nanning, grant.owner, spent(provider, 1_000, "１２３４５６７８９０1234567890", **PERIOD), at=WINDOW
        )
    with pytest.raises(proofs.DuplicateInvoice):
        put_together(beijing, grant.owner, spent(provider, 1_000, "l23456789O-1234567890"), grant=grant)

    assert Redemption.objects.count() == before


def test_one_invoice_proves_lines_up_to_its_amount_also_after_one_of_them_was_handed_in_again(nanning, provider):
    owner, whole = scenes.buyer(), {"invoice_fen": 150_000_000, **PERIOD}
    shared = [spent(provider, fen, "8" * 20, **whole) for fen in (100_000_000, 50_000_000)]
    mine = {"claimant": owner, "actor": officer(CLAIMANT), "at": WINDOW}
    for wrong, refusal in [
        (replace(shared[1], amount_fen=50_000_001), spending.BadSpending),
        (replace(shared[1], invoice_fen=150_000_001), proofs.BadInvoice),
    ]:
        with pytest.raises(refusal):
            put_together(nanning, owner, shared[0], wrong, at=WINDOW)
    claim = put_together(nanning, owner, *shared, at=WINDOW)
    claims.decided(handed_in(claim, at=WINDOW), {2: Refusal(Reason.NO_PAYMENT_PROOF)}, at=WINDOW)

    again = answers.resubmit(claim=claim, lines=[2], answer="the slip", **mine)

    assert [one.number for one in proofs.of(again)] == ["8" * 20]
    with pytest.raises(proofs.DuplicateInvoice):
        put_together(nanning, owner, shared[1], at=WINDOW)
    again = claims.decided(handed_in(again, at=WINDOW), at=WINDOW)
    assert (again.status, again.approved_fen) == (ClaimStatus.APPROVED, 15_000_000)
    with pytest.raises(proofs.DuplicateInvoice):
        put_together(nanning, owner, shared[1], at=WINDOW)


@pytest.mark.parametrize("kind", ["contract", "invoice"])
def test_what_the_provider_was_paid_for_elsewhere_is_withheld_where_only_one_side_may_claim(provider, kind):
    programme = amended(published("BJ-2023", provider), {"eligibility.both_sides_cannot_claim": True})
    grant = scenes.grant(programme, face_fen=60_000_000)
    number = {"contract": "ＢＪ-2026 001", "invoice": "1" * 20}[kind]
    others = [Row("invoice", "2" * 20, provider.credit_code), Row("contract", "BJ-2026-001", "of somebody else")]
    foreign_claims.take(department="科技局", rows=others, actor=officer(1), at=AT)
    claim = handed_in(put_together(programme, grant.owner, spent(provider, 1_000_000, "1" * 20), grant=grant))
    assert withholding.reasons(programme, claim.lines.all(), LATER) == {}

    row = Row(kind, number, provider.credit_code)
    foreign_claims.take(department="区发改局", rows=[row], actor=officer(1), at=AT)

    claim = claims.decided(claim)
    assert (claim.status, claim.lines.get().reason) == (ClaimStatus.REJECTED, Reason.DOUBLE_FUNDING)


def amended(draft: Programme, changes: dict[str, Any]) -> Programme:
    """Return a programme with the same rules, but for some."""
    parameters = codec.changed(draft.parameters, {"identity.code": "AMENDED"} | changes)
    again = programmes.draft_of(authority=draft.authority, parameters=parameters, actor=officer(1), at=AT)
    programmes.list_providers(programme=again, providers=list(draft.providers.all()), actor=officer(1), at=AT)
    return programmes.publish(programme=again, actor=officer(2), at=AT)


def test_a_budget_that_is_used_up_approves_nothing(provider):
    programme = published("NN-2025", provider, budget_fen=299)
    claim = handed_in(
        put_together(programme, scenes.buyer(), spent(provider, 1_000, "7" * 20, **PERIOD), at=WINDOW), at=WINDOW
    )

    with pytest.raises(BudgetShort):
        claims.decided(claim, at=WINDOW)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"category": "STORAGE"}, CategoryNotEligible),
        ({"amount_fen": 0}, spending.BadSpending),
        ({"invoice_fen": 1}, spending.BadSpending),
        ({"invoiced_on": date(2027, 1, 1)}, spending.BadSpending),
        ({"used_until": date(2027, 1, 1)}, spending.BadSpending),
        ({"contract_from": date(2025, 2, 1), "contract_until": date(2025, 1, 1)}, spending.BadSpending),
        ({"invoice": " - "}, proofs.BadInvoice),
        ({"invoice": "ﷺ" * 40}, proofs.BadInvoice),
        ({"invoice": "2611700000123456789O"}, proofs.NotAnInvoiceNumber),
        ({"invoice": "12345678"}, proofs.NotAnInvoiceNumber),
    ],
)
def test_a_line_that_contradicts_itself_changes_nothing(beijing, provider, changes, refusal):
    grant = scenes.grant(beijing, face_fen=60_000_000)
    before = scenes.everything()

    with pytest.raises(refusal):
        put_together(
            beijing,
            grant.owner,
            spent(provider, **({"amount_fen": 1_000_000, "invoice": "1" * 20} | changes)),
            grant=grant,
        )

    assert scenes.everything() == before


def test_an_invoice_is_verified_by_its_number_where_the_programme_asks_for_it_and_by_the_database(nanning, provider):
    plain = amended(nanning, {"evidence.verify_invoice_number": False})
    owner, wrong = scenes.buyer(), spent(provider, 1_000, "FP-2025-1", **PERIOD)
    made = put_together(nanning, owner, spent(provider, 1_000, "044001900211 12345678", **PERIOD), at=WINDOW)
    with pytest.raises(proofs.NotAnInvoiceNumber) as refusal:
        put_together(nanning, owner, wrong, at=WINDOW)
    assert (refusal.value.code, list(refusal.value.fields)) == ("bad-invoice-number", ["number"])
    told = {"claim": made, "number": "FP-2", "number_key": numbers.key("FP-2"), "amount_fen": 1}
    with pytest.raises(IntegrityError) as raw, transaction.atomic():
        ClaimInvoice.objects.create(issued_on=wrong.invoiced_on, **told)
    assert constraint_name(raw.value) == "claim_invoice_number_verified"
    assert put_together(plain, owner, wrong, at=WINDOW).amount_fen == 300


def test_a_claim_needs_its_programme_its_days_its_voucher_and_lines(beijing, nanning, provider, programme):
    grant, line = scenes.grant(beijing, face_fen=60_000_000), spent(provider, 1_000_000, "1" * 20)

    with pytest.raises(spending.NotBuyersProgramme):
        put_together(programme, grant.owner, line)
    with pytest.raises(spending.WindowClosed):
        put_together(nanning, grant.owner, line, at=AT)
    with pytest.raises(spending.GrantMissing):
        put_together(beijing, grant.owner, line)
    with pytest.raises(spending.GrantMissing):
        put_together(nanning, grant.owner, line, at=WINDOW, grant=grant)
    with pytest.raises(spending.BadSpending):
        put_together(beijing, grant.owner, grant=grant)
    with pytest.raises(NotOwner):
        put_together(beijing, scenes.buyer(), line, grant=grant)
    small = scenes.grant(beijing, face_fen=1)
    put_together(beijing, small.owner, spent(provider, 1_000, "8" * 20), grant=small)
    with pytest.raises(Short):
        put_together(beijing, small.owner, spent(provider, 1_000, "9" * 20), grant=small)
