"""Keep applications on their way, what was handed in as it was, and the budget of a round the sum of its awards.

Budget is taken in one order: the ledger's balance first, then the round's counter, which the trigger on applications moves.
"""

from django.db import migrations

from core.triggers import append_only, never_deleted

ROUNDS = """
CREATE TRIGGER round_starts_empty BEFORE INSERT ON vouchers_round
FOR EACH ROW WHEN (NEW.status <> 'draft' OR NEW.committed_fen <> 0)
EXECUTE FUNCTION voucher_refuse('a round starts as a draft');

CREATE TRIGGER round_fixed_once_open BEFORE UPDATE ON vouchers_round
FOR EACH ROW WHEN (
    OLD.status <> 'draft'
    AND to_jsonb(OLD) - '{status,committed_fen,seed,allocated_by_id,allocated_at}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{status,committed_fen,seed,allocated_by_id,allocated_at}'::text[]
)
EXECUTE FUNCTION voucher_refuse('the procedure of an open round is fixed');

CREATE TRIGGER round_moves_forward BEFORE UPDATE OF status ON vouchers_round
FOR EACH ROW WHEN (
    OLD.status <> NEW.status
    AND (OLD.status, NEW.status) NOT IN (('draft', 'open'), ('open', 'closed'), ('closed', 'allocated'))
)
EXECUTE FUNCTION voucher_refuse('a round moves forward');

CREATE TRIGGER round_committed_by_awards BEFORE UPDATE OF committed_fen ON vouchers_round
FOR EACH ROW WHEN (OLD.committed_fen <> NEW.committed_fen AND pg_trigger_depth() = 0)
EXECUTE FUNCTION voucher_refuse('only awards count');
"""

UNROUNDS = """
DROP TRIGGER round_committed_by_awards ON vouchers_round;
DROP TRIGGER round_moves_forward ON vouchers_round;
DROP TRIGGER round_fixed_once_open ON vouchers_round;
DROP TRIGGER round_starts_empty ON vouchers_round;
"""

APPLICATIONS = """
CREATE FUNCTION voucher_application_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'draft' OR NOT EXISTS (
        SELECT FROM vouchers_round WHERE id = NEW.round_id AND programme_id = NEW.programme_id
    ) THEN
        RAISE EXCEPTION 'an application begins as a draft in a round of its programme'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'application_begins_in_its_round';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER application_begins_in_its_round BEFORE INSERT ON vouchers_application
FOR EACH ROW EXECUTE FUNCTION voucher_application_begin();

CREATE TRIGGER application_identity BEFORE UPDATE ON vouchers_application
FOR EACH ROW WHEN (
    (OLD.id, OLD.created_at, OLD.round_id, OLD.programme_id, OLD.applicant_id, OLD.drafted_by_id)
    IS DISTINCT FROM (NEW.id, NEW.created_at, NEW.round_id, NEW.programme_id, NEW.applicant_id, NEW.drafted_by_id)
)
EXECUTE FUNCTION voucher_refuse('an application stays in its round and with its applicant');

CREATE TRIGGER application_content_fixed BEFORE UPDATE ON vouchers_application
FOR EACH ROW WHEN (
    OLD.status NOT IN ('draft', 'supplement')
    AND (OLD.provider_id, OLD.district, OLD.purpose, OLD.contract_no, OLD.contract_key, OLD.contract_signed_on,
         OLD.lines, OLD.asked_fen, OLD.submitted_by_id, OLD.submitted_at)
    IS DISTINCT FROM
    (NEW.provider_id, NEW.district, NEW.purpose, NEW.contract_no, NEW.contract_key, NEW.contract_signed_on,
     NEW.lines, NEW.asked_fen, NEW.submitted_by_id, NEW.submitted_at)
)
EXECUTE FUNCTION voucher_refuse('what was handed in stays as it was');

CREATE TRIGGER application_moves_as_allowed BEFORE UPDATE OF status ON vouchers_application
FOR EACH ROW WHEN (OLD.status <> NEW.status AND NOT CASE OLD.status
        WHEN 'draft' THEN NEW.status IN ('submitted', 'withdrawn')
        WHEN 'submitted' THEN NEW.status IN ('district_review', 'review_1', 'review_2', 'panel', 'waitlisted', 'proposed', 'rejected', 'withdrawn')
        WHEN 'district_review' THEN NEW.status IN ('review_1', 'review_2', 'panel', 'supplement', 'waitlisted', 'proposed', 'rejected', 'withdrawn')
        WHEN 'review_1' THEN NEW.status IN ('review_2', 'panel', 'supplement', 'waitlisted', 'proposed', 'rejected', 'withdrawn')
        WHEN 'review_2' THEN NEW.status IN ('panel', 'supplement', 'waitlisted', 'proposed', 'rejected', 'withdrawn')
        WHEN 'panel' THEN NEW.status IN ('supplement', 'waitlisted', 'proposed', 'rejected', 'withdrawn')
        WHEN 'supplement' THEN NEW.status IN ('district_review', 'review_1', 'review_2', 'panel', 'withdrawn', 'lapsed')
        WHEN 'waitlisted' THEN NEW.status IN ('proposed', 'rejected', 'withdrawn', 'lapsed')
        WHEN 'proposed' THEN NEW.status IN ('waitlisted', 'publicity', 'approved', 'rejected', 'withdrawn')
        WHEN 'publicity' THEN NEW.status IN ('objected', 'approved', 'rejected', 'withdrawn')
        WHEN 'objected' THEN NEW.status IN ('district_review', 'review_1', 'review_2', 'panel', 'publicity', 'rejected', 'withdrawn')
        WHEN 'approved' THEN NEW.status IN ('granted', 'rejected', 'withdrawn')
        WHEN 'granted' THEN false
        WHEN 'rejected' THEN NEW.status IN ('district_review', 'review_1', 'review_2', 'panel', 'waitlisted')
        WHEN 'withdrawn' THEN false
        WHEN 'lapsed' THEN false
        ELSE false END)
EXECUTE FUNCTION voucher_refuse('an application does not move like this');

CREATE FUNCTION voucher_belongs_to(person uuid, application vouchers_application) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (
    SELECT FROM accounts_membership
    WHERE user_id = person AND organization_id IN (application.applicant_id, application.provider_id)
);

CREATE FUNCTION voucher_application_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF voucher_belongs_to(NEW.approved_by_id, NEW) OR voucher_belongs_to(NEW.rejected_by_id, NEW) THEN
        RAISE EXCEPTION 'nobody decides on an application of their own organisation'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'application_decided_by_a_stranger';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER application_decided_by_a_stranger BEFORE UPDATE ON vouchers_application
FOR EACH ROW WHEN (
    (OLD.approved_by_id, OLD.rejected_by_id) IS DISTINCT FROM (NEW.approved_by_id, NEW.rejected_by_id)
)
EXECUTE FUNCTION voucher_application_decided();

CREATE FUNCTION voucher_round_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vouchers_round SET committed_fen = committed_fen + NEW.reserved_fen - OLD.reserved_fen
    WHERE id = NEW.round_id;
    RETURN NULL;
END $$;

CREATE TRIGGER application_commits_its_round AFTER UPDATE OF reserved_fen ON vouchers_application
FOR EACH ROW WHEN (OLD.reserved_fen <> NEW.reserved_fen) EXECUTE FUNCTION voucher_round_commit();
"""

