"""Values as grids write them: texts, in the number and date formats of an installation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.cmms.entities import Kind
from greenlang_data.errors import ConfigurationError
from greenlang_data.settings.cmms import CmmsSettings

NUMBERS: Final = frozenset({"NUMBER", "DECIMAL", "CURRENCY", "DURATION"})
_PLAIN: Final = re.compile(r"[-+]?\d+(\.\d+)?|[-+]?\.\d+")
# No number of thousands begins with a zero: that is a decimal mark that was not configured.
_GROUPED: Final = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_MONTHS: Final = (
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
)  # fmt: skip
_ISO: Final = re.compile(r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)")
_ORACLE: Final = re.compile(r"(?P<d>\d\d?)-(?P<name>[A-Za-z]{3})-(?P<y>\d{4})")
_POINTS: Final = re.compile(r"(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>\d{4})")
_TIME: Final = re.compile(r"(\d\d?):(\d\d)(?::(\d\d)(\.\d{1,6})?)?")
_SWAP: Final = str.maketrans(",.", ".,")


class Dialect:
    """Reads one installation's texts. Whatever could be read in two ways has to be configured."""

    def __init__(self, settings: CmmsSettings, log: ReadLog) -> None:
        self._source = settings.connector_id
        self._format = settings.date_format
        self._marks = [settings.decimal_mark] if settings.decimal_mark else [".", ","]
        self._zone = settings.zone
        self._log = log
        self._read: Mapping[Kind, Callable[[str, str], Any]] = {
            Kind.TEXT: self._text,
            Kind.NUMBER: lambda text, kind: self.number(text),
            Kind.INSTANT: lambda text, kind: self.instant(text),
            Kind.DAY: lambda text, kind: self.day(text),
            Kind.FLAG: lambda text, kind: text,
        }

    def value(self, text: str | None, kind: str, wanted: Kind) -> Any:
        """What a field of Infor's type ``kind`` is for a column; nothing for an empty text."""
        if text is None or not text.strip():
            return None
        return self._read[wanted](text, kind)

    def written(self, moment: datetime) -> str | None:
        """A calendar date as filters take it; None when the format is not known."""
        return None if self._format is None else moment.strftime(self._format)

    def _text(self, text: str, kind: str) -> str:
        # A number is an identifier here, and identifiers have no thousands.
        return f"{self.number(text):f}" if kind in NUMBERS else text

    def number(self, text: str) -> Decimal:
        """``1,234.50``, or ``1.234,50`` where the decimal mark is a comma.

        Raises ValueError for a text that is no number, and for one that is two, as ``1.234`` is
        where no mark is configured.
        """
        read = {_number(text.strip(), mark) for mark in self._marks} - {None}
        if len(read) > 1:
            raise ValueError(f"{text!r} has two readings; set decimal_mark")
        if not read:
            raise ValueError(f"{text!r} is no number; is decimal_mark right?")
        return read.pop()  # type: ignore[return-value]  # None was taken out

    def day(self, text: str) -> str:
        """The calendar date, as ISO 8601."""
        return self._date(_split(text)[0])

    def instant(self, text: str) -> str | None:
        """The instant, as ISO 8601 in UTC, or the calendar date when that is all there is."""
        date, time = _split(text)
        day = self._date(date)
        if not time:
            return day
        found = _TIME.fullmatch(time)
        if found is None:
            raise ValueError(f"{text!r} is no time")
        hour, minute, second, fraction = found.groups()
        local = datetime.fromisoformat(
            f"{day}T{int(hour):02d}:{minute}:{second or '00'}{fraction or ''}"
        )
        return self._in_utc(local)

    def _in_utc(self, local: datetime) -> str | None:
        zone = self._needed_zone()
        first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() != second.utcoffset():
            self._log.caution(
                "times in an hour that a change of the clocks repeats or skips have no one "
                "meaning without an offset, and were left empty"
            )
            return None
        return first.astimezone(UTC).isoformat()

    def _needed_zone(self) -> tzinfo:
        if self._zone is None:
            raise ConfigurationError(
                "its grids write times without a zone",
                source=self._source,
                remedy="Set time_zone to that of its server, such as 'Europe/Berlin'.",
            )
        return self._zone

    def _date(self, text: str) -> str:
        if self._format is not None:
            try:
                return datetime.strptime(text.title(), self._format).date().isoformat()  # noqa: DTZ007 - a date
            except ValueError:
                raise ValueError(f"{text!r} is no date like {self._format}") from None
        for form in (_ISO, _ORACLE, _POINTS):
            found = form.fullmatch(text)
            if found:
                return _iso(found.groupdict(), text)
        raise ValueError(f"{text!r} is no date that can be read in one way only; set date_format")


def _number(text: str, mark: str) -> Decimal | None:
    plain = text.translate(_SWAP) if mark == "," else text
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    return Decimal(plain) if _PLAIN.fullmatch(plain) else None


def _split(text: str) -> tuple[str, str]:
    """A date, and the time after it where there is one."""
    plain = text.strip()
    date, _, time = plain.partition("T" if _ISO.match(plain) and "T" in plain else " ")
    return date, time.strip()


def _iso(parts: Mapping[str, str], text: str) -> str:
    month = parts.get("m")
    if month is None:
        name = parts["name"].upper()
        if name not in _MONTHS:
            raise ValueError(f"the month in {text!r} has no English name")
        month = str(_MONTHS.index(name) + 1)
    return f"{parts['y']}-{int(month):02d}-{int(parts['d']):02d}"
