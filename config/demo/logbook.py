"""Export the log of a rehearsal and verify it as a stranger would: in another process, without our code or database."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command

from vouchers.models import Log
from vouchers.services import checkpoints

VERIFIER = Path(settings.BASE_DIR) / "sdk" / "verify" / "suanyi_verify.py"


def verified(folder: Path) -> dict[str, Any]:
    """Return how many entries were exported, and whether the verifier found nothing wrong with them."""
    bundle, pub = folder / "log.zip", folder / "log.pub"
    call_command("export_log", out=bundle, pub=pub, stdout=io.StringIO())
    command = [sys.executable, "-I", str(VERIFIER), str(bundle), "--pub", str(pub)]
    done = subprocess.run(command, capture_output=True, check=False)
    last = checkpoints.latest(Log.objects.order_by("pk")[0])
    return {"entries": last.size if last else 0, "verified": done.returncode == 0}
