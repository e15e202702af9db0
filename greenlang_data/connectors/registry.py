"""Which connectors there are, and how to make one."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, Field, field_validator

from greenlang_data.connectors.base import BaseConnector
from greenlang_data.connectors.cems import CEMSConnector
from greenlang_data.connectors.cems_config import CEMSProtocol
from greenlang_data.connectors.cmms import CMMSConnector
from greenlang_data.connectors.erp import ERPConnector
from greenlang_data.connectors.historian import HistorianConnector
from greenlang_data.connectors.models import config_class_of
from greenlang_data.connectors.scada import Protocol, SCADAConnector
from greenlang_data.errors import ConfigurationError
from greenlang_data.nearest import nearest_and_all
from greenlang_data.settings import ConnectorConfig

AnyConnector = BaseConnector[Any, Any, Any]

_VERSION = re.compile(r"\d+\.\d+\.\d+([-+.][0-9A-Za-z.-]+)?")

_BUILT_IN: tuple[tuple[type[AnyConnector], str, list[str]], ...] = (
    (SCADAConnector, "Control systems: current values and history", list(get_args(Protocol))),
    (ERPConnector, "Business records: materials, purchases, bills", []),
    (CEMSConnector, "Continuous emissions monitoring", list(get_args(CEMSProtocol))),
    (HistorianConnector, "Stored process values", []),
    (CMMSConnector, "Work orders, assets, maintenance plans", []),
)


class ConnectorRegistration(BaseModel):
    """What the registry knows of one connector. ``registered_at`` is UTC."""

    connector_type: str = Field(min_length=1)
    connector_class_name: str
    version: str
    description: str = ""
    supported_protocols: list[str] = Field(default_factory=list)
    config_schema: dict[str, Any] | None = None
    registered_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @field_validator("version")
    @classmethod
    def _semantic(cls, value: str) -> str:
        if not _VERSION.fullmatch(value):
            raise ValueError(f"{value!r} is not a version such as 1.0.0")
        return value


class IntegrationRegistry:
    """Connector classes by type name; a new registry knows the five built-in ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._classes: dict[str, type[AnyConnector]] = {}
        self._about: dict[str, ConnectorRegistration] = {}
        for connector, description, protocols in _BUILT_IN:
            self.register(connector, description, protocols)

    def register(
        self,
        connector_class: type[AnyConnector],
        description: str = "",
        supported_protocols: list[str] | None = None,
    ) -> None:
        """Add a connector under its ``connector_id``.

        The same class again, or its new definition after a notebook cell was run again, replaces
        the old one. Raises ConfigurationError for a class that is no BaseConnector, and for a name that
        another class has; ValueError for a version that is none.
        """
        if not (isinstance(connector_class, type) and issubclass(connector_class, BaseConnector)):
            raise ConfigurationError(
                f"{connector_class!r} is no connector", remedy="Derive it from BaseConnector."
            )
        name = connector_class.connector_id
        about = ConnectorRegistration(
            connector_type=name,
            connector_class_name=connector_class.__name__,
            version=connector_class.connector_version,
            description=description,
            supported_protocols=supported_protocols or [],
            config_schema=config_class_of(connector_class).model_json_schema(mode="serialization"),
        )
        with self._lock:
            held = self._classes.get(name)
            if held is not None and not _same_class(held, connector_class):
                raise ConfigurationError(
                    f"{name!r} is registered already, for {held.__name__}",
                    remedy="Give the class another connector_id, or unregister the other first.",
                )
            self._classes[name] = connector_class
            self._about[name] = about

    def unregister(self, connector_type: str) -> bool:
        """Forget a connector; False when it was not there."""
        with self._lock:
            self._about.pop(connector_type, None)
            return self._classes.pop(connector_type, None) is not None

    def create_connector(self, connector_type: str, config: ConnectorConfig) -> AnyConnector:
        """A connector of that type, after checking that ``config`` is of the right class."""
        self.validate_config(connector_type, config)
        return self.get_connector_class(connector_type)(config)

    def get_connector_class(self, connector_type: str) -> type[AnyConnector]:
        """The class. Raises ConfigurationError for an unknown type, naming the nearest."""
        try:
            return self._classes[connector_type]
        except KeyError:
            raise self._unknown(connector_type) from None

    def get_connector_info(self, connector_type: str) -> ConnectorRegistration:
        """What is known of it. Raises ConfigurationError for an unknown type."""
        try:
            return self._about[connector_type]
        except KeyError:
            raise self._unknown(connector_type) from None

    def list_connectors(self) -> list[ConnectorRegistration]:
        """All of them, in the order in which they were registered."""
        return list(self._about.values())

    def is_registered(self, connector_type: str) -> bool:
        """Whether there is a connector of that type."""
        return connector_type in self._classes

    def get_version(self, connector_type: str) -> str:
        """Its version. Raises ConfigurationError for an unknown type."""
        return self.get_connector_info(connector_type).version

    def validate_config(self, connector_type: str, config: ConnectorConfig) -> bool:
        """True when ``config`` is of the class that the connector takes; else an error."""
        wanted = config_class_of(self.get_connector_class(connector_type))
        if not isinstance(config, wanted):
            raise ConfigurationError(
                f"{connector_type!r} takes a {wanted.__name__}, not a {type(config).__name__}",
                remedy=f"Make a {wanted.__name__}.",
            )
        return True

    def _unknown(self, connector_type: str) -> ConfigurationError:
        return ConfigurationError(
            f"there is no connector {connector_type!r}",
            remedy=nearest_and_all(connector_type, self._classes, "Registered"),
        )


def _same_class(one: type[AnyConnector], other: type[AnyConnector]) -> bool:
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


@cache
def get_registry() -> IntegrationRegistry:
    """The registry that sessions use; one in a process."""
    return IntegrationRegistry()
