"""A real Jupyter kernel to run cells in, as a notebook would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager


@dataclass
class Cell:
    """What a cell printed and displayed, and its error if it had one."""

    text: str = ""
    error: str = ""
    displays: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


class Kernel:
    """Runs cells one after the other."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client

    def run(self, code: str, *, interrupt_after: float | None = None, limit: float = 60) -> Cell:
        """Run a cell to its end, pressing Ctrl-C after ``interrupt_after`` seconds if given."""
        started = time.monotonic()
        message = self._client.execute(code)
        cell, interrupted = Cell(), interrupt_after is None
        while time.monotonic() - started < limit:
            if not interrupted and time.monotonic() - started >= (interrupt_after or 0):
                self._manager.interrupt_kernel()
                interrupted = True
                started_stop = time.monotonic()
            try:
                reply = self._client.get_iopub_msg(timeout=0.1)
            except Empty:
                continue
            if reply["parent_header"].get("msg_id") != message:
                continue
            if _take(cell, reply):
                since = started if interrupt_after is None else started_stop
                cell.seconds = time.monotonic() - since
                return cell
        raise AssertionError(f"the cell did not end within {limit} s; it printed {cell.text!r}")


@contextmanager
def running_kernel() -> Iterator[Kernel]:
    """A kernel of this interpreter; shut down afterwards, as closing a notebook does."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)


def _take(cell: Cell, reply: dict[str, Any]) -> bool:
    """Add a message to the cell; True when it was the last."""
    kind, content = reply["msg_type"], reply["content"]
    if kind == "stream":
        cell.text += content["text"]
    elif kind in ("display_data", "execute_result"):
        cell.displays.append(content["data"])
    elif kind == "error":
        cell.error = f"{content['ename']}: {content['evalue']}"
    return bool(kind == "status" and content["execution_state"] == "idle")
