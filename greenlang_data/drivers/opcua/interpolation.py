"""How a server says that values go on between samples: a node's historical configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import MalformedAnswerError
from greenlang_data.drivers.opcua.browsing import HAS_PROPERTY
from greenlang_data.drivers.opcua.bulk import NEITHER, ReadPlan, read_all
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import Columns
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.nodes import read_value_id
from greenlang_data.drivers.opcua.paths import follow, path_of
from greenlang_data.drivers.opcua.statuses import BAD
from greenlang_data.drivers.opcua.weighted import Interpolation

_HAS_COMPONENT, _HAS_HISTORICAL_CONFIGURATION = 47, 56
_CONFIGURATION: Final = (_HAS_HISTORICAL_CONFIGURATION, "HA Configuration")
_AGGREGATES: Final = (_HAS_COMPONENT, "AggregateConfiguration")
# Of the type HistoricalDataConfigurationType (part 11) and its AggregateConfiguration (part 13), in
# the order of Interpolation.
_PATHS: Final = (
    path_of(_CONFIGURATION, (HAS_PROPERTY, "Stepped")),
    *(
        path_of(_CONFIGURATION, _AGGREGATES, (HAS_PROPERTY, name))
        for name in (
            "TreatUncertainAsBad",
            "UseSlopedExtrapolation",
            "PercentDataBad",
            "PercentDataGood",
        )
    ),
)


async def interpolations(
    connection: Connection, nodes: Sequence[bytes], log: ReadLog
) -> list[Interpolation | None]:
    """What the server says of each node; None where it does not say whether its values step.

    What it leaves out beside that is the standard's default.
    """
    paths = [(node, path) for node in nodes for path in _PATHS]
    try:
        found = await follow(connection, paths, log)
        entries = [read_value_id(node) for node in found if node is not None]
        plan = ReadPlan(entries, NEITHER)
        told = await read_all(connection, plan, log, optional=True) if entries else Columns.empty(0)
    except (ServiceFaultError, MalformedAnswerError):
        if not connection.alive:
            raise
        return [None] * len(nodes)
    values = iter(range(len(entries)))
    numbers = [None if node is None else _number(told, next(values)) for node in found]
    size = len(_PATHS)
    return [_interpolation(numbers[at : at + size]) for at in range(0, len(numbers), size)]


def _number(told: Columns, row: int) -> float | None:
    return float(told.numbers[row]) if told.valid[row] and not told.codes[row] & BAD else None


def _interpolation(told: Sequence[float | None]) -> Interpolation | None:
    stepped, uncertain, sloped, bad, good = told
    if stepped is None:
        return None
    usual = Interpolation(bool(stepped))
    return Interpolation(
        bool(stepped),
        usual.uncertain_is_bad if uncertain is None else bool(uncertain),
        usual.sloped_extrapolation if sloped is None else bool(sloped),
        usual.percent_bad if bad is None else bad,
        usual.percent_good if good is None else good,
    )
