"""``phdapinet.dll`` as Python sees it through pythonnet, which only reads.

The library speaks the PHD server's local time. With its DST compensation samples are stamped in
standard time all year, which tells the hour that comes twice apart; a window is asked for wider than
wanted where its ends could not be written.
"""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.phd.samples import Samples, columns_of, failed, joined
from greenlang_data.drivers.schema import UNKNOWN_TAG
from greenlang_data.errors import ConfigurationError

_EPOCH_TICKS: Final = 621_355_968_000_000_000
_SECOND_TICKS: Final = 10_000_000
_HOUR_TICKS: Final = 3600 * _SECOND_TICKS
_FORMAT: Final = "M/d/yyyy H:mm:ss"
_MOST_ROWS: Final = 1_000_000
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_FLOATS: Final = frozenset({"double", "float", "decimal"})
_INTEGERS: Final = frozenset(
    {"byte", "unsignedByte", "short", "unsignedShort", "int", "unsignedInt", "long", "unsignedLong"}
)


def load_library(config: Any) -> Library:
    """The library at ``assembly_path``. Raises ConfigurationError naming what is missing."""
    try:
        clr = import_module("clr")
    except ImportError as error:
        raise ConfigurationError(
            f"a phd:// address needs a package that is not installed ({error.name})",
            source=config.connector_id,
            remedy="Run: pip install 'greenlang_data[phd]'",
        ) from error
    try:
        clr.AddReference(config.assembly_path or "phdapinet")
        names = import_module("Uniformance.PHD")
    except Exception as error:  # whatever .NET throws, which is no Python class before it is loaded
        raise ConfigurationError(
            f"PHD's library cannot be loaded: {type(error).__name__}",
            source=config.connector_id,
            remedy="Set assembly_path to phdapinet.dll, of the kind (32 or 64 bit) of this Python.",
        ) from error
    return Library(names, config)


