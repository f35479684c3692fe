"""What comes back of the charges of a reservation: never more than was charged, and every part adds up."""

from hypothesis import given
from hypothesis import strategies as st

from billing.crediting import Credit, Paid, credit

fen = st.integers(0, 10**9)
ratio = st.integers(0, 10_000)


def parts(paid: Paid) -> tuple[int, int]:
    return paid.amount_fen, paid.voucher_fen


@given(st.lists(st.tuples(fen, ratio), min_size=1, max_size=5), ratio, ratio, ratio)
def test_a_credit_never_exceeds_what_was_paid_by_anyone_whatever_comes_later(bills, credit_bp, commission_bp, vat_bp):
    given_so_far = Credit()
    for amount, share_bp in bills:
        paid = Paid(amount, amount * share_bp // 10_000)

        total = credit(paid=paid, credit_bp=credit_bp, given=given_so_far, commission_bp=commission_bp, vat_bp=vat_bp)

        assert 0 <= total.voucher_fen <= paid.voucher_fen
        assert 0 <= total.amount_fen <= paid.amount_fen
        assert 0 <= total.wallet_fen <= paid.amount_fen
        assert total.provider_fen + total.commission_fen + total.vat_fen == total.amount_fen
        assert total.provider_fen >= 0
        assert total.commission_fen + total.vat_fen <= paid.amount_fen * commission_bp // 10_000
        given_so_far = total


@given(fen, ratio, ratio)
def test_the_whole_credit_gives_everything_back_to_whom_it_came_from(amount, share_bp, commission_bp):
    paid = Paid(amount, amount * share_bp // 10_000)

    total = credit(paid=paid, credit_bp=10_000, given=Credit(), commission_bp=commission_bp, vat_bp=600)

    assert (total.amount_fen, total.voucher_fen) == parts(paid)


def test_a_quarter_of_a_bill_goes_back_in_the_proportion_in_which_it_was_paid():
    total = credit(paid=Paid(1_200, 360), credit_bp=2_500, given=Credit(), commission_bp=500, vat_bp=600)

    # Of the commission with VAT, 60 → 45: 57 + 3 becomes 42 + 3.
    assert total == Credit(amount_fen=300, voucher_fen=90, commission_fen=15, vat_fen=0)
    assert (total.wallet_fen, total.provider_fen) == (210, 285)


def test_public_money_never_pays_the_odd_fen():
    total = credit(paid=Paid(3, 1), credit_bp=5_000, given=Credit(), commission_bp=0, vat_bp=0)

    assert (total.amount_fen, total.voucher_fen, total.wallet_fen) == (2, 1, 1)


@given(st.integers(1, 10**6), st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10**6))
def test_a_credit_leaves_what_was_demanded_back_of_a_voucher_where_it_is(amount, share_bp, credit_bp, kept):
    voucher = amount * share_bp // 10_000
    paid = Paid(amount, voucher, min(kept, voucher))

    total = credit(paid=paid, credit_bp=credit_bp, given=Credit(), commission_bp=500, vat_bp=600)
    plain = credit(paid=Paid(amount, voucher), credit_bp=credit_bp, given=Credit(), commission_bp=500, vat_bp=600)

    assert total.voucher_fen == min(plain.voucher_fen, voucher - paid.kept_fen)
    assert total.amount_fen == plain.amount_fen
