"""What orders ask of cards and places, and what is known of those that are on sale."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from core.errors import DomainError
from core.money import BP_WHOLE
from core.periods import date_of
from market.matching.book import FARTHEST, Rings
from market.matching.terms import Levels, levels
from market.measure import Metric
from market.models import Offering, Order, OrderConditions
from market.reference import places
from market.reference.places import Place
from market.selectors import figures, sites

MOST = 1_000_000
LIMITS = {
    "memory_gib": (1, MOST),
    "interconnect_gb_s": (1, MOST),
    "pue_max_milli": (1_000, 5_000),
    "green_min_bp": (1, BP_WHOLE),
    "reliability_min_bp": (1, BP_WHOLE),
}
MB_PER_GB = 1_000
MIB_PER_GIB = 1_024
Region = tuple[Place, UUID | None]
NOWHERE: Region = (("", ""), None)
ELSEWHERE = "*"
NOT_MEASURED: sites.Measured = {}


class BadConditions(DomainError):
    """A condition asks for nothing, for more than there can be, or for a distance from no known home."""

    code = "bad-conditions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What all cards of an order have to be; what is left out is not asked for."""

    domestic: bool = False
    memory_gib: int | None = None
    interconnect_gb_s: int | None = None
    pue_max_milli: int | None = None
    green_min_bp: int | None = None
    reliability_min_bp: int | None = None
    home_province: str = ""
    home_city: str = ""
    ring_max: int | None = None


NO_CONDITIONS = Conditions()


def check(asked: Conditions) -> None:
    """Check that conditions make sense.

    :raises BadConditions: if one does not.
    """
    wrong: dict[str, str] = {}
    for name, (lowest, most) in LIMITS.items():
        value = getattr(asked, name)
        if value is not None and not lowest <= value <= most:
            wrong[name] = _("From %(least)d to %(most)d.") % {"least": lowest, "most": most}
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
        pue=asked.pue_max_milli and -asked.pue_max_milli,
        green=asked.green_min_bp,
        reliability=asked.reliability_min_bp,
    )


def reached(offerings: Collection[Offering], *, at: datetime) -> dict[UUID, Levels]:
    """Return the levels that offerings are known to reach at an instant; a lower PUE is a higher level."""
    counting = figures.counting([Metric.MEMORY_CAPACITY, Metric.INTERCONNECT], on=date_of(at))
    stand = {one.site_id for one in offerings}
    pue, green = sites.pue_milli(stand, at), sites.green_bp(stand, at)
    return {
        one.pk: levels(
            domestic=int(one.accelerator.domestic),
            memory=counting.get((one.accelerator_id, Metric.MEMORY_CAPACITY)) or _listed_memory(one),
            interconnect=counting.get((one.accelerator_id, Metric.INTERCONNECT)),
            pue=-pue[one.site_id] if one.site_id in pue else None,
            green=green.get(one.site_id),
            reliability=one.reliability_bp,
        )
        for one in offerings
    }


def _listed_memory(offering: Offering) -> int | None:
    """Return the memory that the table of models prints, in MiB."""
    memory_gib = offering.accelerator.memory_gib
    return memory_gib and memory_gib * MIB_PER_GIB


class Regions:
    """The places of some offerings and the homes of some orders, numbered, with the rings between them.

    A site that a probe has measured from a home is a region of its own: there the map does not count.
    """

    def __init__(
        self, offerings: Iterable[Offering], asked: Iterable[OrderConditions], measured: sites.Measured = NOT_MEASURED
    ) -> None:
        self.measured = measured
        self.sites = {site for site, _city in measured}
        self.cities = {city for _site, city in measured}
        self.stands = frozenset(self._region(one) for one in offerings)
        self.places = {place for place, _site in self.stands}
        homes = {(self._home(one), None) for one in asked}
        found = sorted((self.stands | homes) - {NOWHERE}, key=str)
        self.numbers = {region: number for number, region in enumerate([NOWHERE, *found])}

    @property
    def rings(self) -> Rings:
        """Return how far each two are apart."""
        return tuple(tuple(self._ring(home, region) for region in self.numbers) for home in self.numbers)

    def region(self, offering: Offering) -> int:
        """Return the number of the place where an offering stands."""
        return self.numbers[self._region(offering)]

    def home(self, asked: OrderConditions | None) -> int:
        """Return the number of the home of an order, of nowhere if it has none."""
        return self.numbers[self._home(asked), None]

    def _region(self, offering: Offering) -> Region:
        site = offering.site
        return (site.province, site.city), site.pk if site.pk in self.sites else None

    def _home(self, asked: OrderConditions | None) -> Place:
        """Return where an order wants to be near; cities that are as far from every site count as one."""
        if asked is None or asked.ring_max is None:
            return NOWHERE[0]
        home = (asked.home_province, asked.home_city)
        known = home in self.places or home in places.HUB_OF_CITY or home[1] in self.cities
        return home if known else (asked.home_province, ELSEWHERE)

    def _ring(self, home: Region, region: Region) -> int:
        (place, _site), (stand, site) = home, region
        measured = self.measured.get((site, place[1])) if site else None
        ring = places.ring(place, stand) if measured is None else measured
        return FARTHEST if ring == places.Ring.FAR else int(ring)


def regions(offerings: Collection[Offering], asked: Collection[OrderConditions], *, at: datetime) -> Regions:
    """Return where offerings stand and where orders are at home, by the probes that count at an instant and the map."""
    cities = {one.home_city for one in asked if one.ring_max is not None}
    return Regions(offerings, asked, sites.measured({one.site_id for one in offerings}, cities, at))


def ring_max(asked: OrderConditions | None) -> int:
    """Return how far an order goes."""
    return FARTHEST if asked is None or asked.ring_max is None else int(asked.ring_max)
