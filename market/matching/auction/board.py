"""What compiled loops need of an instance: slots grouped by class and sorted by price, and who accepts which slot.

A slot is a place on the board that holds an offer, or the part of an offer that is reserved for some. Slots of one
class fill whole 32-bit words; what remains of the last word stays empty. The slots that a request accepts are then the
bitwise AND of a few rows of ``filters``, class by class.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from market.matching.auction.instance import Bools, Instance, Int32s, Int64s
from market.matching.auction.loops import compiled

WORD = 32
EVERYBODY = 0
RINGS = -2  # the column of the last test but one: attributes come first, what is reserved comes last
Words = npt.NDArray[np.uint32]
Row = TypeVar("Row", bound=np.generic)


class Board(NamedTuple):
    """Arrays only, so that it can be passed into compiled code.

    ``offer`` and ``part`` say what stands in a slot, -1 for nothing; ``most[slot]`` is the most cards that it ever has
    free, ``spent[slot, h]`` what one card costs before hour ``h``, ``floor[slot]`` the least that it costs per hour.
    ``value`` is for all the hours of a request, ``bonus`` what its age adds to it when requests are ranked.
    ``kinds[kind_at[r]:kind_at[r + 1]]`` are the classes that request ``r`` accepts, ``needs`` the cards of each;
    ``tests[test_at[r]:test_at[r + 1]]`` are the rows of ``filters`` that a slot must pass, ``ring_test[r]`` the one
    among them that judges distance.
    """

    offer: Int64s
    part: Int64s
    cap: Int32s
    most: Int64s
    spent: Int64s
    floor: Int64s
    first_word: Int64s
    end_word: Int64s
    filters: Words
    value: Int64s
    bonus: Int64s
    hours: Int64s
    lo: Int64s
    hi: Int64s
    kind_at: Int64s
    kinds: Int64s
    needs: Int64s
    test_at: Int64s
    tests: Int64s
    ring_test: Int64s


class Parts(NamedTuple):
    """Offers as they are sold: whole, or an open and a reserved part of each."""

    offer: Int64s
    cap: Int32s
    reserved: Bools


class Rows(NamedTuple):
    """What belongs to the hours of each slot."""

    cap: Int32s
    most: Int64s
    spent: Int64s
    floor: Int64s


def build(instance: Instance, *, reserve_bp: int = 0, ageing_bp: int = 0) -> Board:
    """Lay an instance out for the loops."""
    parts = _parts(instance, reserve_bp)
    place, first_word, end_word = _places(instance, parts)
    offer = np.where(place >= 0, _spread(parts.offer, place), -1)
    rows = _by_hour(instance, parts, place, offer)
    tests = _Tests(instance, parts, place)
    accepted = instance.count > 0
    return Board(
        offer=offer,
        part=place,
        cap=rows.cap,
        most=rows.most,
        spent=rows.spent,
        floor=rows.floor,
        first_word=first_word,
        end_word=end_word,
        filters=np.stack(tests.rows),
        value=instance.value * instance.hours,
        bonus=_bonus(instance, ageing_bp),
        hours=instance.hours.astype(np.int64),
        lo=instance.start_min.astype(np.int64),
        hi=instance.latest.astype(np.int64),
        kind_at=_running(accepted.sum(axis=1)),
        kinds=accepted.nonzero()[1].astype(np.int64),
        needs=instance.count[accepted].astype(np.int64),
        test_at=_running((tests.needed != EVERYBODY).sum(axis=1)),
        tests=tests.needed[tests.needed != EVERYBODY],
        ring_test=tests.needed[:, RINGS].copy(),
    )


def _by_hour(instance: Instance, parts: Parts, place: Int64s, offer: Int64s) -> Rows:
    """Lay out cards and asks by slot, all zero in empty slots."""
    slots, hours = len(place), instance.horizon
    cap, spent = np.zeros((slots, hours), dtype=np.int32), np.zeros((slots, hours + 1), dtype=np.int64)
    rows = Rows(cap, np.zeros(slots, dtype=np.int64), spent, np.zeros(slots, dtype=np.int64))
    ask = instance.ask if instance.ask.strides[1] else instance.ask[:, :1]
    _lay(np.ascontiguousarray(ask), parts.cap, place, offer, rows)
    return rows


@compiled
def _lay(ask: Int64s, cap: Int32s, place: Int64s, offer: Int64s, rows: Rows) -> None:
    """Lay out cards and asks; those that never change are given once."""
    for slot in range(len(place)):
        if place[slot] < 0:
            continue
        least, most, spent = ask[offer[slot], 0], cap[place[slot], 0], np.int64(0)
        for hour in range(cap.shape[1]):
            asked = ask[offer[slot], hour if hour < ask.shape[1] else 0]
            least, most, spent = min(least, asked), max(most, cap[place[slot], hour]), spent + asked
            rows.spent[slot, hour + 1], rows.cap[slot, hour] = spent, cap[place[slot], hour]
        rows.floor[slot], rows.most[slot] = least, most


def _parts(instance: Instance, reserve_bp: int) -> Parts:
    """Part the reserved share from every offer: whoever may use it may use the open part as well."""
    rows = np.arange(instance.offers)
    if not reserve_bp:
        return Parts(rows, instance.cap, np.zeros(len(rows), dtype=np.bool_))
    reserved = (instance.cap.astype(np.int64) * reserve_bp // 10_000).astype(np.int32)
    cap = np.concatenate([instance.cap - reserved, reserved])
    return Parts(np.concatenate([rows, rows]), cap, np.repeat([False, True], len(rows)))


def _places(instance: Instance, parts: Parts) -> tuple[Int64s, Int64s, Int64s]:
    """Return which part stands in each slot, or -1, and where the words of each class begin and end."""
    kind = instance.offer_class[parts.offer]
    number = np.bincount(kind, minlength=instance.count.shape[1])
    end_word = np.cumsum(-(-number // WORD)).astype(np.int64)
    first_word = end_word + -number // WORD
    order = np.lexsort((parts.offer, instance.ask.min(axis=1, initial=2**62)[parts.offer], kind))
    within = np.arange(len(kind)) - (np.cumsum(number) - number)[kind[order]]
    place = np.full(int(end_word[-1]) * WORD if len(end_word) else 0, -1, dtype=np.int64)
    place[first_word[kind[order]] * WORD + within] = order
    return place, first_word, end_word


def _spread(rows: npt.NDArray[Row], place: Int64s) -> npt.NDArray[Row]:
    """Return the rows of the parts in their slots, zeros in empty slots."""
    spread = np.zeros((len(place), *rows.shape[1:]), dtype=rows.dtype)
    spread[place >= 0] = rows[place[place >= 0]]
    return spread


class _Tests:
    """The rows of the filters, and which of them each request needs; a test that refuses nobody is left out."""

    def __init__(self, instance: Instance, parts: Parts, place: Int64s) -> None:
        self.place = place
        self.rows = [self._words(np.ones(len(parts.offer), dtype=np.bool_))]
        columns = [self._attribute(instance, parts, column) for column in range(instance.offer_attr.shape[1])]
        columns.extend([self._rings(instance, parts), self._reserve(instance, parts)])
        self.needed = np.stack(columns, axis=1)

    def _attribute(self, instance: Instance, parts: Parts, column: int) -> Int64s:
        has, wanted = instance.offer_attr[:, column], instance.attr_min[:, column]
        if not has.size or wanted.max(initial=has[0]) <= has.min():
            return np.full(instance.requests, EVERYBODY, dtype=np.int64)
        levels = np.unique(has)
        ranks = np.searchsorted(levels, wanted)
        reach = np.searchsorted(levels, has)[parts.offer]
        return self._rows(ranks, lambda rank: reach >= rank)

    def _rings(self, instance: Instance, parts: Parts) -> Int64s:
        levels = np.unique(instance.ring)
        ranks = np.searchsorted(levels, instance.ring_max, side="right")
        wanted = instance.home * np.int64(len(levels) + 1) + ranks
        distance = np.searchsorted(levels, instance.ring)[:, instance.offer_region[parts.offer]]
        return self._rows(wanted, lambda code: distance[code // (len(levels) + 1)] < code % (len(levels) + 1))

    def _rows(self, wanted: Int64s, test: Callable[[int], Bools]) -> Int64s:
        """Return the row that each request needs: one for every small number that is wanted at all."""
        used = np.flatnonzero(np.bincount(wanted))
        row = np.zeros(int(used.max(initial=0)) + 1, dtype=np.int64)
        row[used] = [self._row(test(int(number))) for number in used]
        return row[wanted]

    def _reserve(self, instance: Instance, parts: Parts) -> Int64s:
        row = self._row(~parts.reserved)
        return np.where(instance.small | instance.voucher, EVERYBODY, row)

    def _row(self, passed: Bools) -> int:
        if passed.all():
            return EVERYBODY
        self.rows.append(self._words(passed))
        return len(self.rows) - 1

    def _words(self, passed: Bools) -> Words:
        return np.packbits(_spread(passed, self.place), bitorder="little").view(np.uint32)


def _bonus(instance: Instance, ageing_bp: int) -> Int64s:
    """Return what waiting adds: a share of the value per batch, at most the value itself."""
    share = np.minimum(np.minimum(instance.age, 10_000) * ageing_bp, 10_000)
    whole, rest = np.divmod(instance.value * instance.hours, 10_000)
    bonus: Int64s = whole * share + rest * share // 10_000
    return bonus


def _running(lengths: npt.NDArray[np.int64]) -> Int64s:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
