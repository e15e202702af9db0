"""One emissions report, from JSON or XML, whole or not at all.

The names are those of EPA's emissions schema: camel case in JSON, as the export service writes
them, and Pascal case in XML, as a plant's own system does.
"""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat

import msgspec


class MonitorValue(msgspec.Struct, rename="camel", gc=False):
    """A measured value of an hour; ``moisture_basis`` is W or D."""

    parameter_code: str
    unadjusted_hourly_value: float | None = None
    adjusted_hourly_value: float | None = None
    modc_code: str | None = None
    percent_available: float | None = None
    moisture_basis: str | None = None


class DerivedValue(msgspec.Struct, rename="camel", gc=False):
    """A value that was computed from others."""

    parameter_code: str
    unadjusted_hourly_value: float | None = None
    adjusted_hourly_value: float | None = None
    modc_code: str | None = None
    percent_available: float | None = None


class OperatingHour(msgspec.Struct, rename="camel", gc=False):
    """One hour of one unit or stack, in local standard time."""

    date: str
    hour: int
    unit_id: str | None = None
    stack_pipe_id: str | None = None
    operating_time: float | None = None
    hour_load: float | None = None
    load_units_of_measure_code: str | None = None
    monitor_hourly_value_data: list[MonitorValue] | None = None
    derived_hourly_value_data: list[DerivedValue] | None = None

    @property
    def location(self) -> str:
        """The unit or stack as the report calls it."""
        return self.stack_pipe_id or self.unit_id or ""


class Report(msgspec.Struct, rename="camel"):
    """A quarter of a monitoring plan."""

    oris_code: int
    year: int
    quarter: int
    hourly_operating_data: list[OperatingHour] | None = None

    @property
    def name(self) -> str:
        """Which quarter it is."""
        return quarter_name((self.year, self.quarter))


def quarter_name(quarter: tuple[int, int]) -> str:
    """A year and one of its quarters in words."""
    return f"quarter {quarter[1]} of {quarter[0]}"


_decoder: Final = msgspec.json.Decoder(Report)
_TABLES: Final = frozenset(
    {"HourlyOperatingData", "MonitorHourlyValueData", "DerivedHourlyValueData"}
)
_ROOTS: Final = frozenset({"Emissions", "EmissionsData"})
# What a number may be read as though it is none.
_NO_NUMBERS: Final = frozenset({"nan", "inf", "infinity"})
_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z]|$)|[A-Z][a-z]*")


def read_report(body: bytes | bytearray) -> Report:
    """The report in a document. Raises ValueError, with the place, for what is no whole report."""
    start = bytes(body[:64]).lstrip(b"\xef\xbb\xbf \t\r\n")
    return _from_xml(bytes(body)) if start.startswith(b"<") else _from_json(body)


def _from_json(body: bytes | bytearray) -> Report:
    try:
        return _decoder.decode(bytes(body).removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _from_xml(body: bytes) -> Report:
    reader = _XmlReader()
    try:
        reader.parser.Parse(body, True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from None
    try:
        return msgspec.convert(reader.root, Report, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


class _XmlReader:
    """Elements to the dicts that the JSON would be; tables become lists, blank elements null."""

    def __init__(self) -> None:
        self.root: dict[str, object] = {}
        self._open: list[dict[str, object]] = []
        self._text: list[str] = []
        self._ignored = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _refuse_dtd
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append

    def _start(self, name: str, _: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        self._text.clear()
        if self._ignored:
            self._ignored += 1
        elif not self._open:
            if tag not in _ROOTS:
                raise ValueError(f"its outermost element is {tag}, and not Emissions")
            self._open.append(self.root)
        elif tag in _TABLES:
            row: dict[str, object] = {}
            rows = self._open[-1].setdefault(_camel(tag), [])
            assert isinstance(rows, list)
            rows.append(row)
            self._open.append(row)
        elif tag.endswith("Data"):  # another table
            self._ignored = 1

    def _end(self, name: str) -> None:
        tag = name.rpartition(":")[2]
        if self._ignored:
            self._ignored -= 1
        elif tag in _TABLES or (tag in _ROOTS and len(self._open) == 1):
            self._open.pop()
        else:
            text = "".join(self._text).strip()
            if text.lower().lstrip("+-") in _NO_NUMBERS:
                raise ValueError(f"{tag} is {text!r}, which is no finite number")
            self._open[-1][_camel(tag)] = text or None
        self._text.clear()


def _refuse_dtd(*_: object) -> None:
    raise ValueError("it has a document type, which no emissions report has")


def _camel(tag: str) -> str:
    """``MODCCode`` is ``modcCode``, ``StackPipeID`` is ``stackPipeId``."""
    words = _WORD.findall(tag) or [""]  # no element of EPA's is without a capital
    return "".join([words[0].lower(), *(word.capitalize() for word in words[1:])])
