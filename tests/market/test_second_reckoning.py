"""Standard card-hours, the price index and reputations, reckoned twice: by us, and from the documents alone."""

from datetime import datetime, timedelta
from math import prod
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Membership, Role
from accounts.services import relations
from accounts.services.audit import SYSTEM
from core.periods import HOUR, date_of, midnight
from market import measure
from market.measure import STANDARD, Component, Density, Figure, Kind, Metric, Recipe, Scenario
from market.models import (
    Accelerator,
    Category,
    Downtime,
    IndexValue,
    MeteredHour,
    Offering,
    Reputation,
    Reservation,
    StandardMeasure,
)
from market.models import Figure as Kept
from market.selectors.measures import with_measures
from market.services import candles, figures, indices, reputations, tape
from tests.market import reckoning, scenes
from tests.market.reckoning import DAY, OTHERS, SCENARIOS, Deal, Known, Service
from tests.market.scenes import AT

TODAY = date_of(AT)
MINUTE = timedelta(minutes=1)
SEEDS = st.integers(0, 2**32)


def randomly(chance: Random) -> list[Known]:
    """Return figures of a card: measured or only published, dense or sparse, old, good or not yet."""
    metrics = [*(metric for precisions, _w, _r in SCENARIOS.values() for metric in precisions), *OTHERS]
    made = {}
    for metric in metrics:
        for _one in range(chance.choice([0, 1, 1, 2, 3])):
            measured, sparse = chance.random() < 0.4, metric not in OTHERS and chance.random() < 0.2
            dated_on = TODAY - chance.choice([-1, 0, 1, 30]) * DAY
            expires_on = dated_on + chance.choice([1, 2, 31, 90]) * DAY if measured else None
            value = chance.choice([chance.randrange(1, 50), chance.randrange(1, 10**7)])
            made[metric, measured, sparse, dated_on] = Known(metric, measured, sparse, value, dated_on, expires_on)
    return list(made.values())


def ours(one: Known) -> Figure:
    rated = Density.SPARSE if one.sparse else Density.DENSE
    density = Density.NONE if one.metric in OTHERS else rated
    kind = Kind.MEASURED if one.measured else Kind.PUBLISHED
    return Figure(Metric(one.metric), kind, density, one.value, one.dated_on, one.expires_on)


def figures_of(names: list[Metric], values: list[int]) -> list[Figure]:
    known = [Known(name, True, False, value, TODAY, None) for name, value in zip(names, values, strict=True)]
    return [ours(one) for one in known]


def keep(card: Accelerator, known: list[Known]) -> None:
    """Write figures down as the reference tables and measurements do."""
    facts = [ours(one) for one in known]
    Kept.objects.bulk_create(
        Kept(
            accelerator=card,
            metric=fact.metric.value,
            kind=fact.kind.value,
            density=fact.density.value,
            value=fact.value,
            source="x",
            dated_on=fact.dated_on,
            expires_on=fact.expires_on,
        )
        for fact in facts
    )


@settings(max_examples=200)
@given(seed=SEEDS)
def test_a_card_is_worth_what_the_document_says(seed):
    known = randomly(Random(seed))

    for scenario in SCENARIOS:
        found = measure.measure(map(ours, known), recipe=STANDARD.recipes[Scenario(scenario)], on=TODAY)

        assert (found.status.value, found.ppm) == reckoning.measured(known, scenario, TODAY)


@settings(max_examples=50)
@given(seed=SEEDS)
def test_no_choice_of_the_reference_card_puts_a_worse_card_first(seed):
    chance = Random(seed)
    recipe = STANDARD.recipes[chance.choice(list(Scenario))]
    names = [Metric(one) for one in (recipe.precisions[0], *OTHERS)]
    cards = [[chance.randrange(1, 10**6) for _name in names] for _card in range(6)]
    exact = {
        n: prod(x ** recipe.weights[c] for c, x in zip(Component, card, strict=True)) for n, card in enumerate(cards)
    }

    for _reference in range(3):
        reference = {component: chance.randrange(1, 10**6) for component in Component}
        other = Recipe(recipe.precisions, recipe.weights, reference)
        made = [
            [ours(Known(n, True, False, x, TODAY, None)) for n, x in zip(names, card, strict=True)] for card in cards
        ]
        ppm = [measure.measure(facts, recipe=other, on=TODAY).ppm for facts in made]

        ranked = [ppm[number] for number in sorted(range(6), key=exact.__getitem__)]
        assert ranked == sorted(ranked)


