"""Keep every parameter of a programme in one JSON column, and let the columns beside it say the same.

The columns stay because constraints, triggers and lists read them. Programmes that exist already get the parameters that
their columns say; what was never asked of them stays at its default, so that they pay exactly what they paid.
"""

from django.db import migrations, models

import vouchers.models.parameters

FILL = """
ALTER TABLE vouchers_programme DISABLE TRIGGER programme_rules_fixed;
ALTER TABLE vouchers_programme DISABLE TRIGGER programme_moves_forward;

UPDATE vouchers_programme SET parameters = jsonb_build_object(
    'identity', jsonb_build_object('code', code, 'name', name, 'mode', mode, 'opens_on', opens_on,
        'closes_on', closes_on, 'source', source),
    'money', jsonb_build_object('budget_fen', budget_fen, 'min_award_fen', min_award_fen,
        'min_grant_fen', min_grant_fen, 'round_unit_fen', round_unit_fen),
    'award', jsonb_build_object('eligible_categories', to_jsonb(eligible_categories),
        'tiers', jsonb_build_array(jsonb_build_object('code', 'BASE', 'bp', ratio_bp))),
    'caps', jsonb_build_object('entity_annual_cap_fen', entity_year_cap_fen, 'order_cap_fen', order_cap_fen),
    'providers', jsonb_build_object('registry', CASE WHEN open_registry THEN 'OPEN' ELSE 'LIST' END),
    'redemption', jsonb_build_object('partial_when_short', partial_when_short),
    'validity', jsonb_build_object('days', validity_days, 'grace_days', grace_days));

ALTER TABLE vouchers_programme ENABLE TRIGGER programme_moves_forward;
ALTER TABLE vouchers_programme ENABLE TRIGGER programme_rules_fixed;
"""

# The largest share an award can be: the same as Award.ceiling_bp in Python.
AGREE = """
CREATE FUNCTION voucher_ceiling_bp(award jsonb) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT CASE WHEN award->>'select' = 'SUM_CAPPED'
        THEN least((award->>'sum_cap_bp')::integer, sum((tier->>'bp')::integer)::integer)
        ELSE max((tier->>'bp')::integer) END
    FROM jsonb_array_elements(award->'tiers') AS tier
);

ALTER TABLE vouchers_programme ADD CONSTRAINT programme_columns_agree CHECK (
    (parameters #>> '{identity,code}', parameters #>> '{identity,name}', parameters #>> '{identity,mode}',
     (parameters #>> '{identity,opens_on}'), (parameters #>> '{identity,closes_on}'),
     coalesce(parameters #>> '{identity,source}', ''))
    IS NOT DISTINCT FROM (code::text, name::text, mode::text, to_char(opens_on, 'YYYY-MM-DD'),
     to_char(closes_on, 'YYYY-MM-DD'), source)
    AND ((parameters #>> '{money,budget_fen}')::bigint, (parameters #>> '{money,min_award_fen}')::bigint,
     (parameters #>> '{money,min_grant_fen}')::bigint, (parameters #>> '{money,round_unit_fen}')::integer)
    IS NOT DISTINCT FROM (budget_fen, min_award_fen, min_grant_fen, round_unit_fen)
    AND ((parameters #>> '{caps,entity_annual_cap_fen}')::bigint, (parameters #>> '{caps,order_cap_fen}')::bigint)
    IS NOT DISTINCT FROM (entity_year_cap_fen, order_cap_fen)
    AND ((parameters #>> '{validity,days}')::integer, (parameters #>> '{validity,grace_days}')::integer,
     (parameters #>> '{redemption,partial_when_short}')::boolean, (parameters #>> '{providers,registry}') = 'OPEN')
    IS NOT DISTINCT FROM (validity_days, grace_days, partial_when_short, open_registry)
    AND voucher_ceiling_bp(parameters->'award') IS NOT DISTINCT FROM ratio_bp
    AND parameters #> '{award,eligible_categories}' = to_jsonb(eligible_categories)
);
"""

DISAGREE = """
ALTER TABLE vouchers_programme DROP CONSTRAINT programme_columns_agree;
DROP FUNCTION voucher_ceiling_bp(jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0008_officers_keep_their_duties")]

    operations = [
        migrations.AddField(
            model_name="programme",
            name="mode",
            field=models.CharField(
                choices=[
                    ("INSTANT_DEDUCT", "Deducted at checkout"),
                    ("GRANT_THEN_CLAIM", "Granted for a contract, claimed after paying"),
                    ("REIMBURSE", "Reimbursed after use"),
                ],
                default="INSTANT_DEDUCT",
                max_length=20,
                verbose_name="flow of money",
            ),
        ),
        migrations.AddConstraint(
            model_name="programme",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["INSTANT_DEDUCT", "GRANT_THEN_CLAIM", "REIMBURSE"])),
                name="programme_mode_known",
            ),
        ),
        migrations.AddField(
            model_name="programme",
            name="parameters",
            field=vouchers.models.parameters.ParametersField(default=dict, editable=False, verbose_name="parameters"),
            preserve_default=False,
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(AGREE, DISAGREE),
    ]
