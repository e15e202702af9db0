"""What Infor EAM answers, as plain structures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from greenlang_data.drivers.http.jsons import errors_in, json_decoder
from greenlang_data.drivers.http.twice import check_names

_NO_SESSION: Final = "NoSessionException"
_NONE: Final = (None, "", "0", 0)


class Field(Struct, rename="upper", gc=False):
    """One field of a row of a grid."""

    fieldname: str
    datatype: str = "VARCHAR"
    fieldvalue: str | None = None


class Record(Struct, rename="upper", gc=False):
    """One row of a grid."""

    datafield: list[Field]


class Metadata(Struct, rename="upper"):
    """About a page of a grid; a ``+`` says that there is more."""

    morerecordpresent: str | None = None
    records: int | str | None = None


class GridData(Struct, rename="upper"):
    """A page of a grid."""

    datarecord: list[Record] | None = None
    metadata: Metadata | None = None
    currentcursorposition: int | str | None = None
    nextcursorposition: int | str | None = None


class GridResult(Struct, rename={"data": "ResultData"}):
    """What is inside ``Result``."""

    data: GridData


class GridAnswer(Struct, rename={"result": "Result"}):
    """A whole answer."""

    result: GridResult


Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and where they and the next ones are. ``kinds`` has Infor's type of each field."""

    rows: Sequence[Row]
    kinds: Mapping[str, str]
    current: int | None
    following: int | None
    says_more: bool = False


_grid: Callable[[bytes | bytearray], GridAnswer] = json_decoder(GridAnswer)
_any: Callable[[bytes | bytearray], Any] = json_decoder(Any, float_hook=Decimal)


def read_grid(body: bytes | bytearray) -> Page:
    """A page of a grid. Raises ValueError when it is none."""
    data = _grid(body).result.data
    if data.datarecord is None and (data.metadata is None or data.metadata.records not in _NONE):
        raise ValueError("it has no DATARECORD")
    records = data.datarecord or []
    check_names(body)
    rows = [{one.fieldname: one.fieldvalue for one in record.datafield} for record in records]
    if any(len(row) < len(one.datafield) for row, one in zip(rows, records, strict=True)):
        raise ValueError("a record has a field twice")
    kinds = {one.fieldname: one.datatype for one in records[0].datafield} if records else {}
    says_more = data.metadata is not None and data.metadata.morerecordpresent == "+"
    current, following = map(_position, (data.currentcursorposition, data.nextcursorposition))
    return Page(rows, kinds, current, following, says_more)


def collection_reader(within: str) -> Callable[[bytes | bytearray], Page]:
    """A function from a body to a page of the entities called ``within``."""

    def read(body: bytes | bytearray) -> Page:
        found = _any(body)
        check_names(body)
        try:
            data = found["Result"]["ResultData"]
            rows = [record.get(within, record) for record in data["DATARECORD"] or []]
            positions = [data.get(f"{name}CURSORPOSITION") for name in ("CURRENT", "NEXT")]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is no collection ({error})") from None
        current, following = map(_position, positions)
        return Page(rows, {}, current, following)

    return read


def _position(told: int | str | None) -> int | None:
    """A cursor's position. Raises ValueError for what is no number."""
    return None if told is None or told == "" else int(told)


def explain(body: bytes) -> str:
    """What Infor EAM says is wrong."""
    return "; ".join(str(one.get("Message", "")) for one in _alerts(body))


def lost_session(body: bytes) -> bool:
    """Whether it refuses because the session has ended, which comes as any other error does."""
    return any(_NO_SESSION in str(one.get("Name", "")) for one in _alerts(body))


def _alerts(body: bytes) -> list[Mapping[str, Any]]:
    said = errors_in(body)
    alerts = said.get("ErrorAlert") if isinstance(said, dict) else None
    return [one for one in alerts if isinstance(one, dict)] if isinstance(alerts, list) else []
