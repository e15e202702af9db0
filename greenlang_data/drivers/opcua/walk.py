"""The walk through an address space: every variable below a node, once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import numeric_node_id
from greenlang_data.drivers.opcua.browsing import (
    FORWARD,
    HAS_PROPERTY,
    HIERARCHICAL,
    OBJECT,
    VARIABLE,
    Browsed,
    Budget,
    Direction,
    Reference,
    browse,
)
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.statuses import BAD, status_name
from greenlang_data.drivers.opcua.variants import node_id_text
from greenlang_data.errors import ConfigurationError

OBJECTS_FOLDER: Final = numeric_node_id(85)
_SERVER_OBJECT: Final = numeric_node_id(2253)
_HAS_PROPERTY: Final = numeric_node_id(HAS_PROPERTY)
_DOWNWARD: Final = Direction(FORWARD, HIERARCHICAL, OBJECT | VARIABLE)
# Beyond this the server makes its nodes up as it is asked, or the memory would not last.
MOST_REFERENCES: Final = 2_000_000
MOST_BYTES: Final = 1 << 29
DEEPEST: Final = 100
_REQUESTS_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A node with the way to it; ``parent`` is None for the children of the root."""

    node: bytes
    name: str
    display_name: str
    parent: Place | None
    depth: int
    is_variable: bool

    @property
    def path(self) -> str:
        """The browse names from below the root down to this node."""
        names, place = [], self
        while place.parent is not None:
            names.append(place.name)
            place = place.parent
        names.append(place.name)
        return "/".join(reversed(names))


@dataclass(frozen=True, slots=True)
class FoundVariable:
    """A variable and the node ids of its properties by their names."""

    place: Place
    properties: dict[str, bytes]


class Walk:
    """Breadth first, so that the path of a node with several parents is the shortest."""

    def __init__(self, connection: Connection, root: bytes, log: ReadLog) -> None:
        self._connection = connection
        self._root = root
        self._log = log
        self._budget = Budget(MOST_REFERENCES, MOST_BYTES)
        self._seen = {root}
        self._waiting: deque[Place] = deque()
        self._failures: Counter[int] = Counter()
        self._too_deep = 0

    async def variables(self) -> AsyncGenerator[list[FoundVariable], None]:
        """All variables, in groups. What could not be browsed is said in the log's notes."""
        (top,) = await browse(self._connection, [self._root], _DOWNWARD, self._budget, self._log)
        if top.code & BAD:
            raise ConfigurationError(
                f"the node {node_id_text(self._root)} cannot be browsed ({status_name(top.code)})",
                source=self._connection.source,
                remedy="Set browse_root to a node below which there are tags, or leave it out.",
            )
        self._add_children(top, None)
        while self._waiting and not self._budget.spent:
            size = min(self._connection.limits["browse"] * _REQUESTS_AT_ONCE, len(self._waiting))
            places = [self._waiting.popleft() for _ in range(size)]
            nodes = [place.node for place in places]
            answers = await browse(self._connection, nodes, _DOWNWARD, self._budget, self._log)
            found = []
            for place, answer in zip(places, answers, strict=True):
                self._count_failure(answer)
                properties = self._add_children(answer, place)
                if place.is_variable:
                    found.append(FoundVariable(place, properties))
            if found:
                yield found
        self._tell()

    def _add_children(self, answer: Browsed, parent: Place | None) -> dict[str, bytes]:
        """Queue the children that were not met before; return the properties."""
        properties: dict[str, bytes] = {}
        depth = 0 if parent is None else parent.depth + 1
        for reference in answer.references:
            if reference.kind == _HAS_PROPERTY:
                properties.setdefault(reference.name, reference.node)
            elif reference.node not in self._seen:
                self._seen.add(reference.node)
                self._queue(reference, parent, depth)
        return properties

    def _queue(self, reference: Reference, parent: Place | None, depth: int) -> None:
        if reference.node == _SERVER_OBJECT and self._root == OBJECTS_FOLDER:
            self._log.note(
                "the server's own diagnostics below Objects/Server are left out; "
                "browse_root = 'i=2253' lists them"
            )
            return
        if depth > DEEPEST:
            self._too_deep += 1
            return
        is_variable = reference.node_class == VARIABLE
        name = reference.name or reference.display_name
        self._waiting.append(
            Place(reference.node, name, reference.display_name, parent, depth, is_variable)
        )

    def _count_failure(self, answer: Browsed) -> None:
        if answer.code & BAD:
            self._failures[answer.code] += 1

    def _tell(self) -> None:
        for code, count in self._failures.items():
            self._log.note(f"{count} nodes could not be browsed ({status_name(code)})")
        if self._budget.elsewhere:
            self._log.note(f"{self._budget.elsewhere} references lead to other servers")
        if self._too_deep:
            self._log.note(f"{self._too_deep} nodes lie deeper than {DEEPEST} levels; left out")
        if self._budget.spent:
            self._log.note(
                f"the address space has more than {MOST_REFERENCES:,} references or "
                f"{MOST_BYTES >> 20} MiB of them, so the rest was left out; "
                "set browse_root to list a part of it"
            )
