"""How OData V2 and V4 write values and describe columns."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Column(NamedTuple):
    """A column's kind (``_V2`` has all of them) and its sizes."""

    kind: str
    size: int = 0  # the length of a text, the digits of a decimal
    scale: int = 0
    searchable: bool = True  # whether rows can be filtered and sorted by it


_V2 = {
    "string": "Edm.String", "decimal": "Edm.Decimal", "int64": "Edm.Int64", "int32": "Edm.Int32",
    "int16": "Edm.Int16", "byte": "Edm.Byte", "sbyte": "Edm.SByte", "double": "Edm.Double",
    "single": "Edm.Single", "boolean": "Edm.Boolean", "guid": "Edm.Guid", "date": "Edm.DateTime",
    "time": "Edm.Time", "moment": "Edm.DateTimeOffset", "binary": "Edm.Binary",
    "yesno": "Microsoft.Dynamics.DataEntities.NoYes",
    "unittype": "Microsoft.Dynamics.DataEntities.OMOperatingUnitType",
}  # fmt: skip
_V4 = _V2 | {"date": "Edm.Date", "time": "Edm.TimeOfDay"}
_STRINGS_IN_V2 = {"decimal", "int64", "double", "single"}


class Moment(NamedTuple):
    """An instant with a seventh digit, which ``datetime`` cannot hold."""

    moment: datetime
    tenth: int  # of a microsecond

    def text(self) -> str:
        return f"{self.moment.strftime('%Y-%m-%dT%H:%M:%S.%f')}{self.tenth}Z"


def ticks(moment: datetime) -> int:
    """Whole milliseconds since 1970, exact."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def v2_value(value: Any, column: Column, offset: str = "+0000") -> Any:
    """A value in V2 JSON; ``offset`` is what instants end with."""
    if value is None or isinstance(value, str | bool):  # most values, so they come first
        return value
    if isinstance(value, Moment):
        value = value.moment
    if isinstance(value, datetime):
        return f"/Date({ticks(value)}{offset})/"
    if isinstance(value, date):
        return f"/Date({ticks(datetime(value.year, value.month, value.day, tzinfo=UTC))})/"
    if isinstance(value, time):
        return f"PT{value.hour:02d}H{value.minute:02d}M{value.second:02d}S"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float):
        return scientific(value)
    if column.kind in _STRINGS_IN_V2:
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    return value if isinstance(value, int | float) else str(value)


def scientific(value: float) -> str:
    """A binary number as ABAP writes it: all its digits and always an exponent, ``1.728E5``."""
    return f"{Decimal(repr(value)).normalize():E}".replace("E+", "E")


# A private character marks the digits that JSON is to have without quotes.
_MARK = "\ue000"


def raw(value: Decimal) -> str:
    """A number that ``dumps_raw`` writes with all its digits."""
    return f"{_MARK}{value:f}{_MARK}"


def dumps_raw(value: Any) -> str:
    """JSON in which the numbers of ``raw`` have all their digits."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace(f'"{_MARK}', "").replace(f'{_MARK}"', "")


def v4_value(value: Any, column: Column, *, strings: bool) -> Any:
    """A value in V4 JSON; ``strings`` is the IEEE754Compatible form of decimals and Int64."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}" if strings else raw(value)
    if isinstance(value, Moment):
        return value.text()
    if isinstance(value, datetime):
        form = "microseconds" if value.microsecond % 1000 else "milliseconds"
        spec = form if value.microsecond else "seconds"
        return value.isoformat(timespec=spec).replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.urlsafe_b64encode(value).decode()
    if column.kind == "int64" and strings:
        return str(value)
    return value if isinstance(value, int | float) else str(value)


def property_xml(name: str, column: Column, *, version: int, nullable: bool) -> str:
    """A ``Property`` of a metadata document."""
    kind = (_V2 if version == 2 else _V4)[column.kind]
    parts = [f"Name={quoteattr(name)}", f'Type="{kind}"']
    if column.kind == "string" and column.size:
        parts.append(f'MaxLength="{column.size}"')
    if column.kind == "decimal":
        parts += [f'Precision="{column.size}"', f'Scale="{column.scale}"']
    if column.kind == "moment":
        parts.append('Precision="7"')
    if column.kind == "date" and version == 2:
        parts.append('Precision="0" sap:display-format="Date"')
    if not column.searchable and version == 2:
        parts.append('sap:filterable="false" sap:sortable="false"')
    if not nullable:
        parts.append('Nullable="false"')
    return f"<Property {' '.join(parts)}/>"
