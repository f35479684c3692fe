"""A firm among those it is tied to: who, how, and a drawing of it as plain shapes, without script or style."""

from dataclasses import dataclass
from datetime import date
from math import cos, pi, sin
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from accounts import selectors as register
from accounts.models import Organization, Tie
from accounts.selectors import RELATED_BP, Relatedness
from portal import kinship
from portal.kinship import Chain

ACROSS, DOWN = 280, 160
ROOM_ACROSS, ROOM_DOWN = 92, 28
MOST_DRAWN = 16
LONGEST_NAME = 12


@dataclass(frozen=True, slots=True)
class Kin:
    """An organisation to which a firm is tied: how, and whether that makes them related parties."""

    organization: Organization
    share_bp: int
    grounds: list[str]
    chains: list[Chain]
    is_related: bool


@dataclass(frozen=True, slots=True)
class Node:
    """A firm of the drawing, and where it stands."""

    organization: Organization
    name: str
    x: int
    y: int
    centre: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between two firms, with its words in the middle."""

    x1: int
    y1: int
    x2: int
    y2: int
    label: str
    strong: bool

    @property
    def x(self) -> int:
        """Return where its words stand."""
        return (self.x1 + self.x2) // 2

    @property
    def y(self) -> int:
        """Return where its words stand."""
        return (self.y1 + self.y2) // 2


@dataclass(frozen=True, slots=True)
class Graph:
    """A firm's kin as a list and as a drawing; ``left_out`` firms are in the list only."""

    kin: list[Kin]
    nodes: list[Node]
    edges: list[Edge]
    left_out: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Return the corner, the width and the height of the drawing: what its firms take, and no more."""
        across, down = [node.x for node in self.nodes], [node.y for node in self.nodes]
        left, top = min(across) - ROOM_ACROSS, min(down) - ROOM_DOWN
        return left, top, max(across) + ROOM_ACROSS - left, max(down) + ROOM_DOWN - top


def of(firm: Organization, *, on: date, known: QuerySet[Organization]) -> Graph:
    """Return what ties a firm to others on a day, the strongest first, and those others to each other.

    Each of them says by ``is_known`` whether it is among those that the reader knows.
    """
    found = register.relatedness(one_id=firm.pk, on=on)
    rows = Organization.objects.annotate(is_known=Exists(known.filter(pk=OuterRef("pk"))))
    named = rows.in_bulk([one.other_id for one in found])
    kin = sorted((_kin(one, named) for one in found), key=lambda one: (not one.is_related, -one.share_bp))
    drawn = kin[:MOST_DRAWN]
    nodes = [_node(one.organization, number, len(drawn)) for number, one in enumerate(drawn)]
    centre = Node(firm, _short(firm.name), 0, 0, centre=True)
    edges = [_edge(centre, node, _words(one), strong=one.is_related) for node, one in zip(nodes, drawn, strict=True)]
    return Graph(kin, [centre, *nodes], [*_among(nodes, on), *edges], len(kin) - len(drawn))


def _kin(one: Relatedness, named: dict[UUID, Organization]) -> Kin:
    grounds = [kinship.ground(code) for code in one.grounds]
    chains = kinship.chains(one.chains)
    return Kin(named[one.other_id], one.share_bp, grounds, chains, one.is_related(RELATED_BP))


def _words(one: Kin) -> str:
    share = [f"{one.share_bp / 100:g}%"] if one.share_bp else []
    return " · ".join([*share, *one.grounds])[:24]


def _node(organization: Organization, number: int, count: int) -> Node:
    """Put a firm on an oval around the centre, beginning at the top."""
    angle = 2 * pi * number / count - pi / 2
    x, y = round(ACROSS * cos(angle)), round(DOWN * sin(angle))
    return Node(organization, _short(organization.name), x, y)


def _among(nodes: list[Node], on: date) -> list[Edge]:
    """Return the lines between the others, from one look at the register."""
    at: dict[Any, Node] = {node.organization.pk: node for node in nodes}
    rows = Tie.objects.on(on).filter(first__in=at, second__in=at).values_list("first_id", "second_id", "ground")
    pairs = {(first, second): kinship.ground(code) for first, second, code in rows.order_by("pk")} if at else {}
    return [_edge(at[first], at[second], label, strong=False) for (first, second), label in pairs.items()]


def _edge(one: Node, other: Node, label: str, *, strong: bool) -> Edge:
    return Edge(one.x, one.y, other.x, other.y, label, strong)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
