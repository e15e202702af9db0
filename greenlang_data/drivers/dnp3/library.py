"""The protocol library: loaded when needed, and never in the way of the end of a process.

Its threads run until they are told to stop. A process that ends before that hangs, and so does a
child after a fork in which something touches what its parent started.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import platform
import sys
from typing import Any, Final

from greenlang_data.errors import ConfigurationError

_managers: Final[dict[int, list[Any]]] = {}
_hooked: Final[list[bool]] = []


def load_library(source: str) -> Any:
    """The module ``opendnp3``. Raises ConfigurationError where it cannot be had."""
    try:
        import opendnp3
    except ImportError as error:
        machine = platform.machine()
        remedy = "Run: pip install 'greenlang_data[dnp3]'"
        if machine not in ("x86_64", "AMD64") or sys.platform not in ("linux", "win32"):
            remedy = "Read it from a Linux or Windows machine with an x86-64 processor."
        raise ConfigurationError(
            f"the dnp3 driver needs yadnp3, which cannot be imported here "
            f"({sys.platform} {machine}): {error}",
            source=source,
            remedy=remedy,
        ) from error
    return opendnp3


def start_manager(library: Any) -> Any:
    """A manager with one thread, which ends at the latest with the process."""
    if not _hooked:
        _hooked.append(True)
        atexit.register(_stop_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_abandon_all)
    manager = library.DNP3Manager(1)
    _managers[id(manager)] = [manager]
    return manager


def keep(manager: Any, *parts: Any) -> None:
    """Remember what belongs to the manager, so that a child leaves it alone as well."""
    _managers[id(manager)].extend(parts)


def stop_manager(manager: Any) -> None:
    """Close its connections; its thread ends when nothing refers to its parts any more.

    Harmless when called again, or in a child.
    """
    parts = _managers.pop(id(manager), None)
    if parts is not None:
        manager.Shutdown()


def _stop_all() -> None:
    for parts in list(_managers.values()):
        stop_manager(parts[0])


def _abandon_all() -> None:
    # The threads are not in the child, and to free what they use would wait for them for ever.
    for parts in _managers.values():
        for part in parts:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(part))
    _managers.clear()
