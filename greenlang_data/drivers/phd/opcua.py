"""PHD through an OPC UA wrapper of its OPC HDA server: plain HistoryRead."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, ClassVar, Final

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Request, Window
from greenlang_data.drivers.opcua import OpcUaDriver

# The words of historians, and the standard's own; each is stamped with its interval's start.
_NAMES: Final = {
    "time_avg": "TimeAverage",
    "std": "StandardDeviationSample",
    "range": "Range",
    "delta": "Delta",
    "percent_good": "PercentGood",
    "interpolated": "Interpolative",
}


class PhdOpcUaDriver(OpcUaDriver):
    """Reads the OPC UA server at ``server_url``; a tag is a node id or a name of its namespace."""

    name: ClassVar[str] = "phd_opcua"
    kinds: ClassVar[frozenset[str]] = OpcUaDriver.kinds | _NAMES.keys()

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._settings = _AtItsUrl(config)

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """As OPC UA does, under the historians' names of the aggregates too."""
        if isinstance(request, Window) and request.aggregation in _NAMES:
            request = replace(request, aggregation=_NAMES[request.aggregation])
        async with aclosing(super().read(request, log)) as batches:
            async for batch in batches:
                yield batch


class _AtItsUrl:
    """The config of a historian, with its address where OPC UA looks for it."""

    def __init__(self, config: Any) -> None:
        self._config = config

    @property
    def endpoint(self) -> str:
        return str(self._config.server_url)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)
