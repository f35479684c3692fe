"""The pages of programmes in a real browser, wide and narrow: dashboards, versions, the simulator, rounds."""

from datetime import date
from typing import Any

from django.urls import reverse

from billing.services import simulations as players
from tests.journeys.test_portal_pages import Enter, _still_clock, chromium, come_in, enter, world  # noqa: F401 - fixtures
from tests.portal import filing
from tests.portal import world as worlds
from tests.portal.world import World
from vouchers.models import ProgrammeVersion, Simulation
from vouchers.parameters import codec
from vouchers.services import simulations, versions


def test_the_pages_of_programmes_fit_their_window(world: World, come_in: Enter, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    worlds.place(world, at=worlds.NOW)
    ranked = filing.opened(world, method="batch", reviewers=0, required_evidence=[], budget_fen=20_000_00, partly=True)
    for number in range(1, 5):
        filing.handed_in(ranked, number, district=worlds.DISTRICT)
    version = _drafted(world)
    visitor = come_in("officer1")
    pair = f"?before={version.supersedes_id}&after={version.pk}"

    for title, address in {
        "desk-programmes-bars": reverse("portal:programmes"),
        "desk-programme-board": reverse("portal:programme", args=[world.programme.pk]),
        "desk-versions": reverse("portal:versions", args=[world.programme.pk]) + pair,
        "desk-version": reverse("portal:version", args=[world.programme.pk, version.pk]),
        "desk-version-new": reverse("portal:version-new", args=[world.programme.pk]),
        "desk-version-json": reverse("portal:version-import", args=[world.programme.pk]),
        "desk-rounds": reverse("portal:rounds-desk"),
        "desk-round-new": reverse("portal:round-new", args=[world.programme.pk]),
        "desk-round": reverse("portal:round-desk", args=[ranked.pk]),
        "desk-simulations": reverse("portal:simulations"),
        "desk-simulation-new": reverse("portal:simulation-new", args=[world.programme.pk]),
        "desk-simulation": reverse("portal:simulation", args=[_played(world, version).pk]),
        "desk-programme-new": reverse("portal:programme-new"),
    }.items():
        visitor.page.goto(address)
        for closed in visitor.page.locator("main details:not([open])").all()[:3]:
            closed.locator("summary").click()
        visitor.look_here(title)


def _played(world: World, version: ProgrammeVersion) -> Simulation:
    period: dict[str, Any] = {"first_on": date(2026, 9, 1), "closes_on": date(2026, 10, 1)}
    asked = simulations.ask(
        programme=world.programme,
        parameters=version.parameters,
        version=version,
        actor=world.actor("officer1", world.authority),
        at=worlds.NOW,
        **period,
    )
    players.play_waiting(clock=lambda: worlds.NOW)
    return asked


def _drafted(world: World) -> ProgrammeVersion:
    changes = {
        "money.budget_fen": 1_500_000_00,
        "award.tiers": [
            {"code": "BASE", "bp": 3_000},
            {"code": "SME", "bp": 5_000, "when": {"op": "is", "fact": "is_sme"}},
        ],
        "caps.order_cap_fen": None,
        "allocation.publicity_days": 5,
    }
    return versions.draft(
        programme=world.programme,
        parameters=codec.changed(world.programme.parameters, changes),
        reason="扩大中小企业覆盖面",
        actor=world.actor("officer1", world.authority),
        at=worlds.NOW,
    )
