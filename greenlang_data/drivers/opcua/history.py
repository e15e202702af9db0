"""A window of many tags, raw or aggregated."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Window
from greenlang_data.drivers.opcua.aggregates import AggregateReader
from greenlang_data.drivers.opcua.attime import AtTimeReader
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.meanings import Meanings
from greenlang_data.drivers.opcua.metadata import Metadata
from greenlang_data.drivers.opcua.nodes import TagMap
from greenlang_data.drivers.opcua.raw import RawReader, Tag
from greenlang_data.drivers.opcua.times import nanoseconds_of
from greenlang_data.errors import QueryError


async def read_window(
    connection: Connection,
    tag_map: TagMap,
    metadata: Metadata,
    meanings: Meanings,
    window: Window,
    log: ReadLog,
) -> AsyncGenerator[pa.RecordBatch, None]:
    """Batches of every tag of the window, all of one before the next."""
    _check_kind(window, connection.source)
    nodes = tag_map.encoded(window.tags)
    await metadata.learn_units(window.tags, log)
    tags = [
        Tag(tag, node, text, metadata.unit(tag))
        for tag, node, text in zip(window.tags, nodes, tag_map.texts(window.tags), strict=True)
    ]
    async with aclosing(_reader(connection, meanings, window, log).read(tags)) as batches:
        async for batch in batches:
            yield batch


def _check_kind(window: Window, source: str) -> None:
    if window.modified + (window.aggregation is not None) + (window.times is not None) > 1:
        raise QueryError(
            "an aggregation, modified values and values at chosen times exclude each other",
            source=source,
            remedy="Ask for one of them at a time.",
        )
    times = window.times or ()
    if any(later <= earlier for earlier, later in itertools.pairwise(times)):
        raise QueryError(
            "the chosen times are not ascending", source=source, remedy="Sort them, each once."
        )


def _reader(
    connection: Connection, meanings: Meanings, window: Window, log: ReadLog
) -> RawReader | AggregateReader | AtTimeReader:
    if window.times is not None:
        times = [nanoseconds_of(one) for one in window.times]
        return AtTimeReader(connection, meanings, times, log)
    start, end = nanoseconds_of(window.start), nanoseconds_of(window.end)
    if window.aggregation is None or window.modified:
        return RawReader(connection, start, end, log, modified=window.modified, meanings=meanings)
    width = round(window.interval * 1e9) if window.interval else end - start
    return AggregateReader(
        connection, start, end, width=max(width, 1), aggregation=window.aggregation, log=log
    )
