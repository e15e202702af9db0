"""``session.tags``: what a source has, found by name and completed in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from greenlang_data.answer import frame_of
from greenlang_data.connectors.cems_config import CEMSConfig
from greenlang_data.connectors.driven import DrivenConnector
from greenlang_data.connectors.historian import HistorianConfig
from greenlang_data.connectors.registry import AnyConnector
from greenlang_data.connectors.scada import SCADAConfig
from greenlang_data.connectors.tags import TagsPayload, TagsQuery
from greenlang_data.errors import QueryError, UnknownTagError
from greenlang_data.provenance.hash import hash_json
from greenlang_data.runtime import get_runtime
from greenlang_data.sources import Sources

if TYPE_CHECKING:
    import pandas as pd

    from greenlang_data.provenance.record import ConnectorProvenance

_WITH_TAGS: Final = (SCADAConfig, HistorianConfig)


class Listing:
    """What one source listed: ``tags["Temperature"]`` is the id that a query takes.

    Only :meth:`find` asks the source, at its first call and with ``refresh=True``; looking things
    up, completing them (``tags["<Tab>``) and displaying this never do.
    """

    def __init__(
        self, connector: DrivenConnector[Any, Any, Any], check_open: Callable[[], None]
    ) -> None:
        self._connector = connector
        self._check_open = check_open
        self._listed: tuple[TagsPayload, ConnectorProvenance] | None = None
        self._settings: tuple[Any, ...] = ()
        self._ids: dict[str, str] = {}

    def find(
        self, pattern: str = "*", *, refresh: bool = False, timeout: float | None = None
    ) -> pd.DataFrame:
        """The tags whose id or name fits ``pattern``, one row each, with provenance.

        Columns: ``tag_id, tag_name, path, description, data_type, unit, low, high``. In
        ``pattern`` ``*`` stands for any characters and ``?`` for one; case does not count. The
        source is asked once; with ``refresh=True`` again. ``timeout`` is in seconds.

        Raises UnsupportedError when there is nothing to list, and what :meth:`Session.scada` raises
        when the source cannot be asked.

        >>> import greenlang_data as gd
        >>> with gd.Session(mock=True) as s:
        ...     list(s.tags("scada").find("*water.s*")["tag_name"])
        ['CoolingWater.SupplyTemp']
        """
        if not isinstance(pattern, str):
            raise QueryError(
                f"pattern is a {type(pattern).__name__}", remedy="Give text such as '*Temp*'."
            )
        query = TagsQuery(pattern=pattern)
        payload, provenance = self._current(refresh, timeout)
        if provenance.query_hash:
            query_hash = hash_json(query.model_dump(mode="json"))
            provenance = provenance.model_copy(update={"query_hash": query_hash})
        return frame_of(query, payload.only(query), provenance, None)

    @property
    def listed_at(self) -> datetime | None:
        """When the source was asked (UTC), or None before that."""
        return None if self._listed is None else self._listed[1].timestamp

    def _current(
        self, refresh: bool, timeout: float | None
    ) -> tuple[TagsPayload, ConnectorProvenance]:
        settings = self._connector.own_settings()
        # A list of another address, or of another register map, must not pass for this one's.
        changed = len(settings) != len(self._settings) or any(
            new is not old for new, old in zip(settings, self._settings, strict=True)
        )
        if self._listed is None or refresh or changed:
            self._check_open()
            self._listed = get_runtime().run(self._connector.list_tags(timeout))
            self._settings = settings
            self._ids = _ids_by_name(self._listed[0])
        return self._listed

    def __getitem__(self, name: str) -> str:
        try:
            return self._ids[name]
        except KeyError:
            raise UnknownTagError(
                f"no single tag {name!r} is in the list",
                source=self._connector.config.connector_id,
                remedy="Call find() first; it lists them."
                if self._listed is None
                else "Search with find('*...*'), or find(refresh=True) to list them anew.",
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._ids))

    def __len__(self) -> int:
        return len(self._ids)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._ids)

    def __repr__(self) -> str:
        config = self._connector.config
        what = "not listed yet; .find('*Temp*') asks for them"
        if self._listed is not None:
            payload, provenance = self._listed
            what = f"{len(payload.tags)} listed at {provenance.timestamp:%Y-%m-%d %H:%M:%S} UTC"
        return f"<Tags of {config.connector_id!r} ({config.source_system}): {what}>"


class TagsOfSources:
    """``s.tags("plant1")`` is the tags of a source; ``s.tags`` itself those of the only one.

    With several sources that have tags, ``s.tags`` is that of the only SCADA source, if there is
    one.
    """

    def __init__(self, sources: Sources, check_open: Callable[[], None]) -> None:
        self._sources = sources
        self._check_open = check_open
        self._listings: dict[AnyConnector, Listing] = {}

    def __call__(self, source: str | None = None) -> Listing:
        """The tags of ``source``. Raises QueryError for one that has none; asks nobody."""
        connector = self._only() if source is None else self._sources.connector(source)
        if not _has_tags(connector) or not isinstance(connector, DrivenConnector):
            raise QueryError(
                f"source {source!r} has no tags", remedy=f"Use one of: {', '.join(self._names())}."
            )
        if connector not in self._listings:
            self._listings[connector] = Listing(connector, self._check_open)
        return self._listings[connector]

    def find(
        self, pattern: str = "*", *, refresh: bool = False, timeout: float | None = None
    ) -> pd.DataFrame:
        """:meth:`Listing.find` of the only source."""
        return self().find(pattern, refresh=refresh, timeout=timeout)

    def __getitem__(self, name: str) -> str:
        return self()[name]

    def _ipython_key_completions_(self) -> list[str]:
        try:
            return list(self())
        except QueryError:  # none, or several; completing is no place for an error
            return []

    def __repr__(self) -> str:
        return f"<Tags of {', '.join(self._names()) or 'no source'}; s.tags(source).find('*Temp*')>"

    def _only(self) -> AnyConnector:
        fitting = [one for one in self._sources.connectors if _has_tags(one)]
        if len(fitting) == 1:
            return fitting[0]
        return self._sources.of_kind("scada", None)

    def _names(self) -> list[str]:
        return [one.config.connector_id for one in self._sources.connectors if _has_tags(one)]


def _has_tags(connector: AnyConnector) -> bool:
    config = connector.config
    if isinstance(config, CEMSConfig):
        return not config.mock_mode  # the simulated plant lists all its tags, not a stack's
    return isinstance(config, _WITH_TAGS)


def _ids_by_name(payload: TagsPayload) -> dict[str, str]:
    """Each id, and each name that is only one tag's, to the id."""
    table = payload.result.table
    ids: list[str] = table.column("tag_id").to_pylist()
    found = {tag: tag for tag in ids}
    names: dict[str, list[str]] = {}
    for tag, name in zip(ids, table.column("tag_name").to_pylist(), strict=True):
        if name and name not in found:
            names.setdefault(name, []).append(tag)
    found.update({name: tags[0] for name, tags in names.items() if len(tags) == 1})
    return found
