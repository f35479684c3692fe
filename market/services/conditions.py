"""What orders ask of cards and places, and what is known of those that are on sale."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

from django.utils.translation import gettext as _

from core.errors import DomainError
from market.matching.book import FARTHEST, Rings
from market.matching.terms import Levels, levels
from market.measure import Metric
from market.models import Offering, Order, OrderConditions
from market.reference import places
from market.reference.places import Place, Ring
from market.selectors import figures

MOST = 1_000_000
MB_PER_GB = 1_000
MIB_PER_GIB = 1_024
NOWHERE: Place = ("", "")
ELSEWHERE = "*"


class BadConditions(DomainError):
    """A condition asks for nothing, for more than there can be, or for a distance from no known home."""

    code = "bad-conditions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What all cards of an order have to be; what is left out is not asked for."""

    domestic: bool = False
    memory_gib: int | None = None
    interconnect_gb_s: int | None = None
    home_province: str = ""
    home_city: str = ""
    ring_max: int | None = None


NO_CONDITIONS = Conditions()


def check(asked: Conditions) -> None:
    """Check that conditions make sense.

    :raises BadConditions: if one does not.
    """
    wrong: dict[str, str] = {}
    for name in ("memory_gib", "interconnect_gb_s"):
        value = getattr(asked, name)
        if value is not None and not 1 <= value <= MOST:
            wrong[name] = _("From 1 to %(most)d.") % {"most": MOST}
    has_home = asked.home_province in places.PROVINCES and bool(asked.home_city)
    if asked.ring_max is not None and not has_home:
        wrong["home_city"] = _("Say from where: a province and a city.")
    if asked.ring_max is None and (asked.home_province or asked.home_city):
        wrong["ring_max"] = _("Say how far from home it may be.")
    if wrong:
        raise BadConditions(_("A condition makes no sense."), fields=wrong)


def keep(order: Order, conditions: Conditions) -> None:
    """Write down what an order asks for, if it asks for anything."""
    if conditions != NO_CONDITIONS:
        OrderConditions.objects.create(order=order, **asdict(conditions))


def of(orders: Collection[UUID]) -> dict[UUID, OrderConditions]:
    """Return the conditions of those orders that have any."""
    return {one.pk: one for one in OrderConditions.objects.filter(order__in=orders)}


def least(asked: OrderConditions | None) -> Levels:
    """Return the levels that an order asks for."""
    if asked is None:
        return levels()
    return levels(
        domestic=1 if asked.domestic else None,
        memory=asked.memory_gib and asked.memory_gib * MIB_PER_GIB,
        interconnect=asked.interconnect_gb_s and asked.interconnect_gb_s * MB_PER_GB,
    )


def reached(offerings: Iterable[Offering], *, on: date) -> dict[UUID, Levels]:
    """Return the levels that offerings are known to reach on a day."""
    counting = figures.counting([Metric.MEMORY_CAPACITY, Metric.INTERCONNECT], on=on)
    return {
        one.pk: levels(
            domestic=int(one.accelerator.domestic),
            memory=counting.get((one.accelerator_id, Metric.MEMORY_CAPACITY)) or _listed_memory(one),
            interconnect=counting.get((one.accelerator_id, Metric.INTERCONNECT)),
        )
        for one in offerings
    }


def _listed_memory(offering: Offering) -> int | None:
    """Return the memory that the table of models prints, in MiB."""
    memory_gib = offering.accelerator.memory_gib
    return memory_gib and memory_gib * MIB_PER_GIB


class Regions:
    """The places of some offerings and the homes of some orders, numbered, with the rings between them."""

    def __init__(self, offerings: Iterable[Offering], asked: Iterable[OrderConditions]) -> None:
        self.stands = frozenset(_place(one) for one in offerings)
        homes = {self._home(one) for one in asked}
        self.numbers = {
            place: number for number, place in enumerate([NOWHERE, *sorted((self.stands | homes) - {NOWHERE})])
        }

    @property
    def rings(self) -> Rings:
        """Return how far each two are apart."""
        return tuple(tuple(_ring(home, place) for place in self.numbers) for home in self.numbers)

    def region(self, offering: Offering) -> int:
        """Return the number of the place where an offering stands."""
        return self.numbers[_place(offering)]

    def home(self, asked: OrderConditions | None) -> int:
        """Return the number of the home of an order, of nowhere if it has none."""
        return self.numbers[self._home(asked)]

    def _home(self, asked: OrderConditions | None) -> Place:
        """Return where an order wants to be near; cities that are as far from every site count as one."""
        if asked is None or asked.ring_max is None:
            return NOWHERE
        home = (asked.home_province, asked.home_city)
        return home if home in self.stands or home in places.HUB_OF_CITY else (asked.home_province, ELSEWHERE)


def ring_max(asked: OrderConditions | None) -> int:
    """Return how far an order goes."""
    return FARTHEST if asked is None or asked.ring_max is None else int(asked.ring_max)


def _ring(home: Place, place: Place) -> int:
    ring = places.ring(home, place)
    return FARTHEST if ring is Ring.FAR else int(ring)


def _place(offering: Offering) -> Place:
    return offering.site.province, offering.site.city
