"""What the log says of each movement: ids, integers, instants and commitments; no names and no contracts."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Model

from accounts.models import Organization
from vouchers import canonical
from vouchers.models import Commitment, Grant, Movement, Programme, Redemption
from vouchers.services import claim_entries, first_ends
from vouchers.services.claim_entries import ClaimFact

VERSION = 1
T = TypeVar("T", bound=Model)
OF_HOLDS = """
SELECT hold.id, hold.key, redemption.held_at, redemption.closed_at
FROM ledger_hold hold LEFT JOIN vouchers_redemption redemption ON redemption.id = voucher_redemption_id(hold.key)
WHERE hold.id = ANY (%s)
"""
OF_VERSIONS = """
SELECT version.id, version.programme_id, version.number, version.published_at, version.ratio_bp,
    version.order_cap_fen, version.parameters,
    (version.parameters #>> '{caps,entity_annual_cap_fen}')::bigint AS entity_year_cap_fen
FROM vouchers_programmeversion version WHERE version.id = ANY (%s)
"""
OF_EXTENSIONS = "SELECT id, grant_id, until_at, decided_at FROM vouchers_extension WHERE id = ANY (%s)"
OF_FIRST_USES = "SELECT id, grant_id, until_at, used_at AS decided_at FROM vouchers_firstuse WHERE id = ANY (%s)"
OF_TRANSFERS = """
SELECT transfer.id, transfer.effective_at, transfer.key, of_hold.key AS held_by, capture.used_at,
    refund.redemption_id, account.code, clawback.grant_id, payment.claim_id,
    CASE transfer.kind
        WHEN 'voucher.remit' THEN least(appeal.remitted_principal_fen, transfer.amount_fen)
        WHEN 'voucher.restore' THEN appeal.remitted_principal_fen
            - least(appeal.remitted_principal_fen, clawback.remitted_fen - clawback.restored_fen)
        WHEN 'voucher.giveback' THEN 0 ELSE clawback.principal_fen END AS principal_fen
FROM ledger_transfer transfer
LEFT JOIN ledger_hold of_hold ON of_hold.id = transfer.hold_id
LEFT JOIN vouchers_capture capture ON transfer.kind = 'voucher.capture' AND capture.reference = substr(transfer.key, 9)
LEFT JOIN vouchers_refund refund ON transfer.kind = 'voucher.refund' AND refund.reference = substr(transfer.key, 8)
LEFT JOIN ledger_account account ON account.id = ANY (transfer.account_ids)
    AND account.code ~ CASE
        WHEN transfer.kind IN ('voucher.appropriate', 'voucher.raise', 'voucher.cut', 'voucher.forgo') THEN '^budget/'
        WHEN transfer.kind IN ('voucher.demand', 'voucher.recover', 'voucher.offset', 'voucher.remit') THEN '^clawback/'
        WHEN transfer.kind IN ('voucher.restore', 'voucher.giveback') THEN '^restitution/'
        ELSE '^grant/' END
LEFT JOIN vouchers_clawback clawback ON clawback.id = CASE
    WHEN account.code ~ '^(clawback|restitution)/' THEN split_part(account.code, '/', 2)::uuid END
LEFT JOIN vouchers_clawbackappeal appeal ON appeal.clawback_id = clawback.id
LEFT JOIN vouchers_clawbackrecovery recovery ON recovery.id = CASE
    WHEN transfer.kind = 'voucher.offset' THEN substr(transfer.key, 10)::bigint END
LEFT JOIN vouchers_paymentoffset part ON part.id = recovery.payment_offset_id
LEFT JOIN vouchers_payment payment ON payment.id = part.payment_id
WHERE transfer.id = ANY (%s)
"""


OF_CLAWBACKS = ("clawback", "restitution")
OF_TERMS = {"version": OF_VERSIONS, "extension": OF_EXTENSIONS, "first_use": OF_FIRST_USES}
SOURCES = {"hold": OF_HOLDS, **OF_TERMS, "transfer": OF_TRANSFERS}
OF_HOLD = dict.fromkeys(("hold", "release", "shrink"), "hold")
TABLES = OF_HOLD | {"version": "version", "extend": "extension", "begin": "first_use"}


class Fact(NamedTuple):
    """What a movement did, before it is written down."""

    movement: Movement
    programme_id: UUID | None
    grant_id: UUID | None
    redemption_id: UUID | None
    details: dict[str, Any]


class Entry(NamedTuple):
    """An entry without its place yet."""

    kind: str
    payload: bytes
    movement_id: int | None = None
    grant_id: UUID | None = None
    redemption_id: UUID | None = None
    claim_id: UUID | None = None


def of_movements(movements: Sequence[Movement]) -> list[Entry]:
    """Return an entry for each movement, in their order; a movement without its fact shows what there is of it."""
    of_claims = _of_claims([movement for movement in movements if movement.kind in claim_entries.KINDS])
    of_value = _of_value([movement for movement in movements if movement.kind not in claim_entries.KINDS])
    return [(of_claims | of_value)[movement.pk] for movement in movements]


def _of_claims(movements: Sequence[Movement]) -> dict[int, Entry]:
    if not movements:
        return {}
    sources = {True: "event", False: "transfer"}
    asked = {m.pk: (sources[m.kind in claim_entries.OF_EVENTS], m.source_id) for m in movements}
    events = [number for source, number in asked.values() if source == "event"]
    transfers = [number for source, number in asked.values() if source == "transfer"]
    facts = claim_entries.facts(events, transfers)
    claimants = _by_id(Organization, {fact.claimant_id for fact in facts.values()})
    commitments = _commitments({pk: {"credit_code": firm.credit_code} for pk, firm in claimants.items()})
    return {m.pk: _of_claim(m, facts.get(asked[m.pk]), commitments) for m in movements}


def _of_claim(movement: Movement, fact: ClaimFact | None, commitments: Mapping[UUID, str]) -> Entry:
    payload: dict[str, Any] = {"v": VERSION, "type": movement.kind, "amount_fen": movement.amount_fen}
    if fact is not None:
        payload |= fact.details | {"claimant": commitments[fact.claimant_id]}
    encoded = canonical.encode(payload)
    return Entry(movement.kind, encoded, movement.pk, claim_id=fact.claim_id if fact else None)


def _of_value(movements: Sequence[Movement]) -> dict[int, Entry]:
    rows = {
        (table, row["id"]): row
        for table, sql in SOURCES.items()
        for row in _rows(sql, [movement.source_id for movement in movements if _source(movement) == table])
    }
    facts = [_fact(movement, rows[_source(movement), movement.source_id]) for movement in movements]
    writer = _Writer(facts)
    return {fact.movement.pk: writer.entry(fact) for fact in facts}


def of_key(*, public: str, at: str) -> Entry:
    """Return the entry that names the key which signs from here on."""
    return Entry("key", canonical.encode({"v": VERSION, "type": "key", "key": public, "at": at}))


def _source(movement: Movement) -> str:
    """Return which table has the fact behind a movement."""
    return TABLES.get(movement.kind, "transfer")


def _rows(sql: str, ids: list[int]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [ids])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _fact(movement: Movement, row: Mapping[str, Any]) -> Fact:
    if _source(movement) in OF_TERMS:
        return _of_terms(movement, row)
    if _source(movement) == "hold":
        at = row["held_at"] if movement.kind == "hold" else row["closed_at"]
        redemption_id = _uuid(row["key"].partition("/")[2])
        return Fact(movement, None, None, redemption_id, {"at": at and canonical.instant(at)})
    details: dict[str, Any] = {"at": canonical.instant(row["effective_at"])}
    if row["used_at"]:
        details["used_at"] = canonical.instant(row["used_at"])
    account, _, subject = (row["code"] or "").partition("/")
    subject_id = _uuid(subject)
    if account in OF_CLAWBACKS:
        details |= {"clawback": subject, "principal_fen": row["principal_fen"] or 0}
        if row["claim_id"]:
            details["claim"] = str(row["claim_id"])
        return Fact(movement, None, row["grant_id"], None, details)
    held_by = _uuid((row["held_by"] or "").partition("/")[2])
    redemption_id = held_by if movement.kind == "capture" else row["redemption_id"]
    is_budget = account == "budget"
    return Fact(movement, subject_id if is_budget else None, None if is_budget else subject_id, redemption_id, details)


def _of_terms(movement: Movement, row: Mapping[str, Any]) -> Fact:
    """Return what moves no value and changes what may be done with it: a new version, another end of a grant."""
    if movement.kind == "version":
        return Fact(movement, row["programme_id"], None, None, _of_version(row))
    ends = {"at": canonical.instant(row["decided_at"]), "expires_at": canonical.instant(row["until_at"])}
    return Fact(movement, None, row["grant_id"], None, ends)


def _of_version(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limits of a new version, and a digest of all its parameters, which are public."""
    parameters = canonical.encode(json.loads(row["parameters"]))
    return {
        "at": canonical.instant(row["published_at"]),
        "version": row["number"],
        "ratio_bp": row["ratio_bp"],
        "order_cap_fen": row["order_cap_fen"],
        "entity_year_cap_fen": row["entity_year_cap_fen"],
        "parameters": hashlib.sha256(parameters).hexdigest(),
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


class _Writer:
    """Writes entries with what a batch needs of programmes, grants and redemptions, each read once."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        facts = list(facts)
        held = {fact.redemption_id for fact in facts if fact.movement.kind == "hold"}
        approved = {fact.grant_id for fact in facts if fact.movement.kind == "grant"}
        published = {fact.programme_id for fact in facts if fact.movement.kind == "appropriate"}
        self.redemptions = _by_id(Redemption, held)
        self.grants = _by_id(Grant, approved)
        self.first_ends, self.days = first_ends.of(self.grants), first_ends.days_of(self.grants)
        self.programmes = _by_id(Programme, published)
        owners = {grant.owner_id for grant in self.grants.values()}
        documents = {pk: {"credit_code": firm.credit_code} for pk, firm in _by_id(Organization, owners).items()}
        documents |= {pk: document_of(redemption) for pk, redemption in self.redemptions.items()}
        self.commitments = _commitments(documents)

    def entry(self, fact: Fact) -> Entry:
        movement = fact.movement
        payload = {"v": VERSION, "type": movement.kind, "amount_fen": movement.amount_fen, **fact.details}
        payload |= self._named(fact) | self._more(fact)
        encoded = canonical.encode(payload)
        return Entry(movement.kind, encoded, movement.pk, fact.grant_id or self._grant_id(fact), fact.redemption_id)

    def _named(self, fact: Fact) -> dict[str, str]:
        named = {"programme": fact.programme_id, "grant": fact.grant_id, "redemption": fact.redemption_id}
        if fact.movement.kind in ("capture", "refund"):
            del named["grant"]
        return {name: str(pk) for name, pk in named.items() if pk}

    def _grant_id(self, fact: Fact) -> UUID | None:
        redemption = self.redemptions.get(fact.redemption_id)
        return redemption.grant_id if redemption else None

    def _more(self, fact: Fact) -> dict[str, Any]:
        if fact.redemption_id in self.redemptions and fact.movement.kind == "hold":
            return self._of_redemption(self.redemptions[fact.redemption_id])
        if fact.grant_id in self.grants and fact.movement.kind == "grant":
            return self._of_grant(self.grants[fact.grant_id])
        if fact.programme_id in self.programmes:
            return _of_programme(self.programmes[fact.programme_id])
        return {}

    def _of_redemption(self, redemption: Redemption) -> dict[str, Any]:
        return {
            "grant": str(redemption.grant_id),
            "eligible_fen": redemption.eligible_fen,
            "year": redemption.year,
            "document": self.commitments[redemption.pk],
        }

    def _of_grant(self, grant: Grant) -> dict[str, Any]:
        return {
            "programme": str(grant.programme_id),
            **({} if grant.version == 1 else {"version": grant.version}),
            "entity": self.commitments[grant.owner_id],
            "expires_at": canonical.instant(ends) if (ends := self.first_ends[grant.pk]) else None,
            **({"days": days} if (days := self.days[grant.pk]) else {}),
        }


def document_of(redemption: Redemption) -> dict[str, Any]:
    """Return what the entry of a hold commits to: what it paid for, and the explanation of the award."""
    return {"reference": redemption.reference, "explanation": redemption.explanation}


def _of_programme(programme: Programme) -> dict[str, Any]:
    return {
        "code": programme.code,
        "ratio_bp": programme.ratio_bp,
        "entity_year_cap_fen": programme.entity_year_cap_fen,
        "order_cap_fen": programme.order_cap_fen,
        "grace_days": programme.grace_days,
    }


def _by_id(model: type[T], ids: Iterable[UUID | None]) -> dict[Any, T]:
    wanted = [pk for pk in ids if pk]
    return model._default_manager.in_bulk(wanted) if wanted else {}


def _commitments(documents: Mapping[UUID, Mapping[str, Any]]) -> dict[UUID, str]:
    """Return the commitment of each document; one that was committed to before keeps its salt."""
    kept = dict(Commitment.objects.filter(subject_id__in=list(documents)).values_list("subject_id", "digest"))
    made = []
    for subject_id in documents.keys() - kept.keys():
        salt = secrets.token_bytes(16)
        digest = canonical.commitment(salt=salt, document=documents[subject_id])
        made.append(Commitment(subject_id=subject_id, salt=salt, digest=digest))
        kept[subject_id] = digest
    Commitment.objects.bulk_create(made)
    return kept
