"""The record of every request, so that tests can prove what was never sent."""

from __future__ import annotations

import json
from pathlib import Path

from .request import Function, Malformed, Request, headers

HOUSEKEEPING = {
    Function.CONFIRM,
    Function.READ,
    Function.ENABLE_UNSOLICITED,
    Function.DISABLE_UNSOLICITED,
    Function.DELAY_MEASURE,
    Function.RECORD_CURRENT_TIME,
}
CLEAR_RESTART = {bytes([80, 1, 0x00, 7, 7, 0x00]), bytes([80, 1, 0x01, 7, 0, 7, 0, 0x00])}
CONTROL_GROUPS = {12, 41}


def is_attempt(request: Request) -> bool:
    """Whether the request would change anything but the restart indication."""
    if request.function == Function.WRITE:
        return request.objects not in CLEAR_RESTART
    return request.function not in HOUSEKEEPING or any(
        group in CONTROL_GROUPS for group, _, _ in _objects(request)
    )


def _objects(request: Request) -> list[list[int]]:
    """[group, variation, qualifier] of every header, or of the first when data follows it."""
    try:
        found = headers(request.objects)
    except Malformed:
        return [list(request.objects[:3])] if len(request.objects) >= 3 else []
    return [[header.group, header.variation, header.qualifier] for header in found]


class Audit:
    """One JSON line for each request; nothing is written without a file."""

    def __init__(self, path: Path | None) -> None:
        # Appending, because the test process empties the file to clear it.
        self._file = path.open("a", encoding="utf-8") if path else None

    def write(self, request: Request, source: int) -> None:
        """Record one request."""
        if self._file is None:
            return
        line = {
            "function": request.function,
            "name": request.name,
            "sequence": request.sequence,
            "source": source,
            "objects": _objects(request),
            "attempt": is_attempt(request),
            "raw": request.raw.hex(),
        }
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def clear(self) -> None:
        """Forget everything recorded so far."""
        if self._file:
            self._file.truncate(0)