class Library:
    """One PHD server."""

    def __init__(self, names: Any, config: Any) -> None:
        self._names = names
        self._system = import_module("System")
        self._zone = self._system.TimeZoneInfo.Local
        address = urlsplit(config.server_url)
        self._host, self._port = address.hostname or "", address.port
        self._user, self._password = config.username, config.password
        self.errors: tuple[type[BaseException], ...] = (names.PHDErrorException,)

    def names(self, most: int) -> list[dict[str, str | None]]:
        """All tags, or the first ``most``, as rows of a list of tags."""
        rule = self._names.TagFilter()
        rule.Tagname = "*"
        table = self._historian().BrowsingTags(most, rule).Tables[0]
        return [
            {
                "tag_id": str(row["TagName"]),
                "tag_name": str(row["TagName"]),
                "description": _text(row["Description"]),
                "unit": _text(row["Units"]),
            }
            for row in table.Rows
        ]

    def newest(self, tag: str) -> Samples:
        """The newest sample."""
        historian = self._historian()
        historian.StartTime = historian.EndTime = "NOW"
        historian.Sampletype = self._names.SAMPLETYPE.Snapshot
        return self._fetched(historian, tag)

    def samples(self, tag: str, start: int, end: int) -> Samples:
        """Samples with ``start <= time < end``, in nanoseconds since 1970 UTC.

        Asked again from the last time stamp until nothing new comes, because a server that ends an
        answer early does not say so.
        """
        parts: list[Samples] = []
        begin = start
        while True:
            found = self._between(tag, begin, end)
            if found.failure is not None:
                return found
            last = int(found.times[-1]) if len(found.times) else begin
            before = (
                len(parts[-1].times) - int(np.searchsorted(parts[-1].times, begin)) if parts else 0
            )
            if parts:
                parts[-1] = parts[-1].chosen(slice(len(parts[-1].times) - before))
            parts.append(found)
            if (last == begin and len(found.times) <= before) or not len(found.times):
                return joined(parts)
            begin = last

    def _between(self, tag: str, start: int, end: int) -> Samples:
        historian = self._historian()
        historian.StartTime = self._local(start // 100, is_start=True)
        historian.EndTime = self._local(-(-end // 100), is_start=False)
        historian.Sampletype = self._names.SAMPLETYPE.Raw
        historian.MaximumRows = _MOST_ROWS
        found = self._fetched(historian, tag)
        if found.failure is not None:
            return found
        if (found.times[1:] < found.times[:-1]).any():
            return failed(tag, "its samples are out of order")
        low, high = (int(place) for place in np.searchsorted(found.times, [start, end]))
        return found.chosen(slice(low, high))

    def _historian(self) -> Any:
        names = self._names
        server = names.PHDServer(self._host)
        if self._port is not None:
            server.Port = self._port
        if self._user is not None:
            server.UserName = self._user
            server.Password = self._password.get_secret_value() if self._password else None
        historian = names.PHDHistorian()
        historian.DefaultServer = server
        historian.ReductionType = getattr(names.REDUCTIONTYPE, "None")
        return historian

    def _fetched(self, historian: Any, tag: str) -> Samples:
        tags = self._names.Tags()
        tags.Add(self._names.Tag(tag))
        known = list(historian.TagDfn(tags).Tables[0].Rows)
        if not known:
            return failed(tag, f"{UNKNOWN_TAG}: PHD has no definition of it")
        try:
            rows = self._rows(historian.FetchRowData(tags, True).Tables[0])
        except ET.ParseError:
            return failed(tag, "its values hold characters that no text may hold")
        rows = [row for row in rows if "TimeStamp" in row]
        stamps = pa.array([row["TimeStamp"][0] for row in rows], pa.string())
        local = np.asarray(stamps.cast(pa.timestamp("ns")).cast(pa.int64()))
        values, text = columns_of([_value(*row.get("Value", (None, ""))) for row in rows])
        told = [float(row.get("Confidence", ("0",))[0]) for row in rows]
        confidence = np.floor(np.array(told, np.float64)).astype(np.int64)
        times = local - self._zone.BaseUtcOffset.Ticks * 100
        return Samples(tag, times, values, text, confidence, _text(known[0]["Units"]))

    def _rows(self, table: Any) -> list[dict[str, tuple[str, str]]]:
        """Rows as texts with their types, by column; a column without a value is left out.

        By way of XML, because asking .NET for each cell takes twenty times as long.
        """
        # Else it would write its guess of an offset behind each time.
        stamps = table.Columns["TimeStamp"]
        stamps.DateTimeMode = type(stamps.DateTimeMode).Unspecified
        writer = self._system.IO.StringWriter()
        table.WriteXml(writer)
        root = ET.fromstring(str(writer.ToString()))  # noqa: S314  (made in this process)
        return [{cell.tag: (cell.text or "", cell.get(_TYPE, "")) for cell in row} for row in root]

    def _local(self, ticks: int, *, is_start: bool) -> str:
        """A time as the library takes it, rounded outwards to the second."""
        date_time, zone = self._system.DateTime, self._zone
        whole = ticks // _SECOND_TICKS * _SECOND_TICKS
        whole += 0 if is_start else _SECOND_TICKS
        utc = date_time(whole + _EPOCH_TICKS, self._system.DateTimeKind.Utc)
        local = self._system.TimeZoneInfo.ConvertTimeFromUtc(utc, zone)
        if zone.IsAmbiguousTime(local):  # which of the two hours is meant could not be written
            local = local.AddTicks(-_HOUR_TICKS if is_start else _HOUR_TICKS)
        return str(local.ToString(_FORMAT, self._system.Globalization.CultureInfo.InvariantCulture))


def _value(text: str | None, kind: str) -> float | int | str | None:
    """A cell of the column Value, whose type is told with each."""
    kind = kind.partition(":")[2]
    if text is None:
        return None
    if kind in _FLOATS:
        number = float(text.replace("INF", "inf"))
        return number if math.isfinite(number) else None
    return int(text) if kind in _INTEGERS else text


def _text(value: Any) -> str | None:
    return str(value) or None
