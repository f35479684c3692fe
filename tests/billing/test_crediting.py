"""What comes back of the charges of a reservation: never more than was charged, and every part adds up."""

from hypothesis import given
from hypothesis import strategies as st

from billing import commission
from billing.commission import Fees
from billing.crediting import Credit, Paid, credit

fen = st.integers(0, 10**9)
ratio = st.integers(0, 10_000)
FEES = Fees(commission_bp=500, vat_bp=600)
FREE = Fees(commission_bp=500, vat_bp=600, voucher_bp=0)


def parts(paid: Paid) -> tuple[int, int]:
    return paid.amount_fen, paid.voucher_fen


def one(paid: Paid, credit_bp: int, given_so_far: Credit | None = None) -> Credit:
    (made,) = credit(paid=[paid], credit_bp=credit_bp, given=[given_so_far or Credit()])
    return made


@given(st.lists(st.tuples(fen, ratio), min_size=1, max_size=5), ratio, ratio, st.none() | ratio, ratio)
def test_a_credit_never_exceeds_what_was_paid_by_anyone_whatever_comes_later(
    bills, credit_bp, commission_bp, voucher_bp, vat_bp
):
    fees = Fees(commission_bp, vat_bp, voucher_bp)
    given_so_far = Credit()
    for amount, share_bp in bills:
        paid = Paid(amount, amount * share_bp // 10_000, fees)
        taken = commission.of(amount, fees, commission.Public().plus(paid.voucher_fen, fees.on_voucher_bp))

        total = one(paid, credit_bp, given_so_far)

        assert 0 <= total.voucher_fen <= paid.voucher_fen
        assert 0 <= total.amount_fen <= paid.amount_fen
        assert 0 <= total.wallet_fen <= paid.amount_fen
        assert total.provider_fen + total.commission_fen + total.vat_fen == total.amount_fen
        assert 0 <= total.commission_fen + total.vat_fen <= taken.commission_fen + taken.vat_fen
        given_so_far = total


bill = st.tuples(st.integers(0, 10**6), ratio, st.none() | ratio, ratio)


@given(st.lists(bill, min_size=1, max_size=4), ratio, ratio)
def test_of_parts_with_rates_of_their_own_the_platform_keeps_its_share_of_what_is_left(bills, credit_bp, own_bp):
    paid = []
    for amount, share_bp, voucher_bp, kept_bp in bills:
        voucher = amount * share_bp // 10_000
        paid.append(Paid(amount, voucher, Fees(own_bp, 600, voucher_bp), voucher * kept_bp // 10_000))

    made = credit(paid=paid, credit_bp=credit_bp, given=[Credit()] * len(paid))

    spent = left = commission.Public()
    for part, back in zip(paid, made, strict=True):
        spent = spent.plus(part.voucher_fen, part.fees.on_voucher_bp)
        left = left.plus(part.voucher_fen - back.voucher_fen, part.fees.on_voucher_bp)
        assert back.amount_fen == back.provider_fen + back.commission_fen + back.vat_fen
        assert 0 <= back.voucher_fen <= part.voucher_fen - part.kept_fen
    charged, credited = sum(part.amount_fen for part in paid), sum(back.amount_fen for back in made)
    taken, kept = (
        commission.of(charged, paid[0].fees, spent),
        commission.of(charged - credited, paid[0].fees, left),
    )
    assert sum(back.commission_fen for back in made) == taken.commission_fen - kept.commission_fen
    assert sum(back.vat_fen for back in made) == taken.vat_fen - kept.vat_fen
    assert 0 <= kept.commission_fen + kept.vat_fen <= charged - credited


@given(fen, ratio, ratio, st.none() | ratio)
def test_the_whole_credit_gives_everything_back_to_whom_it_came_from(amount, share_bp, commission_bp, voucher_bp):
    paid = Paid(amount, amount * share_bp // 10_000, Fees(commission_bp, 600, voucher_bp))

    total = one(paid, 10_000)

    assert (total.amount_fen, total.voucher_fen) == parts(paid)


def test_a_quarter_of_a_bill_goes_back_in_the_proportion_in_which_it_was_paid():
    total = one(Paid(1_200, 360, FEES), 2_500)

    # Of the commission with VAT, 60 → 45: 57 + 3 becomes 42 + 3.
    assert total == Credit(amount_fen=300, voucher_fen=90, commission_fen=15, vat_fen=0)
    assert (total.wallet_fen, total.provider_fen) == (210, 285)


def test_where_public_money_is_free_the_commission_comes_back_on_what_the_wallet_gets():
    total = one(Paid(1_200, 360, FREE), 2_500)

    # Of the commission with VAT on 840 and on 630, 42 → 31: 40 + 2 becomes 29 + 2.
    assert total == Credit(amount_fen=300, voucher_fen=90, commission_fen=11, vat_fen=0)
    assert (total.wallet_fen, total.provider_fen) == (210, 289)


def test_public_money_never_pays_the_odd_fen():
    total = one(Paid(3, 1, Fees(0, 0)), 5_000)

    assert (total.amount_fen, total.voucher_fen, total.wallet_fen) == (2, 1, 1)


@given(st.integers(1, 10**6), st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10**6))
def test_a_credit_leaves_what_was_demanded_back_of_a_voucher_where_it_is(amount, share_bp, credit_bp, kept):
    voucher = amount * share_bp // 10_000
    paid = Paid(amount, voucher, FREE, min(kept, voucher))

    total = one(paid, credit_bp)
    plain = one(Paid(amount, voucher, FREE), credit_bp)

    assert total.voucher_fen == min(plain.voucher_fen, voucher - paid.kept_fen)
    assert total.amount_fen == plain.amount_fen


def test_of_a_part_that_is_a_fen_below_nothing_nothing_is_credited_and_no_more_than_the_whole_of_what_is_before_it():
    paid = [Paid(amount, 0, FEES) for amount in (100, -1, 50)]

    halves = [back.amount_fen for back in credit(paid=paid, credit_bp=5_000, given=[Credit()] * 3)]
    wholes = [back.amount_fen for back in credit(paid=paid, credit_bp=10_000, given=[Credit()] * 3)]

    assert (halves, wholes) == ([50, 0, 25], [99, 0, 50])


@given(
    st.lists(st.tuples(st.integers(0, 40), ratio, st.integers(0, 40)), min_size=1, max_size=4),
    st.lists(ratio, min_size=2, max_size=2).map(sorted),
)
def test_a_voucher_gives_no_more_of_its_credit_up_than_corrections_took_off_what_it_paid(bills, credits_bp):
    before = [Paid(fen, fen * share_bp // 10_000, FREE) for fen, share_bp, _later in bills]
    given_so_far = credit(paid=before, credit_bp=credits_bp[0], given=[Credit()] * len(before))
    after = []
    for paid, (_fen, share_bp, later) in zip(before, bills, strict=True):
        voucher = later * share_bp // 10_000
        after.append(Paid(later, voucher, FREE, returned_fen=max(paid.voucher_fen - voucher, 0)))

    made = credit(paid=after, credit_bp=credits_bp[1], given=given_so_far)

    for paid, earlier, back in zip(after, given_so_far, made, strict=True):
        assert earlier.voucher_fen - back.voucher_fen <= paid.returned_fen
        assert 0 <= back.voucher_fen <= back.amount_fen <= paid.amount_fen
    exact = sum(paid.amount_fen for paid in after) * credits_bp[1]
    assert exact - 10_000 < 10_000 * sum(back.amount_fen for back in made) < exact + 10_000 * (1 + len(made))
