"""``session.erp``: business records, and what there is of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from greenlang_data.answer import frame_of
from greenlang_data.connectors.base import Errors
from greenlang_data.connectors.entities import CANONICAL
from greenlang_data.connectors.erp import ERPConnector, ERPQuery
from greenlang_data.connectors.listing import EntitiesQuery, FieldsQuery
from greenlang_data.connectors.query import Query, build_query
from greenlang_data.errors import QueryError, UnsupportedError
from greenlang_data.runtime import get_runtime
from greenlang_data.sources import Sources

if TYPE_CHECKING:
    import pandas as pd


def mark_of(since: pd.DataFrame | str | datetime | None) -> str | None:
    """The mark that a frame's read left, or a time as one.

    Raises QueryError for a frame whose read left none.
    """
    if since is None or isinstance(since, str):
        return since
    if isinstance(since, datetime):
        return since.isoformat()
    record = getattr(since, "attrs", {}).get("provenance")
    about = record.full.get("metadata", {}) if record is not None else {}
    mark = about.get("completeness", {}).get("mark")
    if mark is None:
        raise QueryError(
            "the read of this frame left no mark from which changes could be told",
            remedy='Read the whole entity with since="start", or give a time.',
        )
    return str(mark)


class Read(Protocol):
    """How the session answers a query of one kind of source."""

    def __call__(
        self,
        kind: str,
        query: Query,
        source: str | None,
        timeout: float | None,
        errors: Errors,
        shape: None,
        /,
    ) -> pd.DataFrame: ...


class BusinessCalls:
    """``s.erp("material")`` reads; ``s.erp.entities()`` and ``s.erp.fields("material")`` tell what.

    ``s.erp["<Tab>`` completes the names of entities, and asks nobody.
    """

    def __init__(self, sources: Sources, check_open: Callable[[], None], read: Read) -> None:
        self._sources = sources
        self._check_open = check_open
        self._read = read
        self._listed: dict[str, None] = {}

    def __call__(
        self,
        entity: ERPQuery | str,
        filters: Mapping[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        start: Any = None,
        end: Any = None,
        limit: int | None = 1000,
        *,
        since: pd.DataFrame | str | datetime | None = None,
        source: str | None = None,
        timeout: float | None = None,
        errors: Errors = "raise",
    ) -> pd.DataFrame:
        """Business records, one row each: exact decimals, leading zeros kept, dates as dates.

        ``entity`` is canonical (material, supplier, customer, purchase_order,
        purchase_order_item, supplier_invoice, goods_movement, cost_center, gl_entry, plant, asset,
        unit_of_measure, utility_bill by the rules of the configuration), or the system's own name. ``filters`` maps a column to a value or to a
        list of them. ``start`` and ``end`` bound the entity's own date: calendar dates with both
        days, points in time without ``end``; there is no end when none is given. At most ``limit`` records (None: all); a
        GreenLangWarning and the provenance's notes say when there are more.

        ``since`` asks for what has changed since an earlier frame of the same question, or a time:
        records that were changed then or later (a few minutes before included, hours on a clock
        without a zone), or, where the system keeps track itself, exactly the changes, with a column ``change`` (upsert, delete).
        ``since="start"`` reads everything and has the system keep track from then on. ``limit``
        does not hold then.

        Raises UnknownTagError for an entity and QueryError for a column that there is not, both
        with the nearest names; SourceError when records are missing that the system counts.
        """
        query = build_query(
            ERPQuery,
            entity,
            "entity_type",
            filters=filters,
            fields=fields,
            start_date=start,
            end_date=end,
            limit=limit,
            since=mark_of(since),
            none_counts=("limit",),
        )
        return self._read("erp", query, source, timeout, errors, None)

    def entities(self, source: str | None = None, *, timeout: float | None = None) -> pd.DataFrame:
        """What can be read, from the system's own metadata, one row each.

        Columns: ``entity`` (what a call takes: canonical names first, then ``service/set``),
        ``service, name, description, key``. ``timeout`` is in seconds for the whole call.
        """
        connector = self._connector(source)
        payload, provenance = get_runtime().run(connector.list_entities(timeout))
        frame = frame_of(EntitiesQuery(), payload, provenance, None)
        self._listed |= dict.fromkeys(frame["entity"])
        return frame

    def fields(
        self, entity: str, source: str | None = None, *, timeout: float | None = None
    ) -> pd.DataFrame:
        """The columns of ``entity``, from the system's own metadata, one row each.

        Columns: ``field`` (what ``filters`` and ``fields`` take), ``native_name, description,
        data_type`` (the system's), ``arrow_type, in_key, filtered_by`` (server or here).

        >>> import greenlang_data as gd
        >>> with gd.Session(mock=True) as s:
        ...     list(s.erp.fields("plant")["field"])[:2]
        ['plant_code', 'name']
        """
        connector = self._connector(source)
        payload, provenance = get_runtime().run(connector.list_fields(entity, timeout))
        return frame_of(FieldsQuery(entity=entity), payload, provenance, None)

    def __getitem__(self, name: str) -> str:
        """``name``, completed. Raises QueryError for one that is not known here."""
        if name not in self._names():
            raise QueryError(
                f"no entity {name!r} is known here",
                remedy="s.erp.entities() lists what the system has.",
            )
        return name

    def _ipython_key_completions_(self) -> list[str]:
        return self._names()

    def __repr__(self) -> str:
        return "<s.erp(entity, filters=, fields=, start=, end=, limit=); s.erp.entities() lists>"

    def _names(self) -> list[str]:
        known = dict.fromkeys(
            name
            for one in self._sources.connectors
            if isinstance(one, ERPConnector)
            for name in one.config.places
        )
        return list({**dict.fromkeys(CANONICAL), **known, **self._listed})

    def _connector(self, source: str | None) -> ERPConnector:
        self._check_open()
        connector = self._sources.of_kind("erp", source)
        if not isinstance(connector, ERPConnector):
            raise UnsupportedError(
                "this source cannot list what it has",
                source=connector.config.connector_id,
                remedy="Look it up in the system's own tools.",
            )
        return connector