def test_measures_and_prices_that_are_shown_are_what_the_document_says(db):
    chance, known = Random(1), {}
    for number in range(12):
        card = scenes.accelerator(f"random-{number}")
        known[card] = randomly(chance)
        keep(card, known[card])
    owner = scenes.provider()
    for card, category in zip(known, [Category.HPC, Category.GPU_TRAIN, Category.GPU_INFER] * 4, strict=True):
        scenes.listed(owner, card, category=category, price_micro=chance.randrange(1, 9_000_000))

    for on in (TODAY, TODAY + DAY, TODAY + 40 * DAY):
        figures.refresh_measures(on=on)

        for row in StandardMeasure.objects.filter(accelerator__in=known).select_related("accelerator"):
            assert (row.status, row.ppm) == reckoning.measured(known[row.accelerator], row.scenario, on)
        for offering in with_measures(Offering.objects.filter(provider=owner)):
            ppm = offering.sch_ppm
            assert offering.sch_micro == (reckoning.per_standard_hour(offering.price_micro, ppm) if ppm else None)


class Tape:
    """Sellers and buyers who trade two cards at two hubs for some days, some of them related."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.cards = {scenes.accelerator(): None, scenes.accelerator(): self.chance.choice([None, 333_333, 2_000_000])}
        self.cards = {card: ppm or self.chance.choice([None, 777_777]) for card, ppm in self.cards.items()}
        for card, ppm in self.cards.items():
            if ppm:
                terms = {"scenario": "train-fp16", "status": "measured", "version": "v", "computed_on": TODAY}
                StandardMeasure.objects.create(accelerator=card, ppm=ppm, **terms)
        self.sellers = [scenes.provider() for _one in range(3)]
        self.buyers = [scenes.buyer() for _one in range(4)]
        self.pools = {}
        for owner in self.sellers:
            for hub, card in zip(("成渝", "成渝", ""), [*self.cards, next(iter(self.cards))], strict=True):
                place = scenes.site(owner, hub_name=hub)
                self.pools[owner, hub, card] = scenes.listed(owner, card, site=place, count=1_000)
        self.deals: list[tuple[Deal, Any]] = []
        self.related: set[tuple[Any, Any]] = set()

    def trade(self) -> None:
        chance = self.chance
        owner, hub, card = chance.choice(list(self.pools))
        who, pool = chance.choice(self.buyers), self.pools[owner, hub, card]
        prices = [2_000_000, chance.randrange(1_900_000, 2_300_000), chance.randrange(1, 9_000_000)]
        pool.price_micro = chance.choice(prices)
        at = AT + chance.randrange(9 * 24) * HOUR
        status, engine = chance.choice(["held"] * 9 + ["released"]), chance.choice(["quote/1"] * 9 + ["rfq/1"])
        terms = {"cards": 1, "length": 1, "status": status, "engine": engine}
        made = scenes.past_reservation(who, pool, starts_at=at + HOUR, **terms)
        ppm = self.cards[card]
        standard = reckoning.per_standard_hour(made.price_micro, ppm) if ppm else None
        if (status, engine) == ("held", "quote/1"):
            self.deals.append((Deal(date_of(at), card.pk, hub, owner.pk, who.pk, made.price_micro, standard), made))

    def relate(self, at: datetime) -> None:
        who, owner = self.chance.choice(self.buyers), self.chance.choice(self.sellers)
        if (who.pk, owner.pk) not in self.related:
            self.related.add((who.pk, owner.pk))
            relations.declare(first=who, second=owner, ground="controller", source="x", actor=SYSTEM, at=at)

    def counting(self, **key: Any) -> list[Deal]:
        honest = [one for one, _row in self.deals if (one.buyer, one.seller) not in self.related]
        return [one for one in honest if all(getattr(one, name) == value for name, value in key.items())]

    def look(self, at: datetime) -> None:
        tape.record(at=at)
        candles.close(at=at)
        indices.publish(at=at)
        told = {(one.on, one.accelerator_id, one.hub_name): one for one in IndexValue.objects.order_by("version")}
        for on in (TODAY + number * DAY for number in range((at - AT) // DAY)):
            for card in (*(one.pk for one in self.cards), None):
                for hub in ("成渝", "", None):
                    key = {"card": card, "hub": hub}
                    mine = self.counting(**{name: value for name, value in key.items() if value is not None})
                    expected = reckoning.index(mine, on, standard=card is None)
                    assert shown(told.get((on, card, hub))) == expected, (on, card, hub)


def shown(one: IndexValue | None) -> tuple[Any, ...]:
    """Return what an index value says; where there is none, nothing was ever traded."""
    if one is None:
        return ("few-trades", 0, 0, 0, 0, None, None)
    return (one.status, one.trades, one.sellers, one.buyers, one.screened_out, one.price_micro, one.sch_micro)


def test_the_index_is_what_the_document_says_of_every_day(db):
    market = Tape(0)
    for number in (36, 4):
        for _trade in range(number):
            market.trade()
        market.look(AT + 8 * DAY)
        market.relate(AT + 8 * DAY)
    market.look(AT + 8 * DAY)


class Record:
    """Reservations that were served well and badly at three offerings of two providers, in random ways."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.sellers = [scenes.provider() for _one in range(2)]
        self.offerings = [scenes.listed(self.sellers[n % 2], scenes.accelerator(), count=1_000) for n in range(3)]
        self.buyers = [scenes.buyer() for _one in range(4)]
        self.friends = {self.buyers[0]: scenes.clerks()[0], self.buyers[1]: None}
        Membership.objects.create(user=scenes.clerks()[0], organization=self.sellers[0], role=Role.VIEWER)
        Membership.objects.create(user=scenes.clerks()[0], organization=self.buyers[0], role=Role.VIEWER)
        terms = {"ground": "controller", "source": "x", "actor": SYSTEM, "at": AT}
        relations.declare(first=self.buyers[1], second=self.sellers[1], **terms)
        self.services = [self.service() for _one in range(self.chance.choice([6, 30, 60]))]

    def service(self) -> Service:
        chance, offering, who = self.chance, self.chance.choice(self.offerings), self.chance.choice(self.buyers)
        length, start = chance.randrange(1, 30), AT - chance.randrange(24 * 92) * HOUR
        status, code = chance.choice(ENDS)
        terms = {"length": length, "cards": chance.randrange(1, 4), "status": status}
        row = scenes.past_reservation(who, offering, starts_at=start, **terms)
        began = status in ("ended", "interrupted") or chance.random() < 0.2
        early = status == "interrupted" or code == "finished" or (status == "failed" and began)
        stopped_at = start + chance.randrange(1, length * 60) * MINUTE if early else row.ends_at
        reported = chance.random() < 0.5
        late = chance.choice([0, 0, 7, 31]) if reported else 0
        access_at = min(start + late * MINUTE, stopped_at) if began else None
        Reservation.objects.filter(pk=row.pk).update(
            stop_code=code,
            stopped_at=stopped_at,
            access_at=access_at,
            handover="reported" if reported else "clock",
        )
        used = chance.random() < 0.7
        if used:
            MeteredHour.objects.create(
                reservation=row, hour=start, accelerator_ms=1, version=1, dirty=False, reported_until=start + HOUR
            )
        related = (who, offering.provider) in ((self.buyers[0], self.sellers[0]), (self.buyers[1], self.sellers[1]))
        ours = code in OURS
        one = Service(
            offering.provider_id,
            offering.pk,
            row.count,
            start,
            row.ends_at,
            stopped_at,
            status,
            ours,
            access_at,
            reported,
            used,
            related,
        )
        for _down in range(chance.choice([0, 0, 1, 2])):
            self.down(row, one)
        return one

    def down(self, row: Reservation, one: Service) -> None:
        """Write a downtime down that was accepted, upheld, contested or dismissed."""
        chance = self.chance
        first = row.starts_at + chance.randrange((row.ends_at - row.starts_at) // MINUTE) * MINUTE
        span = first, min(first + chance.choice([1, 30, 600]) * MINUTE, row.ends_at)
        status = chance.choice(["accepted", "accepted", "claimed", "contested", "dismissed"])
        decided = status == "dismissed" or (status == "accepted" and chance.random() < 0.4)
        stamps = {"decided_at": AT, "decided_by": scenes.clerks()[1], "decision": "x"} if decided else {}
        terms = {"code": "network", "detail": "", "reported_at": AT, "reported_by": row.order.buyer}
        answered = {"answered_at": AT, "answer": "x"} if status != "claimed" else {}
        Downtime.objects.create(
            reservation=row, starts_at=span[0], ends_at=span[1], status=status, **terms, **stamps, **answered
        )
        if status == "accepted":
            one.downtimes.append(span)
            one.upheld += decided


OURS = ("not-provisioned", "no-capacity", "hardware-fault", "not-usable")
ENDS = [("ended", "completed")] * 4 + [("ended", "finished"), ("interrupted", "hardware-fault")]
ENDS += [("interrupted", "reclaimed"), ("interrupted", "force-majeure"), ("interrupted", "buyer-breach")]
ENDS += [("failed", "not-provisioned"), ("failed", "no-capacity"), ("failed", "buyer-no-credentials")]
ENDS += [("failed", "not-usable"), ("released", "cancelled"), ("released", "gave-up")]


@pytest.mark.parametrize("seed", range(3))
def test_reputations_are_what_the_document_says(db, seed):
    record = Record(seed)

    reputations.refresh(as_of=TODAY)

    since, until = midnight(TODAY - 90 * DAY), midnight(TODAY)
    shown = {}
    for of in [*((seller.pk, None) for seller in record.sellers), *((o.provider_id, o.pk) for o in record.offerings)]:
        mine = [one for one in record.services if one.provider == of[0] and of[1] in (None, one.offering)]
        expected = reckoning.reputation(mine, since, until)
        row = Reputation.objects.filter(provider=of[0], offering=of[1]).first()
        told = {name: getattr(row, name) if row else 0 for name in expected}
        assert told == expected
        shown[of] = expected
    for offering in Offering.objects.filter(pk__in=[one.pk for one in record.offerings]):
        own, whole = shown[offering.provider_id, offering.pk], shown[offering.provider_id, None]
        says = [one for one in (own, whole) if one["observations"] >= 5]
        expected_bp = says[0]["delivered_ms"] * 10_000 // says[0]["promised_ms"] if says else None
        assert offering.reliability_bp == expected_bp
