"""Keep what the firms of some districts are granted of a budget within their pool, and what one provider gets within its share.

A pool counts what is proposed and granted. Whoever adds to one adds the pools up behind a lock that all of a programme share;
it is taken after the balance of the budget. An application counts for the grant that it becomes, less what that gave back.

A provider's share counts what grants pay for it: what it delivered, and all that is still held of spending for which it may
be chosen, so that choosing it later passes nothing. Only holds add to it, behind locks of the providers in their order,
after the other shared caps and before the ledger's balance.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

PIN = """
ALTER TABLE vouchers_grant DISABLE TRIGGER USER;
UPDATE vouchers_grant SET pool = NULL
WHERE id IN (SELECT grant_id FROM vouchers_application WHERE grant_id IS NOT NULL);
ALTER TABLE vouchers_grant ENABLE TRIGGER USER;

CREATE TRIGGER grant_keeps_its_pool BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (OLD.pool IS DISTINCT FROM NEW.pool)
EXECUTE FUNCTION voucher_refuse('a grant counts in the pool it came from');
"""

UNPIN = "DROP TRIGGER grant_keeps_its_pool ON vouchers_grant;"

POOLS = """
CREATE FUNCTION voucher_granted_fen(of_grant uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT granted.face_fen + coalesce((
        SELECT sum(posting.amount_fen)
        FROM ledger_posting posting JOIN ledger_transfer transfer ON transfer.id = posting.transfer_id
        WHERE posting.account_id = granted.account_id AND transfer.kind = 'voucher.revoke'
    ), 0)::bigint
    FROM vouchers_grant granted WHERE granted.id = of_grant
$$;

CREATE FUNCTION voucher_pools(of_programme uuid)
RETURNS TABLE (code text, districts jsonb, place bigint, cap_fen bigint, used_fen bigint) LANGUAGE sql STABLE AS $$
    WITH said AS (
        SELECT budget_fen, parameters #> '{money,pools}' AS pools FROM vouchers_programme WHERE id = of_programme
    ), named AS (
        SELECT pool ->> 'code' AS code, coalesce(pool -> 'districts', '[]') AS districts,
            (pool ->> 'amount_fen')::bigint AS cap_fen, place
        FROM said, jsonb_array_elements(pools) WITH ORDINALITY AS listed (pool, place)
    ), others AS (
        SELECT coalesce((SELECT code FROM named WHERE districts = '[]' ORDER BY place LIMIT 1), '') AS code
    ), counted AS (
        SELECT coalesce((
            SELECT named.code FROM named WHERE named.districts ? application.district ORDER BY place LIMIT 1
        ), others.code) AS code,
        CASE WHEN grant_id IS NULL THEN reserved_fen ELSE voucher_granted_fen(grant_id) END AS fen
        FROM vouchers_application application, others WHERE programme_id = of_programme AND reserved_fen > 0
        UNION ALL
        SELECT coalesce((SELECT named.code FROM named WHERE named.code = granted.pool), ''), voucher_granted_fen(id)
        FROM vouchers_grant granted
        WHERE programme_id = of_programme AND approved_at IS NOT NULL AND pool IS NOT NULL
    ), taken AS (
        SELECT counted.code, sum(fen)::bigint AS fen FROM counted GROUP BY counted.code
    ), pools AS (
        SELECT * FROM named
        UNION ALL
        SELECT '', '[]', budget_fen - (SELECT sum(named.cap_fen)::bigint FROM named), 0 FROM said
    )
    SELECT pools.code, pools.districts, pools.place, pools.cap_fen, coalesce(taken.fen, 0)
    FROM pools LEFT JOIN taken USING (code) WHERE EXISTS (SELECT FROM named)
$$;

CREATE FUNCTION voucher_pool_of(of_programme uuid, of_district text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT code FROM voucher_pools(of_programme) WHERE districts ? of_district OR districts = '[]'
    ORDER BY districts ? of_district DESC, code = '', place LIMIT 1
$$;

CREATE FUNCTION voucher_keep_pool(of_programme uuid, of_pool text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1103, hashtext(of_programme::text));
    IF EXISTS (SELECT FROM voucher_pools(of_programme) WHERE code = of_pool AND used_fen > cap_fen) THEN
        RAISE EXCEPTION 'an award passes its pool'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'award_within_pool', TABLE = 'vouchers_grant';
    END IF;
END $$;

CREATE FUNCTION voucher_has_pools(of_programme uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT jsonb_array_length(parameters #> '{money,pools}') > 0 FROM vouchers_programme WHERE id = of_programme
$$;

CREATE FUNCTION voucher_application_within_pool() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF voucher_has_pools(NEW.programme_id) THEN
        PERFORM voucher_keep_pool(NEW.programme_id, voucher_pool_of(NEW.programme_id, NEW.district));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER application_within_pool AFTER UPDATE OF reserved_fen ON vouchers_application
FOR EACH ROW WHEN (NEW.reserved_fen > OLD.reserved_fen) EXECUTE FUNCTION voucher_application_within_pool();

CREATE FUNCTION voucher_grant_within_pool() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF voucher_has_pools(NEW.programme_id) THEN
        PERFORM voucher_keep_pool(NEW.programme_id, NEW.pool);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER grant_within_pool AFTER UPDATE ON vouchers_grant
FOR EACH ROW WHEN (OLD.status = 'proposed' AND NEW.status = 'active' AND NEW.pool IS NOT NULL)
EXECUTE FUNCTION voucher_grant_within_pool();
"""

UNPOOLS = """
DROP TRIGGER grant_within_pool ON vouchers_grant;
DROP FUNCTION voucher_grant_within_pool();
DROP TRIGGER application_within_pool ON vouchers_application;
DROP FUNCTION voucher_application_within_pool();
DROP FUNCTION voucher_has_pools(uuid);
DROP FUNCTION voucher_keep_pool(uuid, text);
DROP FUNCTION voucher_pool_of(uuid, text);
DROP FUNCTION voucher_pools(uuid);
DROP FUNCTION voucher_granted_fen(uuid);
"""

REPEAT = """
ALTER TABLE vouchers_programmeversion DISABLE TRIGGER USER;
UPDATE vouchers_programmeversion SET provider_share_bp = (parameters #>> '{caps,provider_share_bp}')::integer;
ALTER TABLE vouchers_programmeversion ENABLE TRIGGER USER;

ALTER TABLE vouchers_programmeversion ADD CONSTRAINT version_provider_share_as_written CHECK (
    provider_share_bp IS NOT DISTINCT FROM (parameters #>> '{caps,provider_share_bp}')::integer
);
"""

UNREPEAT = "ALTER TABLE vouchers_programmeversion DROP CONSTRAINT version_provider_share_as_written;"

# What came back of a redemption is taken off the one provider that delivered; of several nobody knows whose it was.
SHARES = """
CREATE FUNCTION voucher_provider_shares(of_grant uuid, of_providers jsonb)
RETURNS TABLE (provider_id text, cap_fen bigint, used_fen bigint) LANGUAGE sql STABLE AS $$
    WITH mine AS (
        SELECT granted.programme_id, programme.budget_fen * version.provider_share_bp / 10000 AS cap_fen
        FROM vouchers_grant granted JOIN vouchers_programme programme ON programme.id = granted.programme_id
        JOIN vouchers_programmeversion version ON version.programme_id = granted.programme_id
            AND version.number = granted.version AND version.status = 'published'
        WHERE granted.id = of_grant AND version.provider_share_bp IS NOT NULL
    )
    SELECT named.id, mine.cap_fen, (
        SELECT coalesce(sum(
            CASE WHEN jsonb_array_length(redemption.explanation -> 'providers') = 1 THEN voucher_used_fen(redemption)
            ELSE CASE redemption.status WHEN 'held' THEN redemption.amount_fen - redemption.captured_fen ELSE 0 END + (
                SELECT coalesce(sum(amount_fen), 0) FROM vouchers_capture capture
                WHERE capture.redemption_id = redemption.id
                    AND (capture.provider_id IS NULL OR capture.provider_id::text = named.id)
            ) END
        ), 0)::bigint
        FROM vouchers_grant granted JOIN vouchers_redemption redemption ON redemption.grant_id = granted.id
        WHERE granted.programme_id = mine.programme_id AND redemption.explanation -> 'providers' ? named.id
    )
    FROM mine, jsonb_array_elements_text(of_providers) AS named (id)
$$;

CREATE FUNCTION voucher_lock_provider_shares(of_grant uuid, of_providers jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    number integer;
BEGIN
    FOR number IN
        SELECT hashtext(granted.programme_id || '/' || named.id)
        FROM vouchers_grant granted, jsonb_array_elements_text(of_providers) AS named (id)
        WHERE granted.id = of_grant ORDER BY 1
    LOOP
        PERFORM pg_advisory_xact_lock(1104, number);
    END LOOP;
END $$;

CREATE FUNCTION voucher_keep_provider_shares(of_grant uuid, of_providers jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM vouchers_grant granted JOIN vouchers_programmeversion version
            ON version.programme_id = granted.programme_id AND version.number = granted.version
            AND version.status = 'published' AND version.provider_share_bp IS NOT NULL
        WHERE granted.id = of_grant
    ) THEN
        RETURN;
    END IF;
    PERFORM voucher_lock_provider_shares(of_grant, of_providers);
    IF coalesce(jsonb_array_length(of_providers), 0) = 0 OR EXISTS (
        SELECT FROM voucher_provider_shares(of_grant, of_providers) WHERE used_fen > cap_fen
    ) THEN
        RAISE EXCEPTION 'a redemption passes the cap PROVIDER_SHARE'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'redemption_within_provider_share',
                TABLE = 'vouchers_redemption';
    END IF;
END $$;
"""

UNSHARES = """
DROP FUNCTION voucher_keep_provider_shares(uuid, jsonb);
DROP FUNCTION voucher_lock_provider_shares(uuid, jsonb);
DROP FUNCTION voucher_provider_shares(uuid, jsonb);
"""

IN_ONE_LOOK = import_module("vouchers.migrations.0029_admit_in_one_look")
GATE = IN_ONE_LOOK.GATE.replace(
    "version.combined_cap_fen) > 0", "version.combined_cap_fen, version.provider_share_bp) > 0"
)
ADMIT = IN_ONE_LOOK.ADMIT.replace(
    "    END IF;\n    RETURN NULL;",
    "        PERFORM voucher_keep_provider_shares(NEW.grant_id, NEW.explanation -> 'providers');\n"
    "    END IF;\n    RETURN NULL;",
)

TRY_BEFORE = import_module("vouchers.migrations.0024_keep_shared_caps").TRY
TRY = TRY_BEFORE.replace(
    "'redemption_within_shared_caps',", "'redemption_within_shared_caps', 'redemption_within_provider_share',"
)


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0029_admit_in_one_look")]

    operations = [
        migrations.AddField(
            model_name="grant",
            name="pool",
            field=models.CharField(
                default="", editable=False, max_length=40, null=True, verbose_name="pool of the budget"
            ),
        ),
        migrations.AddField(
            model_name="programmeversion",
            name="provider_share_bp",
            field=models.PositiveIntegerField(null=True, verbose_name="largest share of one provider (basis points)"),
        ),
        migrations.AddField(
            model_name="capture",
            name="provider",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organization",
                verbose_name="provider",
            ),
        ),
        migrations.RunSQL(PIN, UNPIN),
        migrations.RunSQL(POOLS, UNPOOLS),
        migrations.RunSQL(REPEAT, UNREPEAT),
        migrations.RunSQL(SHARES, UNSHARES),
        migrations.RunSQL(GATE, IN_ONE_LOOK.GATE),
        migrations.RunSQL(ADMIT, IN_ONE_LOOK.ADMIT),
        migrations.RunSQL(TRY, TRY_BEFORE),
    ]
