"""Charges: what was used, at the agreed price, from voucher and wallet."""

from tests.billing import scenes
from tests.billing.scenes import CARD_HOUR_MS


def test_an_hour_of_usage_is_paid_by_voucher_and_wallet(buyer, provider, offering, programme, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, 2 * CARD_HOUR_MS)

    (charge,) = scenes.rate(reservation)

    assert (charge.amount_fen, charge.voucher_fen, charge.wallet_fen) == (400, 200, 200)
    assert (charge.provider_fen, charge.commission_fen, charge.vat_fen) == (380, 19, 1)
    assert scenes.fen(f"wallet/{buyer.pk}") == 100_000 - 200
    assert scenes.fen(f"grant/{grant.pk}") == 50_000 - 200
    assert scenes.fen(f"authority-receivable/{programme.pk}") == -200
    assert scenes.fen(f"provider-payable/{provider.pk}") == 380
    assert scenes.fen("commission") == 19
    assert scenes.fen("output-vat") == 1
