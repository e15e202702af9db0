"""The rows of a part that belong to the records which are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.odata.driver import ODataDriver
from greenlang_data.drivers.places import Place
from greenlang_data.drivers.reading import RecordReading
from greenlang_data.drivers.sappm.fields import Source, resolved
from greenlang_data.drivers.sappm.parts import Part
from greenlang_data.errors import AuthenticationError, ConfigurationError, QueryError
from greenlang_data.nearest import nearest_and_all
from greenlang_data.settings.cmms import CmmsSettings

_AT_ONCE: Final = 100
_FEW: Final = 1_000


class Gathering:
    """Reads a part in steps that can be taken again. ``table`` is None where there is none."""

    def __init__(
        self, odata: ODataDriver, settings: CmmsSettings, part: Part, log: ReadLog
    ) -> None:
        self._odata = odata
        self._log = log
        self.part = part
        self._source = settings.connector_id
        self._own = settings.field_map.get(part.name, {})
        self._is_named = part.name in settings.objects
        service, _, name = settings.objects.get(part.name, part.place).rpartition("/")
        self._place = Place(service, name)
        self._fields: dict[str, Source] = {}
        self._questions: list[Records] | None = None
        self._inner: RecordReading | None = None
        self._found: list[pa.Table] = []
        self.table: pa.Table | None = None

    def check(self) -> None:
        """Raise ConfigurationError for columns that the part does not have, or that need a field."""
        for name in self._own:
            if name not in self.part.columns:
                raise ConfigurationError(
                    f"field_map.{self.part.name} names {name!r}, which is no column of it",
                    source=self._source,
                    remedy=nearest_and_all(name, self.part.columns),
                )
        for name, field in self._named.items():
            if not field and name not in self.part.optional:
                raise ConfigurationError(
                    f"objects.{self.part.name} is read, and which field its {name} is, is not told",
                    source=self._source,
                    remedy=f"Name it in field_map.{self.part.name}.{name}.",
                )

    @property
    def _named(self) -> Mapping[str, str]:
        return {**self.part.columns, **self._own}

    async def advance(self, ids: Sequence[str], whole: bool, start: datetime | date | None) -> bool:
        """Read a page more of what belongs to the records ``ids``, and tell whether there is more.

        They are all that there are where ``whole`` is true. Rows of days before ``start`` may be
        left out. Raises what :meth:`RecordReading.advance` raises.
        """
        if self._questions is None:
            self._questions = await self._begin(ids, whole, start)
        if self._inner is None and self._questions:
            self._inner = self._odata.reading(self._questions[0], self._log)
        if self._inner is not None:
            if await self._inner.advance():
                return True
            self._found.append(pa.Table.from_batches(self._inner.batches()))
            self._inner = None
            self._questions.pop(0)
        if self._questions:
            return True
        if self._found:
            self.table = self._renamed(pa.concat_tables(self._found))
        return False

    async def _begin(
        self, ids: Sequence[str], whole: bool, start: datetime | date | None
    ) -> list[Records]:
        if not ids:
            return []
        known: dict[str, bool] = {}
        asked = Records(self.part.name, places=(self._place,))
        try:
            async for about in self._odata.list_fields(asked, self._log):
                names, by = (
                    about.column(one).to_pylist() for one in ("native_name", "filtered_by")
                )
                known |= {name: one == "server" for name, one in zip(names, by, strict=True)}
        except (QueryError, AuthenticationError) as error:
            if self._is_named:
                raise
            self._lacks(error.what)
            return []
        if not self._resolve(known):
            return []
        return self._ask(known, ids, whole, start)

    def _resolve(self, known: Mapping[str, bool]) -> bool:
        """Find the fields of the columns; False when one that is needed is not there."""
        for column, field in self._named.items():
            source = resolved(field, known)
            if source is not None:
                self._fields[column] = source
            elif column not in self.part.optional:
                self._lacks(
                    f"{self._place.service}/{self._place.name} has no field {field!r}; name its "
                    f"own in field_map.{self.part.name}.{column}. {nearest_and_all(field, known)}"
                )
                return False
        return True

    def _lacks(self, why: str) -> None:
        columns = " and ".join(self.part.fills)
        self._log.caution(
            f"{columns} of {self.part.entity} are missing, as {self.part.name} rows cannot be "
            f"read: {why}"
        )

    def _ask(
        self, known: Mapping[str, bool], ids: Sequence[str], whole: bool, start: Any
    ) -> list[Records]:
        """As few questions as possible: for some records each, or one for those of all."""
        record = self._fields["record"].name
        fields = tuple(dict.fromkeys(one.name for one in self._fields.values()))
        place = self._place
        day = self._fields.get(self.part.day or "")
        if day is not None and start is not None and known[day.name]:
            place = Place(place.service, place.name, date=day.name)
        else:
            start = None
        one_question = not known[record] or (whole and len(ids) > _FEW)
        parts = [()] if one_question else list(_several(ids))
        return [
            Records(
                self.part.name,
                {record: list(some)} if some else {},
                fields,
                start=start,
                places=(place,),
            )
            for some in parts
        ]

    def _renamed(self, table: pa.Table) -> pa.Table:
        columns = {name: table.column(source.name) for name, source in self._fields.items()}
        return pa.table(columns)


def _several(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[first : first + _AT_ONCE] for first in range(0, len(ids), _AT_ONCE)]
