"""Judge a rehearsal by SQL over the tables alone. Each check selects what is wrong: nothing means that it holds."""

from django.db import connection

CHECKS = {
    # Usage: every metered millisecond is charged, once.
    "usage_equals_metered": """
        SELECT reservation_id, hour FROM (
            SELECT reservation_id, date_bin('1 hour', starts_at, TIMESTAMPTZ '2000-01-01 00:00Z') AS hour,
                   sum(accelerator_ms) AS used
            FROM market_usage GROUP BY 1, 2) usage
        FULL JOIN market_meteredhour metered USING (reservation_id, hour)
        WHERE coalesce(used, 0) <> coalesce(metered.accelerator_ms, 0)
    """,
    "usage_equals_charged": """
        SELECT 1 WHERE (SELECT coalesce(sum(accelerator_ms), 0) FROM market_usage)
                    <> (SELECT coalesce(sum(accelerator_ms), 0) FROM billing_charge)
    """,
    "no_event_billed_twice": """
        SELECT reservation_id, hour FROM (
            SELECT reservation_id, hour, sum(accelerator_ms) AS charged FROM billing_charge GROUP BY 1, 2) charges
        FULL JOIN (
            SELECT reservation_id, date_bin('1 hour', starts_at, TIMESTAMPTZ '2000-01-01 00:00Z') AS hour,
                   sum(accelerator_ms) AS used
            FROM (SELECT DISTINCT ON (provider_id, event_id) * FROM market_usage
                  ORDER BY provider_id, event_id, id) once
            GROUP BY 1, 2) usage USING (reservation_id, hour)
        WHERE coalesce(charged, 0) <> coalesce(used, 0)
    """,
    "conflicts_are_not_billed": """
        SELECT conflict.id FROM market_usageconflict conflict JOIN market_usage usage
            ON usage.provider_id = conflict.provider_id AND usage.event_id = conflict.event_id
        WHERE usage.accelerator_ms = (conflict.event->'data'->>'accelerator_ms')::bigint
    """,
    "usage_within_reservation": """
        SELECT usage.id FROM market_usage usage
        JOIN market_reservation reservation ON reservation.id = usage.reservation_id
        WHERE usage.starts_at < reservation.starts_at OR usage.ends_at > reservation.ends_at
           OR usage.accelerators > reservation.count - coalesce((
                SELECT sum(returned.cards) FROM market_returnedcards returned
                WHERE returned.reservation_id = reservation.id AND returned.hour <= usage.starts_at), 0)
    """,
    # Price: a reservation costs its milliseconds times their prices, rounded once, half up.
    "charges_equal_usage_times_price": """
        SELECT charge.reservation_id FROM billing_charge charge WHERE charge.kind = 'usage'
        GROUP BY charge.reservation_id
        HAVING sum(charge.amount_fen)
            <> floor((sum(charge.accelerator_ms::numeric * charge.price_micro) * 2 + 36000000000) / 72000000000)
    """,
    "no_credit_beyond_what_was_charged": """
        SELECT reservation_id FROM billing_charge WHERE kind NOT IN ('fee', 'line') GROUP BY 1
        HAVING sum(amount_fen) < 0 OR sum(voucher_fen) < 0 OR sum(wallet_fen) < 0 OR sum(provider_fen) < 0
    """,
    # Commission: of own money by the order's rate, of public money by its programme's, rounded down once.
    "commission_is_the_orders_and_the_programmes": """
        SELECT id FROM (
            SELECT reservation.id, funding.commission_bp AS own_bp, sum(amount_fen) AS amount,
                   sum(charge.voucher_fen) AS public, sum(commission_fen + vat_fen) AS taken,
                   sum(charge.voucher_fen * coalesce(CASE
                       WHEN added.id IS NULL THEN funding.voucher_commission_bp ELSE added.voucher_commission_bp
                   END, funding.commission_bp)) AS fees
            FROM billing_charge charge JOIN market_reservation reservation ON reservation.id = charge.reservation_id
            JOIN billing_funding funding ON funding.order_id = reservation.order_id
            LEFT JOIN billing_supplement added ON added.id = charge.supplement_id
            WHERE charge.kind IN ('usage', 'credit') GROUP BY reservation.id, funding.id) sums
        WHERE taken <> CASE WHEN public <= amount THEN div((amount - public) * own_bp + fees, 10000)
                            ELSE div(fees * amount, public * 10000) END
    """,
    "commission_bases_equal_settlements": """
        SELECT settlement.id FROM billing_settlement settlement
        LEFT JOIN billing_commissionbasis basis ON basis.settlement_id = settlement.id
        GROUP BY settlement.id HAVING coalesce(sum(basis.amount_fen), 0) <> settlement.gross_fen
    """,
    # Bills: lines, invoices, voucher and wallet are the same money.
    "lines_equal_invoices": """
        SELECT 1 WHERE (SELECT coalesce(sum(charge.amount_fen), 0) FROM billing_invoiceline line
                        JOIN billing_charge charge ON charge.id = line.charge_id)
                    <> (SELECT coalesce(sum(amount_fen), 0) FROM billing_invoice)
    """,
    "every_charge_is_on_one_invoice": """
        SELECT charge.id FROM billing_charge charge LEFT JOIN billing_invoiceline line ON line.charge_id = charge.id
        GROUP BY charge.id HAVING count(line.id) <> 1
    """,
    "invoices_equal_voucher_plus_wallet": """
        SELECT 1 WHERE (SELECT coalesce(sum(amount_fen), 0) FROM billing_invoice)
            <> (SELECT coalesce(sum(posting.amount_fen), 0) FROM ledger_posting posting
                JOIN ledger_account account ON account.id = posting.account_id
                JOIN ledger_transfer transfer ON transfer.id = posting.transfer_id
                WHERE transfer.kind = 'charge'
                  AND (account.code LIKE 'wallet/%' OR account.code LIKE 'authority-receivable/%')) * -1
    """,
    "invoice_numbers_have_no_gap": """
        SELECT issuer_id, year FROM billing_invoice GROUP BY 1, 2 HAVING max(number) <> count(*)
    """,
    # Settlement: what providers, platform and tax get is what was invoiced.
    "net_commission_vat_equal_gross": """
        SELECT 1 WHERE (SELECT coalesce(sum(net_fen + commission_fen + vat_fen), 0) FROM billing_settlement)
                    <> (SELECT coalesce(sum(amount_fen), 0) FROM billing_invoice)
    """,
    "authority_payable_equals_captured": """
        SELECT programme.id FROM vouchers_programme programme
        WHERE programme.mode = 'INSTANT_DEDUCT'
          AND (SELECT coalesce(sum(amount_fen), 0) FROM billing_authoritypayable WHERE programme_id = programme.id)
           <> (SELECT coalesce(sum(posting.amount_fen), 0) FROM ledger_posting posting
               JOIN ledger_account account ON account.id = posting.account_id
               WHERE account.code = 'redeemed/' || programme.id)
            + (SELECT coalesce(sum(posting.amount_fen), 0) FROM ledger_posting posting
               JOIN ledger_account account ON account.id = posting.account_id
               JOIN ledger_transfer transfer ON transfer.id = posting.transfer_id
               WHERE transfer.kind IN ('claim-denied', 'claim-denial-undone')
                 AND account.code = 'authority-receivable/' || programme.id)
    """,
    "provider_is_owed_what_is_settled": """
        SELECT settlement.provider_id FROM billing_settlement settlement GROUP BY settlement.provider_id
        HAVING sum(net_fen) <> (
            SELECT coalesce(sum(posting.amount_fen), 0) FROM ledger_posting posting
            JOIN ledger_account account ON account.id = posting.account_id
            JOIN ledger_transfer transfer ON transfer.id = posting.transfer_id
            WHERE transfer.kind = 'settlement' AND account.code = 'payout-due/' || settlement.provider_id)
    """,
    # Vouchers: every fen of a budget is somewhere.
    "programme_budget_is_accounted_for": """
        SELECT programme.id FROM vouchers_programme programme
        CROSS JOIN LATERAL (
            SELECT
                (SELECT coalesce(sum(posting.amount_fen), 0) FROM ledger_posting posting
                 JOIN ledger_account account ON account.id = posting.account_id
                 WHERE account.code IN (
                     'budget/' || programme.id, 'redeemed/' || programme.id, 'lapsed/' || programme.id))
                AS unallocated_redeemed_expired,
                (SELECT coalesce(sum(balance.posted_fen), 0) FROM vouchers_grant granted
                 JOIN ledger_account account ON account.code = 'grant/' || granted.id
                 JOIN ledger_balance balance ON balance.account_id = account.id
                 WHERE granted.programme_id = programme.id)
                AS available_and_held
        ) sums
        WHERE programme.published_at IS NOT NULL
          AND programme.budget_fen <> unallocated_redeemed_expired + available_and_held
    """,
    "no_voucher_above_its_ratio": """
        SELECT redemption.id FROM vouchers_redemption redemption
        JOIN vouchers_grant granted ON granted.id = redemption.grant_id
        JOIN vouchers_programme programme ON programme.id = granted.programme_id
        JOIN (
            SELECT coalesce(added.redemption_id, funding.redemption_id) AS redemption_id,
                   sum(charge.amount_fen) AS amount, sum(charge.voucher_fen) AS voucher
            FROM billing_charge charge
            JOIN market_reservation reservation ON reservation.id = charge.reservation_id
            JOIN billing_funding funding ON funding.order_id = reservation.order_id
            LEFT JOIN billing_supplement added ON added.id = charge.supplement_id
            WHERE charge.kind NOT IN ('fee', 'line') AND (added.id IS NULL OR added.redemption_id IS NOT NULL)
            GROUP BY 1) charged ON charged.redemption_id = redemption.id
        WHERE charged.voucher > least(redemption.amount_fen, charged.amount * programme.ratio_bp / 10000)
    """,
    "no_voucher_pays_a_fee": "SELECT id FROM billing_charge WHERE kind = 'fee' AND voucher_fen <> 0",
    "no_voucher_pays_a_line": "SELECT id FROM billing_charge WHERE kind = 'line' AND voucher_fen <> 0",
    "lines_are_charged_within_what_was_set_aside": """
        SELECT line.id FROM billing_takenline line LEFT JOIN billing_linecharge reason ON reason.line_id = line.id
        LEFT JOIN billing_charge charge ON charge.id = reason.charge_id
        GROUP BY line.id HAVING coalesce(sum(charge.amount_fen), 0) NOT BETWEEN 0 AND line.estimate_fen
    """,
    "fees_are_what_their_reasons_say": """
        SELECT charge.id FROM billing_charge charge LEFT JOIN billing_noticefee reason ON reason.charge_id = charge.id
        WHERE charge.kind = 'fee' AND charge.amount_fen IS DISTINCT FROM reason.fee_fen
    """,
    "no_entity_above_its_year": """
        SELECT granted.owner_id FROM vouchers_capture capture
        JOIN vouchers_redemption redemption ON redemption.id = capture.redemption_id
        JOIN vouchers_grant granted ON granted.id = redemption.grant_id
        JOIN vouchers_programme programme ON programme.id = granted.programme_id
        GROUP BY granted.owner_id, programme.id, redemption.year
        HAVING sum(capture.amount_fen) > programme.entity_year_cap_fen
    """,
    # Claims: what was redeemed is claimed once; what is accepted is approved, instructed and paid, to the fen.
    "no_redemption_in_two_claims": """
        SELECT redemption_id FROM vouchers_claimline WHERE kind = 'entry' AND status IN ('included', 'accepted')
        GROUP BY redemption_id, generation HAVING count(*) > 1
    """,
    "lines_equal_claims_equal_payments": """
        SELECT claim.id FROM vouchers_claim claim
        WHERE claim.approved_fen IS NOT NULL AND (
            claim.approved_fen <> (
                SELECT coalesce(sum(accepted_fen), 0) FROM vouchers_claimline WHERE claim_id = claim.id)
            OR claim.status IN ('paid', 'reconciled') AND claim.approved_fen <> (
                SELECT coalesce(sum(amount_fen + offset_fen), 0) FROM vouchers_payment
                WHERE claim_id = claim.id AND status = 'paid'))
    """,
    "no_more_paid_than_captured": """
        SELECT redemption.id FROM vouchers_redemption redemption
        JOIN vouchers_claimline line ON line.redemption_id = redemption.id
        GROUP BY redemption.id HAVING sum(line.accepted_fen) > redemption.captured_fen - redemption.refunded_fen
    """,
    # Clawbacks: what is demanded is what the cases name, and what is owed stands on the case's account.
    "clawbacks_demand_what_they_name": """
        SELECT clawback.id FROM vouchers_clawback clawback
        JOIN vouchers_clawbackitem item ON item.clawback_id = clawback.id
        WHERE clawback.demanded_at IS NOT NULL
        GROUP BY clawback.id HAVING clawback.principal_fen > sum(item.amount_fen)
    """,
    "clawbacks_owe_what_did_not_come_back": """
        SELECT clawback.id FROM vouchers_clawback clawback
        WHERE clawback.demanded_at IS NOT NULL
          AND clawback.principal_fen + clawback.interest_fen - clawback.recovered_fen - clawback.offset_fen <> (
            SELECT coalesce(sum(posting.amount_fen), 0) FROM ledger_posting posting
            WHERE posting.account_id = clawback.account_id)
    """,
    # Ledger: nothing from nothing.
    "ledger_sums_to_zero": "SELECT 1 FROM ledger_posting HAVING sum(amount_fen) <> 0",
    "every_transfer_sums_to_zero": """
        SELECT transfer_id FROM ledger_posting GROUP BY 1 HAVING sum(amount_fen) <> 0
    """,
    "balances_equal_postings": """
        SELECT balance.account_id FROM ledger_balance balance
        LEFT JOIN ledger_posting posting ON posting.account_id = balance.account_id
        GROUP BY balance.account_id, balance.posted_fen
        HAVING coalesce(sum(posting.amount_fen), 0) <> balance.posted_fen
    """,
    "no_wallet_is_overdrawn": "SELECT account_id FROM ledger_balance WHERE posted_fen - held_fen < floor_fen",
    "nothing_stays_held": """
        SELECT hold.id FROM ledger_hold hold JOIN billing_funding funding ON funding.wallet_hold_id = hold.id
        WHERE hold.status = 'pending' AND funding.status = 'closed'
        UNION ALL
        SELECT hold.id FROM ledger_hold hold JOIN billing_supplement added ON added.wallet_hold_id = hold.id
        JOIN billing_funding funding ON funding.id = added.funding_id
        WHERE hold.status = 'pending' AND funding.status = 'closed'
    """,
    # Capacity: no hour has more cards reserved than it has.
    "no_overbooked_hour": """
        SELECT reservation.offering_id, slot.hour FROM market_reservation reservation
        JOIN market_offering offering ON offering.id = reservation.offering_id
        CROSS JOIN LATERAL generate_series(
            reservation.starts_at, reservation.ends_at - interval '1 hour', interval '1 hour') AS slot (hour)
        LEFT JOIN market_calendarhour calendar
            ON calendar.offering_id = reservation.offering_id AND calendar.hour = slot.hour
        WHERE reservation.status <> 'released'
          AND (reservation.stopped_at IS NULL OR slot.hour < reservation.stopped_at)
        GROUP BY reservation.offering_id, slot.hour, offering.count, calendar.capacity
        HAVING sum(reservation.count) > coalesce(calendar.capacity, offering.count)
    """,
    # Auctions: what a batch says it is worth is what its matches are worth, and no more than its bound.
    "auctions_are_worth_their_matches": """
        SELECT batch.id FROM market_matchbatch batch
        LEFT JOIN market_match match ON match.batch_id = batch.id
        LEFT JOIN market_order wanted ON wanted.id = match.order_id
        WHERE batch.bound_micro IS NOT NULL
        GROUP BY batch.id
        HAVING batch.welfare_micro > batch.bound_micro OR batch.welfare_micro
            <> coalesce(sum((wanted.limit_micro - match.price_micro) * wanted.count * wanted.hours), 0)
    """,
    "no_order_above_its_limit": """
        SELECT match.id FROM market_match match JOIN market_order wanted ON wanted.id = match.order_id
        WHERE match.price_micro > wanted.limit_micro
    """,
}


def run() -> dict[str, bool]:
    """Return for each check whether it holds."""
    return {name: not _offenders(sql) for name, sql in CHECKS.items()}


def _offenders(sql: str) -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} LIMIT 1")
        return list(cursor.fetchall())
