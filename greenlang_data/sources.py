"""The sources of a session: a connector for each config, found by name or by kind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from greenlang_data.connectors.base import BaseConnector
from greenlang_data.connectors.cems_config import CEMSConfig
from greenlang_data.connectors.cmms import CMMSConfig
from greenlang_data.connectors.erp import ERPConfig
from greenlang_data.connectors.historian import HistorianConfig
from greenlang_data.connectors.models import config_class_of
from greenlang_data.connectors.registry import AnyConnector, get_registry
from greenlang_data.connectors.scada import SCADAConfig
from greenlang_data.errors import ConfigurationError, QueryError
from greenlang_data.nearest import nearest_and_all
from greenlang_data.settings import ConnectorConfig
from greenlang_data.settings.config import MockVariant

KINDS: Final[dict[str, type[ConnectorConfig]]] = {
    "scada": SCADAConfig,
    "cems": CEMSConfig,
    "historian": HistorianConfig,
    "erp": ERPConfig,
    "cmms": CMMSConfig,
}


def config_classes() -> dict[str, type[ConnectorConfig]]:
    """Kind in ``greenlang.toml`` -> config class: the five families and all registered types."""
    registry = get_registry()
    custom = {
        about.connector_type: config_class_of(registry.get_connector_class(about.connector_type))
        for about in registry.list_connectors()
    }
    return {**custom, **KINDS}


def mock_configs(mock: bool | MockVariant | Sequence[MockVariant]) -> list[ConnectorConfig]:
    """What ``Session(mock=...)`` adds: a simulated source of each kind, named like it, or none.

    Raises ConfigurationError for a variant that there is not.
    """
    if mock is False:
        return []
    variants = () if mock is True else (mock,) if isinstance(mock, str) else mock
    known = get_args(MockVariant)
    for variant in variants:
        if variant not in known:
            raise ConfigurationError(
                f"the simulated plant has no variant {variant!r}",
                remedy=nearest_and_all(str(variant), known, "Variants"),
            )
    return [
        config(
            connector_id=kind, connector_type=kind, mock_mode=True, mock_variants=tuple(variants)
        )
        for kind, config in KINDS.items()
    ]


def connector_for(config: ConnectorConfig) -> AnyConnector:
    """A connector of the registered class that takes this config."""
    if not isinstance(config, ConnectorConfig):
        raise ConfigurationError(
            f"a source is a config or a connector, not a {type(config).__name__}",
            remedy="Give a list of configs, as in Session(sources=[SCADAConfig(...)]).",
        )
    registry = get_registry()
    if registry.is_registered(config.connector_type):
        return registry.create_connector(config.connector_type, config)
    for about in registry.list_connectors():
        connector = registry.get_connector_class(about.connector_type)
        if config_class_of(connector) is type(config):
            return connector(config)
    raise ConfigurationError(
        f"no registered connector takes a {type(config).__name__}",
        source=config.connector_id,
        remedy="Register one with get_registry().register(...), or pass the connector itself.",
    )


class Sources(Mapping[str, ConnectorConfig]):
    """The configs by name. They are live: what is assigned to one counts from the next call."""

    def __init__(self, sources: Iterable[ConnectorConfig | AnyConnector]) -> None:
        self._lock = threading.Lock()
        self._connectors: dict[str, AnyConnector] = {}
        self._lent: set[str] = set()  # names of those that a call brought along
        self._replaced: list[AnyConnector] = []
        for source in sources:
            self._add(source if isinstance(source, BaseConnector) else connector_for(source))

    def _add(self, connector: AnyConnector) -> None:
        name = connector.config.connector_id
        if self._connectors.setdefault(name, connector) is not connector:
            raise ConfigurationError(
                f"two sources are called {name!r}", remedy="Give each its own connector_id."
            )

    def lend(self, connector: AnyConnector) -> None:
        """Take in a connector that a call brought along.

        It takes the place of one that an earlier call brought under its name, as when a notebook
        cell is run again; that one is closed with the others. Raises ConfigurationError when a
        configured source has its name.
        """
        name = connector.config.connector_id
        with self._lock:
            earlier = self._connectors.get(name)
            if earlier is not None and earlier is not connector and name in self._lent:
                self._replaced.append(self._connectors.pop(name))
            self._add(connector)
            if earlier is None:
                self._lent.add(name)

    async def disconnect(self) -> None:
        """Close what is open, also what others took the place of; a failure stops none of it.

        Calls under way end with a SessionClosedError.
        """
        known = [*self._replaced, *self.connectors]
        for one in known:
            one.end_calls()
        opened = [one for one in known if one.is_open]
        await asyncio.gather(*(one.disconnect() for one in opened), return_exceptions=True)

    @property
    def connectors(self) -> list[AnyConnector]:
        """All connectors, in the order of the configuration."""
        return list(self._connectors.values())

    def connector(self, name: str) -> AnyConnector:
        """The connector called ``name``. Raises QueryError naming the nearest."""
        try:
            return self._connectors[name]
        except KeyError:
            raise QueryError(
                f"there is no source {name!r}",
                remedy=nearest_and_all(name, self._connectors, "Configured"),
            ) from None

    def of_kind(self, kind: str, name: str | None) -> AnyConnector:
        """The source called ``name``, which must be of ``kind``; without a name the only one."""
        wanted = KINDS[kind]
        fitting = [c for c in self.connectors if isinstance(c.config, wanted)]
        if name is not None:
            connector = self.connector(name)
            if connector not in fitting:
                raise QueryError(
                    f"source {name!r} is no {kind} source but {connector.config.connector_type}",
                    remedy=f"Use one of: {_names(fitting)}.",
                )
            return connector
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            raise QueryError(
                f"there is no {kind} source", remedy=f"Configure one, of kind {kind!r}."
            )
        raise QueryError(
            f"there are {len(fitting)} {kind} sources", remedy=f"Add source=: {_names(fitting)}."
        )

    def __getitem__(self, name: str) -> ConnectorConfig:
        config: ConnectorConfig = self._connectors[name].config
        return config

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._connectors))

    def __len__(self) -> int:
        return len(self._connectors)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        about = {name: config.source_system for name, config in self.items()}
        return f"Sources({about})"


def _names(connectors: Sequence[BaseConnector[Any, Any, Any]]) -> str:
    return ", ".join(connector.config.connector_id for connector in connectors) or "(none)"
