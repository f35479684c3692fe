"""Publish the rules of the auction by two people: one proposes them, another approves. Those from before stay."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

import core.fields
import core.ids
from core.triggers import never_deleted

SHARES = {
    "reserve_bp": "reserved for small firms and vouchers (basis points)",
    "ageing_bp": "weight of waiting, per auction (basis points)",
    "k_bp": "share of the limit above the ask (basis points)",
}
DECIDED = (
    Q(decided_at=None, decided_by=None, note="", status="proposed")
    | Q(
        decided_at__isnull=False,
        decided_at__lt=F("starts_at"),
        decided_by__isnull=False,
        note="",
        status="approved",
    )
    | Q(decided_at__isnull=False, decided_by__isnull=False, status="rejected") & ~Q(note="")
    | Q(decided_at__isnull=False, decided_by=None, note="", status="withdrawn")
)
KEEP = """
CREATE FUNCTION market_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;

CREATE TRIGGER auction_proposal_starts_proposed BEFORE INSERT ON market_auctionproposal
FOR EACH ROW WHEN (NEW.status <> 'proposed') EXECUTE FUNCTION market_refuse('rules are proposed first');

CREATE TRIGGER auction_proposal_decided_once BEFORE UPDATE ON market_auctionproposal
FOR EACH ROW WHEN (
    OLD.status <> 'proposed'
    OR to_jsonb(OLD) - '{status,decided_by_id,decided_at,note}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{status,decided_by_id,decided_at,note}'::text[]
)
EXECUTE FUNCTION market_refuse('a proposal stays what was proposed, and is decided once');

-- Rules are what another person approved, exactly, at the moment of the approval.
CREATE FUNCTION market_rules_are_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM market_auctionproposal proposal
        WHERE proposal.id = NEW.proposal_id AND proposal.status = 'approved'
            AND proposal.proposed_by_id <> NEW.published_by_id
            AND proposal.decided_by_id = NEW.published_by_id AND proposal.decided_at = NEW.published_at
            AND (proposal.starts_at, proposal.reserve_bp, proposal.ageing_bp, proposal.k_bp, proposal.grounds)
                = (NEW.starts_at, NEW.reserve_bp, NEW.ageing_bp, NEW.k_bp, NEW.grounds)
    ) THEN
        RAISE EXCEPTION 'rules of the auction are what another person approved'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'auction_rules_approved',
                TABLE = 'market_auctionrules';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER auction_rules_approved BEFORE INSERT ON market_auctionrules
FOR EACH ROW EXECUTE FUNCTION market_rules_are_approved();

CREATE FUNCTION market_approved_rules_exist() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM market_auctionrules WHERE proposal_id = NEW.id) THEN
        RAISE EXCEPTION 'what was approved is published with the approval'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'auction_proposal_publishes',
                TABLE = 'market_auctionproposal';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER auction_proposal_publishes AFTER UPDATE ON market_auctionproposal
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.status = 'approved')
EXECUTE FUNCTION market_approved_rules_exist();
"""
UNKEEP = """
DROP TRIGGER auction_proposal_publishes ON market_auctionproposal;
DROP FUNCTION market_approved_rules_exist();
DROP TRIGGER auction_rules_approved ON market_auctionrules;
DROP FUNCTION market_rules_are_approved();
DROP TRIGGER auction_proposal_decided_once ON market_auctionproposal;
DROP TRIGGER auction_proposal_starts_proposed ON market_auctionproposal;
DROP FUNCTION market_refuse();
"""


def person(label: str, *, null: bool) -> "models.ForeignKey[models.Model, models.Model]":
    """Return a reference to a person who acted."""
    protect = django.db.models.deletion.PROTECT
    return models.ForeignKey(
        null=null, on_delete=protect, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name=label
    )


class Migration(migrations.Migration):
    dependencies = [
        ("market", "0024_open_a_waiting_room_for_usage"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AuctionProposal",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("starts_at", models.DateTimeField(verbose_name="in effect from")),
                *((name, models.PositiveIntegerField(default=0, verbose_name=SHARES[name])) for name in SHARES),
                ("grounds", models.CharField(max_length=200, verbose_name="grounds")),
                ("proposed_at", models.DateTimeField(verbose_name="proposed at")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="why it was rejected")),
                ("decided_by", person("decided by", null=True)),
                ("proposed_by", person("proposed by", null=False)),
            ],
            options={
                "verbose_name": "proposed rules of the auction",
                "verbose_name_plural": "proposed rules of the auction",
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(status="proposed"), fields=("starts_at",), name="auction_proposal_once_at_a_time"
                    ),
                    models.CheckConstraint(condition=Q(reserve_bp__lte=5000), name="auction_proposal_reserve_half"),
                    models.CheckConstraint(condition=Q(ageing_bp__lte=10000), name="auction_proposal_ageing_a_share"),
                    models.CheckConstraint(condition=Q(k_bp__lte=10000), name="auction_proposal_k_a_share"),
                    models.CheckConstraint(condition=~Q(grounds=""), name="auction_proposal_has_grounds"),
                    models.CheckConstraint(
                        condition=Q(starts_at__gt=F("proposed_at")), name="auction_proposal_to_come"
                    ),
                    models.CheckConstraint(
                        condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")),
                        name="auction_proposal_maker_is_not_checker",
                    ),
                    models.CheckConstraint(condition=DECIDED, name="auction_proposal_decided"),
                ],
            },
        ),
        migrations.AddField(
            model_name="auctionrules",
            name="proposal",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rules",
                to="market.auctionproposal",
                verbose_name="proposal",
            ),
        ),
        migrations.RunSQL(KEEP, UNKEEP),
        never_deleted("market_auctionproposal"),
    ]
