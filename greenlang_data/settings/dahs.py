"""What a data acquisition system's files or database are configured with: nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from greenlang_data.errors import QueryError
from greenlang_data.settings.files import FileSettings
from greenlang_data.settings.measurand import Moisture
from greenlang_data.settings.tag import each_once
from greenlang_data.settings.zone import ZoneSettings
from greenlang_data.times import parse_interval

_DIRECTIVE: Final = re.compile("%([A-Za-z])")

FlagMeaning = Literal[
    "measured", "calibration", "maintenance", "fault", "over_range", "substituted", "missing"
]


class DahsColumn(BaseModel):
    """``tag`` in calls and frames stands for a column, in ``unit``, as the system has it.

    ``flag_column`` holds the system's word on each value, and ``flags`` says what that means. Only
    with ``without_flag`` are values that have no such word taken as measured. ``moisture`` says
    whether the gas is wet or dry, ``reference_oxygen`` (percent) to what oxygen it is corrected.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tag: str = Field(min_length=1)
    column: str = Field(min_length=1)
    unit: str = Field(min_length=1)
    moisture: Moisture | None = None
    reference_oxygen: float | None = Field(None, ge=0, lt=20.9)
    flag_column: str | None = Field(None, min_length=1)
    without_flag: bool = False

    @property
    def basis(self) -> dict[str, Any]:
        """Moisture and reference oxygen, as they stand in the provenance."""
        return {"moisture": self.moisture, "reference_oxygen": self.reference_oxygen}


class DahsSettings(ZoneSettings, FileSettings):
    """Where the records are, and what their columns mean.

    Times are wall-clock times of ``time_zone``; with ``standard_time`` the clock stays at the
    offset of January. ``stamp`` says whether a record of ``period`` ("1min", "1h") carries the
    time of its begin or of its end; frames have its begin. ``timestamp_format`` is strptime's.

    ``dahs_csv``: ``files`` with a header line, and their ``delimiter``, ``decimal`` and
    ``encoding``. ``dahs_sql``: ``table``, in a SQLite ``database`` or in whatever ``connect()``, a
    function that returns a DB-API connection, leads to, with the driver's ``paramstyle``; times
    are stored as texts of ``timestamp_format``, which has to sort, or without one as timestamps.
    Only one SELECT is sent.
    """

    columns: tuple[DahsColumn, ...] = ()
    timestamp_column: str | None = Field(None, min_length=1)
    timestamp_format: str | None = Field(None, min_length=1)
    standard_time: bool = False
    stamp: Literal["begin", "end"] | None = None
    period: str | None = None
    flags: dict[str, FlagMeaning] = Field(default_factory=dict)
    null_values: tuple[str, ...] = ("",)

    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] | None = None
    encoding: str = "utf-8"

    database: str | None = Field(None, min_length=1)
    connect: Callable[[], Any] | None = Field(None, exclude=True, repr=False)
    table: str | None = Field(
        None, pattern=r"^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*$"
    )
    paramstyle: Literal["qmark", "format", "pyformat", "named", "numeric"] = "qmark"

    _each_once = field_validator("columns")(each_once)

    @field_validator("period")
    @classmethod
    def _readable_period(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_interval(value)
            except QueryError as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("timestamp_format")
    @classmethod
    def _read_in_one_way(cls, value: str | None) -> str | None:
        parts = set(_DIRECTIVE.findall(value or ""))
        if parts & {"z", "Z"}:
            raise ValueError(
                f"{value!r} has a zone of its own, and times are read on the clock of time_zone; "
                "export them without one"
            )
        if ("I" in parts) != ("p" in parts):
            raise ValueError(
                f"{value!r} tells no half of the day; %I and %p belong together, %H is of 24 hours"
            )
        return value

    @model_validator(mode="after")
    def _texts_that_sort(self) -> Self:
        written = self.timestamp_format
        if self.table is not None and written is not None:
            parts = _DIRECTIVE.findall(written)
            if parts != list("YmdHMS")[: len(parts)] or len(parts) < 3:
                raise ValueError(
                    f"texts of {written!r} do not sort by time, so the database cannot select by "
                    "them; give a view that has timestamps, or texts such as %Y-%m-%d %H:%M:%S"
                )
        return self

    @property
    def period_seconds(self) -> float:
        """How long a record lasts."""
        return parse_interval(str(self.period))
