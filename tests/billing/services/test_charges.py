"""Charges: what was used, at the agreed price, from voucher and wallet."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from accounts.services.audit import Actor
from billing import selectors
from billing.models import Charge, MeterChange
from billing.services import charges, fundings
from core.periods import HOUR
from ledger.models import Hold, HoldStatus, Transfer
from market.models import Reservation
from tests.billing import scenes
from tests.billing.scenes import AT, CARD_HOUR_MS, START
from tests.owning import as_owner
from tests.vouchers import cases
from vouchers.models import Capture, Redemption, Refund
from vouchers.parameters import codec
from vouchers.services import freezing, grants, programmes, versions

FULL = 2 * CARD_HOUR_MS
FEE = "settlement.platform_fee_on_voucher_bp"


def figures(charge: Charge) -> tuple[int, int, int]:
    return charge.amount_fen, charge.voucher_fen, charge.wallet_fen


@pytest.fixture
def short_grant(buyer, provider):
    """A voucher that ends after the first hour of an order that begins at 15:00 UTC, 23:00 in Shanghai."""
    return scenes.grant(buyer, scenes.programme([provider], validity_days=1))


def evening(buyer, offering, voucher) -> Reservation:
    starts_at = AT.replace(hour=15)
    return scenes.reserve(buyer, offering, voucher=voucher, start_min=starts_at, start_max=starts_at)


def test_an_hour_of_usage_is_paid_by_voucher_and_wallet(buyer, provider, offering, programme, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL)

    (charge,) = scenes.rate(reservation)

    assert figures(charge) == (400, 200, 200)
    assert (charge.provider_fen, charge.commission_fen, charge.vat_fen) == (390, 9, 1)
    assert scenes.fen(f"wallet/{buyer.pk}") == 100_000 - 200
    assert scenes.fen(f"grant/{grant.pk}") == 50_000 - 200
    assert scenes.fen(f"redeemed/{programme.pk}") == 200
    assert scenes.fen(f"authority-receivable/{programme.pk}") == -200
    assert scenes.fen(f"provider-payable/{provider.pk}") == 390
    assert scenes.fen("commission") == 9
    assert scenes.fen("output-vat") == 1
    assert scenes.broken() == []


def test_without_a_voucher_the_wallet_pays_all(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, FULL, CARD_HOUR_MS)

    made = scenes.rate(reservation)

    assert [figures(charge) for charge in made] == [(400, 0, 400), (200, 0, 200)]
    assert selectors.wallet(buyer) == selectors.Wallet(balance_fen=99_400, held_fen=600, arrears_fen=0)
    assert scenes.broken() == []


def test_a_voucher_that_pays_everything_leaves_the_wallet_alone(provider, offering):
    poor = scenes.funded_buyer(0)
    voucher = scenes.grant(poor, scenes.programme([provider], ratio_bp=10_000))
    reservation = scenes.reserve(poor, offering, voucher=voucher)
    scenes.meter(reservation, FULL)

    (charge,) = scenes.rate(reservation)

    assert figures(charge) == (400, 400, 0)
    assert (charge.provider_fen, charge.commission_fen, charge.vat_fen) == (400, 0, 0)
    assert scenes.funding(reservation.order).wallet_hold is None
    assert scenes.broken() == []


def test_a_programme_says_what_the_platform_takes_of_its_vouchers(buyer, provider, offering):
    costly = scenes.programme([provider], changes={FEE: 1_000})
    voucher = scenes.grant(buyer, costly)
    free = codec.changed(costly.parameters, {FEE: 0})
    drafted = versions.draft(programme=costly, parameters=free, reason="", actor=Actor(user=scenes.person()), at=AT)
    versions.publish(version=drafted, actor=Actor(user=scenes.person()), at=AT)
    reservation = scenes.reserve(buyer, offering, voucher=voucher)
    scenes.meter(reservation, FULL, CARD_HOUR_MS)

    made = scenes.rate(reservation)

    # Granted under the first version: 5 % of the wallet's 200 and 10 % of the voucher's 200; then of 100 and 100.
    assert [figures(charge) for charge in made] == [(400, 200, 200), (200, 100, 100)]
    assert [(one.provider_fen, one.commission_fen, one.vat_fen) for one in made] == [(370, 28, 2), (185, 14, 1)]
    assert scenes.broken() == []
    scenes.meter(reservation, 0, 0)
    scenes.rate(reservation)
    assert (scenes.fen("commission"), scenes.fen("output-vat")) == (0, 0)
    assert scenes.broken() == []


def test_charging_twice_charges_once(buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)
    before = scenes.rows()

    again = charges.rate_reservation(reservation_id=reservation.pk, at=START)

    assert again == 0
    assert scenes.rows() == before


def test_usage_that_is_taken_back_returns_to_voucher_and_wallet(buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)

    scenes.meter(reservation, CARD_HOUR_MS)
    (_first, correction) = scenes.rate(reservation)

    assert (correction.version, correction.accelerator_ms) == (2, -CARD_HOUR_MS)
    assert figures(correction) == (-200, -100, -100)
    assert (correction.provider_fen, correction.commission_fen, correction.vat_fen) == (-195, -4, -1)
    refund = Refund.objects.get()
    assert (refund.reference, refund.amount_fen, refund.lapsed) == (f"charge/{correction.pk}", 100, False)
    assert scenes.fen(f"grant/{grant.pk}") == 50_000 - 100
    assert scenes.fen(f"wallet/{buyer.pk}") == 100_000 - 100
    assert scenes.broken() == []


def test_a_correction_after_the_voucher_has_expired_returns_to_the_programme(buyer, offering, short_grant):
    reservation = evening(buyer, offering, short_grant)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)

    scenes.meter(reservation, 0)
    scenes.rate(reservation, at=short_grant.expires_at + HOUR)

    assert Refund.objects.get().lapsed
    assert scenes.fen(f"lapsed/{short_grant.programme_id}") == 200
    assert scenes.broken() == []


def test_usage_that_moves_between_hours_costs_nobody_anything(buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL, FULL, FULL)
    scenes.rate(reservation)
    before = (selectors.wallet(buyer), scenes.fen(f"grant/{grant.pk}"))

    scenes.meter(reservation, 0, FULL, 2 * FULL)
    made = scenes.rate(reservation)[3:]

    assert [figures(charge) for charge in made] == [(400, 0, 400), (-400, 0, -400)]
    assert (selectors.wallet(buyer), scenes.fen(f"grant/{grant.pk}")) == before
    assert not Refund.objects.exists()
    assert scenes.broken() == []


def test_many_hours_taken_back_are_one_refund(buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL, FULL, FULL)
    scenes.rate(reservation)

    scenes.meter(reservation, 0, 0, FULL)
    made = scenes.rate(reservation)[3:]

    refund = Refund.objects.get()
    assert (refund.reference, refund.amount_fen) == (f"charge/{made[0].pk}-{made[1].pk}", 400)
    assert scenes.broken() == []


def test_what_a_voucher_took_back_it_does_not_pay_again_beyond_its_hold(buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL, FULL, FULL)
    scenes.rate(reservation)
    scenes.meter(reservation, 0, FULL, FULL)
    scenes.rate(reservation)

    scenes.meter(reservation, FULL, FULL, FULL)
    again = scenes.rate(reservation)[-1]

    assert figures(again) == (400, 0, 400)
    assert scenes.broken() == []


def test_usage_after_the_expiry_of_a_voucher_is_cash(buyer, offering, short_grant):
    reservation = evening(buyer, offering, short_grant)
    assert short_grant.expires_at == reservation.starts_at + HOUR
    scenes.meter(reservation, FULL, FULL, FULL)

    made = scenes.rate(reservation)

    assert [figures(charge) for charge in made] == [(400, 200, 200), (400, 0, 400), (400, 0, 400)]
    assert scenes.broken() == []


def test_usage_before_the_expiry_that_is_metered_late_is_still_the_vouchers(buyer, offering, short_grant):
    reservation = evening(buyer, offering, short_grant)
    grants.expire_due(at=short_grant.expires_at)
    scenes.meter(reservation, FULL)

    (charge,) = scenes.rate(reservation, at=short_grant.expires_at + timedelta(days=1))

    assert figures(charge) == (400, 200, 200)
    assert scenes.broken() == []


def test_what_is_rated_after_the_expiry_is_cash_where_redemption_has_to_come_before_it(buyer, provider, offering):
    plain = scenes.programme([provider], validity_days=1)
    strict = {"identity.code": f"{plain.code}-S", "validity.usage_cutoff_basis": "CAPTURE_TIME"}
    maker, checker = Actor(user=scenes.person()), Actor(user=scenes.person())
    terms = {"authority": plain.authority, "parameters": codec.changed(plain.parameters, strict)}
    drafted = programmes.draft_of(actor=maker, at=AT, **terms)
    drafted.providers.set([provider])
    voucher = scenes.grant(buyer, programmes.publish(programme=drafted, actor=checker, at=AT))
    reservation = evening(buyer, offering, voucher)
    scenes.meter(reservation, FULL)

    (charge,) = scenes.rate(reservation, at=voucher.expires_at)

    assert figures(charge) == (400, 0, 400)
    grants.expire_due(at=voucher.expires_at)
    assert scenes.broken() == []


def test_a_revoked_voucher_pays_no_more(buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)
    grants.revoke(grant=grant, actor=Actor(user=scenes.person()), at=START)

    scenes.meter(reservation, FULL, first=1)
    made = scenes.rate(reservation)

    assert [figures(charge) for charge in made] == [(400, 200, 200), (400, 0, 400)]
    assert scenes.broken() == []


def used_on_credit(poor, provider, offering, first_ms, *others_ms) -> Reservation:
    """Use three hours with a voucher that is revoked after the first: nobody has set aside what it would have paid."""
    voucher = scenes.grant(poor, scenes.programme([provider]))
    reservation = scenes.reserve(poor, offering, voucher=voucher)
    scenes.meter(reservation, first_ms)
    scenes.rate(reservation)
    grants.revoke(grant=voucher, actor=Actor(user=scenes.person()), at=START)
    scenes.meter(reservation, *others_ms, first=1)
    scenes.rate(reservation)
    return reservation


def test_what_a_voucher_will_not_pay_once_it_has_expired_is_set_aside_and_never_lent(provider, offering):
    poor = scenes.funded_buyer(1_000)
    reservation = evening(poor, offering, scenes.grant(poor, scenes.programme([provider], validity_days=1)))
    scenes.meter(reservation, FULL, FULL, FULL)

    made = scenes.rate(reservation)

    assert [figures(charge) for charge in made] == [(400, 200, 200), (400, 0, 400), (400, 0, 400)]
    assert selectors.wallet(poor) == selectors.Wallet(0, 0, 0)
    assert scenes.broken() == []


def test_an_empty_wallet_is_lent_what_usage_costs(provider, offering):
    poor = scenes.funded_buyer(600)

    used_on_credit(poor, provider, offering, FULL, FULL, FULL)

    assert selectors.wallet(poor) == selectors.Wallet(balance_fen=0, held_fen=0, arrears_fen=400)
    assert Transfer.objects.get(kind="advance").amount_fen == 400
    assert scenes.broken() == []


def test_the_rest_of_a_hold_is_used_before_anything_is_lent(provider, offering):
    poor = scenes.funded_buyer(600)

    reservation = used_on_credit(poor, provider, offering, FULL, CARD_HOUR_MS, FULL)

    assert selectors.wallet(poor) == selectors.Wallet(balance_fen=0, held_fen=0, arrears_fen=200)
    assert Hold.objects.get(key=f"order/{reservation.order_id}").status == HoldStatus.POSTED
    assert scenes.broken() == []


def test_the_next_top_up_repays_what_was_lent(provider, offering):
    poor = scenes.funded_buyer(600)
    used_on_credit(poor, provider, offering, FULL, FULL, FULL)

    scenes.top_up(poor, 150)
    assert selectors.wallet(poor) == selectors.Wallet(balance_fen=0, held_fen=0, arrears_fen=250)
    scenes.top_up(poor, 1_000)

    assert selectors.wallet(poor) == selectors.Wallet(balance_fen=750, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []


def test_usage_taken_back_repays_what_was_lent_for_it(provider, offering):
    poor = scenes.funded_buyer(600)
    reservation = used_on_credit(poor, provider, offering, FULL, FULL, FULL)

    scenes.meter(reservation, CARD_HOUR_MS, first=2)
    scenes.rate(reservation)

    assert selectors.wallet(poor) == selectors.Wallet(balance_fen=0, held_fen=0, arrears_fen=200)
    assert scenes.broken() == []


def test_usage_after_everything_was_given_back_is_cash(buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)
    fundings.close(funding=scenes.funding(reservation.order), at=scenes.serve(reservation))

    scenes.meter(reservation, FULL, first=1)
    made = scenes.rate(reservation)

    assert [figures(charge) for charge in made] == [(400, 200, 200), (400, 0, 400)]
    assert scenes.broken() == []


def test_usage_too_small_for_a_fen_is_charged_and_moves_nothing(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, 100)

    (charge,) = scenes.rate(reservation)

    assert figures(charge) == (0, 0, 0)
    assert not Transfer.objects.filter(kind="charge").exists()


def test_a_new_commission_counts_for_new_orders_only(buyer, offering, settings):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)

    settings.COMMISSION_BP = 1_000
    scenes.meter(reservation, FULL, first=1)
    made = scenes.rate(reservation)

    assert [charge.commission_fen + charge.vat_fen for charge in made] == [20, 20]


def test_a_change_of_the_meter_waits_until_it_is_charged(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    assert charges.waiting(limit=10) == []

    scenes.meter(reservation, FULL, FULL)
    assert charges.waiting(limit=10) == [reservation.pk]
    assert charges.uncharged().count() == 2
    scenes.rate(reservation)
    assert charges.waiting(limit=10) == []
    assert not charges.uncharged().exists()

    scenes.meter(reservation, CARD_HOUR_MS)
    assert charges.waiting(limit=10) == [reservation.pk]


def test_marking_an_hour_for_the_meter_is_no_change(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)

    reservation.metered_hours.update(dirty=True)

    assert not MeterChange.objects.exists()


def test_an_hour_is_charged_even_while_newer_usage_of_it_waits_for_the_meter(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, FULL)
    reservation.metered_hours.update(dirty=True)

    (charge,) = scenes.rate(reservation)

    assert charge.amount_fen == 400
    assert not MeterChange.objects.exists()


def queries(reservation: Reservation) -> int:
    with CaptureQueriesContext(connection) as captured:
        charges.rate_reservation(reservation_id=reservation.pk, at=START)
    return len(captured)


def test_charging_takes_as_many_queries_for_one_hour_as_for_a_hundred(buyer, offering, grant):
    long = scenes.reserve(buyer, offering, voucher=grant, hours=200, count=1)
    scenes.meter(long, CARD_HOUR_MS)
    first = queries(long)

    scenes.meter(long, *[CARD_HOUR_MS] * 100, first=1)
    hundred = queries(long)
    scenes.meter(long, *[CARD_HOUR_MS // 2] * 101)
    corrections = queries(long)

    assert hundred <= first <= 28
    assert corrections <= 34
    assert scenes.broken() == []


@pytest.mark.parametrize("statement", ["UPDATE billing_charge SET amount_fen = 0", "DELETE FROM billing_charge"])
def test_a_charge_stays_as_written(buyer, offering, statement):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)

    with as_owner(), pytest.raises(IntegrityError), transaction.atomic(), database.cursor() as cursor:
        cursor.execute(statement)

    assert Charge.objects.get().amount_fen == 400


@pytest.mark.parametrize(
    ("column", "constraint"),
    [("wallet_fen", "charge_funding_adds_up"), ("vat_fen", "charge_shares_add_up")],
)
def test_a_charge_whose_parts_do_not_add_up_is_refused(buyer, offering, column, constraint):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, FULL)
    (charge,) = scenes.rate(reservation)
    forged = Charge(**{**{f.attname: getattr(charge, f.attname) for f in charge._meta.concrete_fields}, "id": None})
    forged.version = 2
    setattr(forged, column, getattr(forged, column) + 1)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        forged.save()

    assert Charge.objects.count() == 1


def test_a_version_is_charged_once(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, FULL)
    (charge,) = scenes.rate(reservation)
    charge.pk = None
    charge._state.adding = True

    with pytest.raises(IntegrityError, match="charge_once_per_version"), transaction.atomic():
        charge.save()

    assert Charge.objects.count() == 1


def test_usage_while_a_voucher_is_frozen_is_paid_in_cash_and_earlier_usage_by_the_voucher_in_the_end(
    buyer, offering, grant
):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    freezing.freeze(grant=grant, reason="suspicion", actor=Actor(user=scenes.person()), at=START + HOUR)
    scenes.meter(reservation, FULL, FULL)
    frozen = scenes.rate(reservation)
    redemption = scenes.funding(reservation.order).redemption
    assert [figures(charge) for charge in frozen] == [(400, 0, 400), (400, 0, 400)]

    freezing.lift(grant=grant, reason="explained", actor=Actor(user=scenes.person()), at=START + 2 * HOUR)
    scenes.meter(reservation, FULL, FULL, FULL)
    charge = list(scenes.rate(reservation))[-1]

    redemption.refresh_from_db()
    assert figures(charge) == (400, 400, 0)  # half of the first hour and of the third; the second stays in cash
    assert redemption.captured_fen == 400
    assert scenes.broken() == []


def test_what_a_clawback_has_demanded_of_a_voucher_a_correction_gives_back_to_the_wallet(buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL, FULL, FULL)
    scenes.rate(reservation)
    captures = list(Capture.objects.order_by("pk"))
    cases.upheld(grant, captures[:2], at=AT)

    scenes.meter(reservation, FULL, 0, 0)
    made = scenes.rate(reservation)

    # ¥6.00 of ¥12.00 were the voucher's; ¥4.00 of them are demanded back, so that at most ¥2.00 return to it.
    assert [figures(charge) for charge in made][-2:] == [(-400, -200, -200), (-400, 0, -400)]
    assert Refund.objects.get().amount_fen == 200
    redemption = Redemption.objects.get()
    assert (redemption.captured_fen, redemption.refunded_fen, redemption.clawed_back_fen) == (600, 200, 400)
    scenes.meter(reservation, 0, 0, 0)
    assert figures(scenes.rate(reservation)[-1]) == (-400, 0, -400)
    assert scenes.broken() == []
