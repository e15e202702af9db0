"""The configuration of sources that are reached at an endpoint by a plant protocol."""

from __future__ import annotations

from greenlang_data.settings.config import ConnectorConfig


class EndpointSettings(ConnectorConfig):
    """Where the source is; what an endpoint looks like depends on the protocol."""

    endpoint: str = ""