UNAPPLICATIONS = """
DROP TRIGGER application_commits_its_round ON vouchers_application;
DROP FUNCTION voucher_round_commit();
DROP TRIGGER application_decided_by_a_stranger ON vouchers_application;
DROP FUNCTION voucher_application_decided();
DROP FUNCTION voucher_belongs_to(uuid, vouchers_application);
DROP TRIGGER application_moves_as_allowed ON vouchers_application;
DROP TRIGGER application_content_fixed ON vouchers_application;
DROP TRIGGER application_identity ON vouchers_application;
DROP TRIGGER application_begins_in_its_round ON vouchers_application;
DROP FUNCTION voucher_application_begin();
"""

FACTS = """
CREATE FUNCTION voucher_review_admit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    application vouchers_application;
BEGIN
    SELECT * INTO application FROM vouchers_application WHERE id = NEW.application_id;
    IF NEW.reviewer_id IN (application.submitted_by_id, application.drafted_by_id)
        OR voucher_belongs_to(NEW.reviewer_id, application) THEN
        RAISE EXCEPTION 'nobody reviews what they or their organisation handed in'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'review_by_a_stranger';
    END IF;
    IF NEW.cycle <> application.cycle OR NEW.stage <> application.status THEN
        RAISE EXCEPTION 'a review is of the stage at which the application stands'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'review_of_the_present_stage';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER review_by_a_stranger BEFORE INSERT ON vouchers_review
FOR EACH ROW EXECUTE FUNCTION voucher_review_admit();

CREATE TRIGGER application_document_fixed BEFORE UPDATE ON vouchers_applicationdocument
FOR EACH ROW WHEN (
    to_jsonb(OLD) - '{withdrawn_at,salt}'::text[] IS DISTINCT FROM to_jsonb(NEW) - '{withdrawn_at,salt}'::text[]
    OR OLD.withdrawn_at IS NOT NULL AND OLD.withdrawn_at IS DISTINCT FROM NEW.withdrawn_at
)
EXECUTE FUNCTION voucher_refuse('a document stays what it was');

CREATE TRIGGER objection_decided_once BEFORE UPDATE ON vouchers_objection
FOR EACH ROW WHEN (OLD.decided_at IS NOT NULL) EXECUTE FUNCTION voucher_refuse('the objection is decided');

CREATE TRIGGER appeal_decided_once BEFORE UPDATE ON vouchers_appeal
FOR EACH ROW WHEN (OLD.decided_at IS NOT NULL) EXECUTE FUNCTION voucher_refuse('the appeal is decided');
"""

UNFACTS = """
DROP TRIGGER appeal_decided_once ON vouchers_appeal;
DROP TRIGGER objection_decided_once ON vouchers_objection;
DROP TRIGGER application_document_fixed ON vouchers_applicationdocument;
DROP TRIGGER review_by_a_stranger ON vouchers_review;
DROP FUNCTION voucher_review_admit();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0010_applications")]

    operations = [
        migrations.RunSQL(ROUNDS, UNROUNDS),
        migrations.RunSQL(APPLICATIONS, UNAPPLICATIONS),
        migrations.RunSQL(FACTS, UNFACTS),
        never_deleted("vouchers_round"),
        never_deleted("vouchers_application"),
        never_deleted("vouchers_applicationdocument"),
        never_deleted("vouchers_objection"),
        never_deleted("vouchers_appeal"),
        append_only("vouchers_review"),
        append_only("vouchers_step"),
    ]
