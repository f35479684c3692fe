"""Applications for the desk: a round of the world's programme, and firms that hand in."""

from datetime import timedelta
from io import BytesIO
from typing import Any

from accounts.models import Membership, Role, User
from accounts.services.audit import Actor
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.world import World
from vouchers.models import Application, Round
from vouchers.services.applications import documents, drafting, rounds, submitting

ASKED_FEN = 8_000_00
DAY = timedelta(days=1)
HANDED_IN = worlds.NOW - 2 * DAY
# A picture of one pixel, and a document of one line.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0f01f00050001ff"
    "ce3f2e2f0000000049454e44ae426082"
)


def opened(world: World, **procedure: Any) -> Round:
    """Open a round that officer 1 drafts and officer 2 opens."""
    named: dict[str, Any] = {
        "name": "2026 年第四季度",
        "opens_at": worlds.NOW - 10 * DAY,
        "closes_at": worlds.NOW + 20 * DAY,
        "method": "first_come",
        "reviewers": 1,
        "publicity_days": 0,
        "required_evidence": ["contract", "commitment"],
    }
    maker, checker = world.actor("officer1", world.authority), world.actor("officer2", world.authority)
    drafted = rounds.draft(programme=world.programme, actor=maker, at=HANDED_IN, **(named | procedure))
    return rounds.open_(procedure=drafted, actor=checker, at=HANDED_IN)


def handed_in(procedure: Round, number: int, *, contract: bytes = PNG, **content: Any) -> Application:
    """Let a new firm hand in an application with the evidence that its round asks for."""
    firm = scenes.buyer(f"成都样例企业{number:03d}有限公司")
    user = User.objects.create(username=f"applicant{number}")
    Membership.objects.create(user=user, organization=firm, role=Role.OWNER)
    actor = Actor(user=user, organization=firm)
    named = {"asked_fen": ASKED_FEN, "contract_no": f"HT-2026-{number:04d}", "purpose": "行业大模型微调与推理服务"}
    lines = [{"category": "GPU_TRAIN", "amount_fen": 80_000_00}, {"category": "STORAGE", "amount_fen": 5_000_00}]
    application = drafting.draft(
        procedure=procedure, applicant=firm, actor=actor, at=HANDED_IN, **(named | {"lines": lines} | content)
    )
    for kind, suffix in (("contract", "png"), ("commitment", "png")):
        if kind in procedure.required_evidence:
            file = BytesIO(contract).getvalue() + kind.encode() + str(number).encode()
            documents.upload(
                application=application, kind=kind, name=f"{kind}.{suffix}", content=file, actor=actor, at=HANDED_IN
            )
    return submitting.submit(application=application, actor=actor, at=HANDED_IN)
