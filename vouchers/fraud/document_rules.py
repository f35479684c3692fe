"""Contracts and invoices that prove more than one claim. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from vouchers.fraud.facts import Document
from vouchers.fraud.suspicions import Rule, Suspicion, Weight

RULES = {"contract": Rule.DUPLICATE_CONTRACT, "invoice": Rule.DUPLICATE_INVOICE}


def duplicates(documents: Iterable[Document]) -> Iterator[Suspicion]:
    """Yield numbers that are used in more than one place, here or in another department's list."""
    used: dict[tuple[str, str], dict[str, Document]] = defaultdict(dict)
    for one in documents:
        used[one.kind, one.number][one.place] = one
    for (kind, number), places in used.items():
        ours = [one for one in places.values() if one.programme_id is not None]
        if len(places) < 2 or not ours:
            continue
        yield Suspicion(
            rule=RULES[kind],
            severity=Weight.HIGH,
            key=f"{RULES[kind]}/{number}/{len(places)}",
            evidence={"number": number, "places": sorted(places)},
            subject_id=ours[0].entity_id,
            programme_id=ours[0].programme_id,
            amount_fen=min(one.amount_fen for one in ours),
        )
