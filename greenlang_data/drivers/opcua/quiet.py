"""Keeps asyncua's log lines about our own connections off the user's screen.

The driver raises an error for whatever they tell. Lines about connections that the user opened
with asyncua himself are not touched, because a context variable marks ours.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

_T = TypeVar("_T")

_ours: Final = contextvars.ContextVar("greenlang_data_opcua", default=False)
_log: Final = logging.getLogger("greenlang_data.drivers.opcua")
_LOGGERS: Final = (
    "asyncua.client.client",
    "asyncua.client.ua_client.UASocketProtocol",
    "asyncua.client.ua_client.UaClient",
    "asyncua.client.ua_session",
    "asyncua.client.ua_session.UaSession",
    "asyncua.uaprotocol",
    "asyncua.crypto.uacrypto",
    "asyncua.ua.ua_binary",
)


class _OursToDebug(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if not _ours.get():
            return True
        _log.debug("asyncua: %s", record.getMessage())
        return False


def install() -> None:
    """Put the filter on asyncua's loggers; harmless when it is there already."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, _OursToDebug) for one in logger.filters):
            logger.addFilter(_OursToDebug())


async def quietly(work: Coroutine[Any, Any, _T]) -> _T:
    """Run ``work`` marked as ours, with every callback of the sockets that it opens."""
    context = contextvars.copy_context()
    context.run(_ours.set, True)
    return await asyncio.create_task(work, context=context)
