"""The import contracts hold, and the kernel needs nothing of ours."""

import subprocess
import sys
from pathlib import Path

from config.runtime.places import CHECKOUT


def test_every_import_points_down() -> None:
    outcome = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 0, outcome.stdout
    assert "3 kept, 0 broken" in outcome.stdout


def test_the_rules_run_without_django() -> None:
    program = "import core.money, core.ids, core.errors, core.periods, sys; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, check=False).returncode == 0
