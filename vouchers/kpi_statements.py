"""The questions behind the figures of programmes: one statement each, so that the pages ask few."""

MONTHS = """
WITH happened AS (
    SELECT submitted_at AS at, 1 AS applications, 0 AS grants, 0 AS granted, 0 AS captured, 0 AS refunded, 0 AS paid
    FROM vouchers_application WHERE programme_id = ANY (%(ids)s) AND submitted_at IS NOT NULL
    UNION ALL
    SELECT approved_at, 0, 1, face_fen, 0, 0, 0
    FROM vouchers_grant WHERE programme_id = ANY (%(ids)s) AND approved_at IS NOT NULL
    UNION ALL
    SELECT capture.captured_at, 0, 0, 0, capture.amount_fen, 0, 0
    FROM vouchers_capture capture JOIN vouchers_redemption redemption ON redemption.id = capture.redemption_id
    JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id WHERE programme_id = ANY (%(ids)s)
    UNION ALL
    SELECT refund.refunded_at, 0, 0, 0, 0, refund.amount_fen, 0
    FROM vouchers_refund refund JOIN vouchers_redemption redemption ON redemption.id = refund.redemption_id
    JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id WHERE programme_id = ANY (%(ids)s)
    UNION ALL
    SELECT payment.settled_at, 0, 0, 0, 0, 0, payment.amount_fen
    FROM vouchers_payment payment JOIN vouchers_claim claim ON claim.id = payment.claim_id
    WHERE claim.programme_id = ANY (%(ids)s) AND payment.status = 'paid'
)
SELECT date_trunc('month', at AT TIME ZONE 'Asia/Shanghai')::date,
       sum(applications), sum(grants), sum(granted), sum(captured), sum(refunded), sum(paid),
       coalesce(sum(captured - refunded) FILTER (WHERE at >= %(pace_from)s), 0)
FROM happened WHERE at <= %(until)s GROUP BY 1 ORDER BY 1
"""

WAY = """
WITH used AS (
    SELECT redemption.grant_id, min(redemption.held_at) AS held_at, min(capture.captured_at) AS captured_at
    FROM vouchers_grant JOIN vouchers_redemption redemption ON redemption.grant_id = vouchers_grant.id
    LEFT JOIN vouchers_capture capture ON capture.redemption_id = redemption.id
    WHERE vouchers_grant.programme_id = ANY (%(ids)s) GROUP BY redemption.grant_id
), paid AS (
    SELECT redemption.grant_id, min(claim.paid_at) AS paid_at
    FROM vouchers_claimline line JOIN vouchers_claim claim ON claim.id = line.claim_id
    JOIN vouchers_redemption redemption ON redemption.id = line.redemption_id
    WHERE claim.programme_id = ANY (%(ids)s) AND claim.paid_at IS NOT NULL AND line.accepted_fen > 0 GROUP BY 1
), way AS (
    SELECT application.submitted_at AS applied_at, vouchers_grant.approved_at AS granted_at, used.held_at,
           used.captured_at, paid.paid_at, coalesce(application.asked_fen, 0) AS asked, vouchers_grant.face_fen AS face
    FROM (SELECT * FROM vouchers_grant WHERE programme_id = ANY (%(ids)s) AND approved_at IS NOT NULL) vouchers_grant
    FULL JOIN (SELECT * FROM vouchers_application
               WHERE programme_id = ANY (%(ids)s) AND submitted_at IS NOT NULL) application
        ON application.grant_id = vouchers_grant.id
    LEFT JOIN used ON used.grant_id = vouchers_grant.id
    LEFT JOIN paid ON paid.grant_id = vouchers_grant.id
    WHERE coalesce(application.submitted_at, vouchers_grant.approved_at) >= %(since)s
      AND coalesce(application.submitted_at, vouchers_grant.approved_at) < %(until)s
)
SELECT stage, count(*) FILTER (WHERE reached),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY tenths), percentile_disc(0.9) WITHIN GROUP (ORDER BY tenths)
FROM way CROSS JOIN LATERAL (VALUES
    (1, applied_at, NULL::timestamptz), (2, granted_at, applied_at), (3, held_at, granted_at),
    (4, captured_at, held_at), (5, paid_at, captured_at)
) step (stage, at, since)
CROSS JOIN LATERAL (
    SELECT at IS NOT NULL AS reached, floor(extract(epoch FROM at - since) / 8640)::bigint AS tenths
) derived
GROUP BY stage ORDER BY stage
"""

