"""The evidence pack of a claim: what the platform itself can prove of every line, for machines and for people.

It is made once, when the claim is assembled, and kept under its digest: what an auditor opens years later is what the
approver saw.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min, Sum
from django.utils import translation
from django.utils.translation import gettext as _

from core.money import format_yuan
from vouchers import canonical, explanations, ports
from vouchers.models import Capture, Claim, ClaimLine, EvidencePack, PackKind
from vouchers.services.claims import evidence, typesetting

VERSION = 1
ONE_DAY = timedelta(days=1)
OFFICIAL = "zh-hans"


def make(*, claim: Claim, lines: Sequence[ClaimLine], at: datetime) -> None:
    """Make and keep the pack of a claim that has just been assembled."""
    with translation.override(OFFICIAL):
        document = _document(claim, lines)
        content = canonical.encode(document)
        pages = typesetting.pdf("claim", _pages(claim, document, hashlib.sha256(content).hexdigest()))
    kept = (
        (PackKind.JSON, evidence.keep(content=content, media_type=evidence.JSON, at=at)),
        (PackKind.PDF, evidence.keep(content=pages, media_type=evidence.PDF, at=at)),
    )
    EvidencePack.objects.bulk_create(EvidencePack(claim=claim, kind=kind, file=file, made_at=at) for kind, file in kept)


def _document(claim: Claim, lines: Sequence[ClaimLine]) -> dict[str, Any]:
    redemptions = [line.redemption for line in lines if line.redemption is not None]
    proofs = ports.deliveries().evidence_of(redemptions)
    used = _used([redemption.pk for redemption in redemptions])
    return {
        "v": VERSION,
        "claim": str(claim.pk),
        "number": claim.display_number,
        "programme": {"code": claim.programme.code, "name": claim.programme.name},
        "authority": _party(claim.programme.authority),
        "claimant": _party(claim.claimant),
        "claimed_by": str(claim.claimant_kind),
        "period": [claim.period_starts_on.isoformat(), claim.period_ends_on.isoformat()],
        "amount_fen": claim.amount_fen,
        "digest": claim.digest,
        "lines": [_line(line, proofs, used) for line in lines],
    }


def _party(organization: Any) -> dict[str, str]:
    return {"name": organization.name, "credit_code": organization.credit_code}


def _line(
    line: ClaimLine, proofs: Mapping[UUID, Mapping[str, Any]], used: Mapping[UUID, Mapping[str, Any]]
) -> dict[str, Any]:
    redemption = line.redemption
    found: dict[str, Any] = {
        "number": line.number,
        "kind": str(line.kind),
        "generation": line.generation,
        "buyer": _party(line.buyer),
        "provider": _party(line.provider) if line.provider else None,
        "contract_no": line.contract_no,
        "eligible_fen": line.eligible_fen,
        "amount_fen": line.amount_fen,
        "award": redemption.explanation if redemption else line.spending.get("explanation"),
    }
    if redemption is not None:
        found |= {
            "redemption": str(redemption.pk),
            "reference": redemption.reference,
            "captured_fen": redemption.captured_fen,
            "refunded_fen": redemption.refunded_fen,
            "captures": used.get(redemption.pk),
            "proof": dict(proofs.get(redemption.pk, {})),
        }
    return found


def _used(redemption_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    rows = Capture.objects.filter(redemption__in=redemption_ids).order_by().values("redemption_id")
    sums = rows.annotate(count=Count("pk"), amount=Sum("amount_fen"), first=Min("used_at"), last=Max("used_at"))
    return {
        row["redemption_id"]: {
            "count": row["count"],
            "amount_fen": int(row["amount"]),
            "first_used_at": canonical.instant(row["first"]),
            "last_used_at": canonical.instant(row["last"]),
        }
        for row in sums
    }


def _pages(claim: Claim, document: Mapping[str, Any], sha256: str) -> dict[str, Any]:
    programme, claimant = claim.programme, claim.claimant
    return {
        "labels": {
            "title": _("Evidence of a voucher claim"),
            "lines": _("Lines"),
            "columns": [_("No."), _("Buyer"), _("Provider"), _("Eligible (¥)"), _("Claimed (¥)")],
            "line": _("Line"),
            "total": _("Total (¥)"),
            "letter": _("Letter of commitment"),
            "footer": "SHA-256 (JSON)",
        },
        "number": claim.display_number,
        "sha256": sha256,
        "head": [
            [_("Programme"), f"{programme.name} ({programme.code})"],
            [_("Authority"), programme.authority.name],
            [_("Claimant"), f"{claimant.name} {claimant.credit_code}"],
            [_("Period"), f"{claim.period_starts_on} – {claim.period_ends_on - ONE_DAY}"],
            [_("Claimed (¥)"), format_yuan(claim.amount_fen)],
            [_("Digest of the lines"), claim.digest],
        ],
        "lines": [_page_line(line) for line in document["lines"]],
        "total": claim.amount_fen,
        "letter": letter(),
    }


def letter() -> str:
    """Return what a claimant signs by handing a claim in."""
    return _(
        "We vouch that the contracts, deliveries, invoices and payments named here are real, that nothing of them has "
        "been or will be claimed a second time from any public fund, that buyer and provider are no related parties, "
        "and that we return at once what was paid on a wrong statement."
    )


def _page_line(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": line["number"],
        "buyer": line["buyer"]["name"],
        "provider": (line["provider"] or {}).get("name", "–"),
        "eligible": line["eligible_fen"],
        "amount": line["amount_fen"],
        "facts": _facts(line),
    }


def _facts(line: Mapping[str, Any]) -> list[list[str]]:
    proof: Mapping[str, Any] = line.get("proof") or {}
    rows = [[_("Redemption"), f"{line.get('redemption', '–')} {line.get('reference', '')}"]]
    if line["contract_no"]:
        rows.append([_("Contract number"), line["contract_no"]])
    rows += [[_section(section["kind"]), "\n".join(section["texts"])] for section in proof.get("sections", [])]
    if line.get("captures"):
        used = line["captures"]
        rows.append(
            [
                _("Paid by the voucher"),
                _("%(count)d captures, ¥%(amount)s, used %(first)s – %(last)s")
                % {
                    "count": used["count"],
                    "amount": format_yuan(used["amount_fen"]),
                    "first": used["first_used_at"],
                    "last": used["last_used_at"],
                },
            ]
        )
    if line["award"]:
        rows.append([_("Calculation"), "\n".join(explanations.sentences(line["award"]))])
    return rows


def _section(kind: str) -> str:
    names = {
        "contract": _("Contract"),
        "usage": _("Proof of usage"),
        "invoice": _("Invoice"),
        "payment": _("Proof of payment"),
    }
    return names.get(kind, kind)
