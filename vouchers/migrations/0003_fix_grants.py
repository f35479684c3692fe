"""Fix what a grant is: whose, of which programme, how much, and once approved by whom and until when."""

from django.db import migrations

from core.triggers import never_deleted

FIX = """
CREATE TRIGGER grant_identity BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (
    (OLD.id, OLD.created_at, OLD.programme_id, OLD.owner_id, OLD.face_fen, OLD.proposed_by_id)
    IS DISTINCT FROM (NEW.id, NEW.created_at, NEW.programme_id, NEW.owner_id, NEW.face_fen, NEW.proposed_by_id)
)
EXECUTE FUNCTION voucher_refuse('a grant stays with its owner, at its face value');

CREATE TRIGGER grant_approved_once BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (
    OLD.status <> 'proposed'
    AND (OLD.approved_by_id, OLD.approved_at, OLD.expires_at, OLD.account_id)
    IS DISTINCT FROM (NEW.approved_by_id, NEW.approved_at, NEW.expires_at, NEW.account_id)
)
EXECUTE FUNCTION voucher_refuse('an approved grant keeps its approval and its expiry');

CREATE TRIGGER grant_moves_forward BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (
    OLD.status IN ('expired', 'revoked', 'rejected') AND NEW.status <> OLD.status
    OR OLD.status = 'active' AND NEW.status IN ('proposed', 'rejected')
)
EXECUTE FUNCTION voucher_refuse('a grant that is over stays over');
"""

UNFIX = """
DROP TRIGGER grant_moves_forward ON vouchers_grant;
DROP TRIGGER grant_approved_once ON vouchers_grant;
DROP TRIGGER grant_identity ON vouchers_grant;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0002_fix_published_rules")]

    operations = [migrations.RunSQL(FIX, UNFIX), never_deleted("vouchers_grant")]