REACH = """
WITH firms AS (
    SELECT applicant_id AS firm_id, max(district) AS district, coalesce(max(facts ->> 'industry'), '') AS industry,
           0 AS grants, 0::bigint AS granted, 0::bigint AS redeemed
    FROM vouchers_application
    WHERE programme_id = ANY (%(ids)s) AND submitted_at >= %(since)s AND submitted_at < %(until)s GROUP BY 1
    UNION ALL
    SELECT owner_id, '', '', count(*), sum(face_fen), 0
    FROM vouchers_grant
    WHERE programme_id = ANY (%(ids)s) AND approved_at >= %(since)s AND approved_at < %(until)s GROUP BY 1
    UNION ALL
    SELECT owner_id, '', '', 0, 0, sum(moved.fen)
    FROM (
        SELECT redemption_id, amount_fen AS fen FROM vouchers_capture
        WHERE captured_at >= %(since)s AND captured_at < %(until)s
        UNION ALL
        SELECT redemption_id, -amount_fen FROM vouchers_refund
        WHERE refunded_at >= %(since)s AND refunded_at < %(until)s
    ) moved
    JOIN vouchers_redemption redemption ON redemption.id = moved.redemption_id
    JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id
    WHERE programme_id = ANY (%(ids)s) GROUP BY 1
), each AS (
    SELECT firm_id, max(district) AS district, max(industry) AS industry,
           sum(grants) AS grants, sum(granted) AS granted, sum(redeemed) AS redeemed
    FROM firms GROUP BY firm_id
)
SELECT CASE WHEN GROUPING(size) = 0 THEN 'size' WHEN GROUPING(district) = 0 THEN 'district'
            WHEN GROUPING(industry) = 0 THEN 'industry' ELSE 'city' END,
       coalesce(size, district, industry, city), count(*), count(*) FILTER (WHERE grants > 0), sum(granted),
       sum(redeemed)
FROM each JOIN accounts_organization firm ON firm.id = each.firm_id
GROUP BY GROUPING SETS ((size), (district), (industry), (city))
UNION ALL
SELECT 'qualification', stated.qualification, count(*), count(*) FILTER (WHERE grants > 0), sum(granted), sum(redeemed)
FROM each JOIN (
    SELECT DISTINCT applicant_id, jsonb_array_elements_text(facts -> 'qualifications') AS qualification
    FROM vouchers_application
    WHERE programme_id = ANY (%(ids)s) AND submitted_at >= %(since)s AND submitted_at < %(until)s
      AND jsonb_typeof(facts -> 'qualifications') = 'array'
) stated ON stated.applicant_id = each.firm_id
GROUP BY 2 ORDER BY 1, 5 DESC, 2
"""

OVERSIGHT = """
SELECT spent.spending, spent.subsidy, line.*, finding.*, clawback.*, application.*, first.*, log.*
FROM (
    SELECT coalesce(sum(div(eligible_fen::numeric * fen, amount_fen)), 0) AS spending,
           coalesce(sum(fen), 0) AS subsidy
    FROM (
        SELECT redemption.id, redemption.eligible_fen, redemption.amount_fen, sum(moved.fen) AS fen
        FROM (
            SELECT redemption_id, amount_fen AS fen FROM vouchers_capture
            WHERE captured_at >= %(since)s AND captured_at < %(until)s
            UNION ALL
            SELECT redemption_id, -amount_fen FROM vouchers_refund
            WHERE refunded_at >= %(since)s AND refunded_at < %(until)s
        ) moved
        JOIN vouchers_redemption redemption ON redemption.id = moved.redemption_id
        JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id
        WHERE programme_id = ANY (%(ids)s) GROUP BY redemption.id
    ) each
) spent, (
    SELECT count(*), count(*) FILTER (WHERE line.sampled), count(*) FILTER (WHERE line.sample_passed IS FALSE),
           coalesce(sum(line.amount_fen) FILTER (WHERE line.accepted_fen = 0), 0),
           count(*) FILTER (WHERE line.accepted_fen = 0)
    FROM vouchers_claimline line JOIN vouchers_claim claim ON claim.id = line.claim_id
    WHERE claim.programme_id = ANY (%(ids)s) AND claim.status <> 'withdrawn' AND line.kind = 'entry'
      AND claim.created_at >= %(since)s AND claim.created_at < %(until)s
) line, (
    SELECT count(*), count(*) FILTER (WHERE finding.status IN ('open', 'assigned')),
           count(*) FILTER (WHERE finding.status = 'upheld'),
           coalesce(sum(amount_fen) FILTER (WHERE finding.status = 'upheld'), 0)
    FROM vouchers_finding finding LEFT JOIN vouchers_grant ON vouchers_grant.id = finding.grant_id
    WHERE coalesce(finding.programme_id, vouchers_grant.programme_id) = ANY (%(ids)s)
      AND found_at >= %(since)s AND found_at < %(until)s
) finding, (
    SELECT count(*), count(*) FILTER (WHERE demanded_at IS NOT NULL),
           coalesce(sum(principal_fen + interest_fen - remitted_fen) FILTER (WHERE demanded_at IS NOT NULL), 0),
           coalesce(sum(recovered_fen + offset_fen - restored_fen), 0)
    FROM vouchers_clawback clawback JOIN vouchers_grant ON vouchers_grant.id = clawback.grant_id
    WHERE programme_id = ANY (%(ids)s) AND raised_at >= %(since)s AND raised_at < %(until)s
) clawback, (
    SELECT count(*), count(*) FILTER (WHERE status = 'granted'),
           count(*) FILTER (WHERE status IN ('rejected', 'lapsed')),
           count(*) FILTER (WHERE decided_at < decide_by),
           count(*) FILTER (WHERE decided_at >= decide_by
               OR decided_at IS NULL AND decide_by <= %(at)s AND status = ANY (%(undecided)s))
    FROM vouchers_application
    WHERE programme_id = ANY (%(ids)s) AND submitted_at >= %(since)s AND submitted_at < %(until)s
) application, (
    SELECT count(DISTINCT owner_id)
    FROM vouchers_grant JOIN (
        SELECT owner_id, min(approved_at) AS approved_at FROM vouchers_grant GROUP BY owner_id
    ) earliest USING (owner_id, approved_at)
    WHERE programme_id = ANY (%(ids)s) AND approved_at >= %(since)s AND approved_at < %(until)s
) first, (
    SELECT max(signed_at), max(size), (
        SELECT count(*) FROM vouchers_cosignature
        WHERE checkpoint_id = (SELECT id FROM vouchers_checkpoint ORDER BY signed_at DESC, id DESC LIMIT 1)
    ) FROM (SELECT signed_at, size FROM vouchers_checkpoint ORDER BY signed_at DESC, id DESC LIMIT 1) latest
) log
"""
