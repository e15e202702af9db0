"""An emulator of the OIBus agent, which gives OPC HDA and DA servers an HTTP face.

The contract is what OIBus's own connector sends and reads, what the agent's documentation shows, and
what OIBus says of the agent's reader, which it has ported: values as texts of .NET, qualities of OPC
as hexadecimal numbers, no point for an item that is not there or a value that is none, and pages
that begin with what the one before ended with. See ``README.md``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from . import historian_series as series
from . import pi_times
from .historian_http import Answer, Emulator, Refused, Request, run
from .historian_tags import SECOND, Event, State, Tag, catalogue, every
from .proficy_data import time_text

UTC = ZoneInfo("UTC")
RESAMPLING = {"1s": "1s", "10s": "10s", "30s": "30s", "1min": "1m", "1h": "1h", "1d": "1d"}
# HDA aggregate -> PI's name of the same summary, time weighted.
TIME_WEIGHTED = {
    "time-average": "Average",
    "minimum": "Minimum",
    "maximum": "Maximum",
    "range": "Range",
    "total": "Total",
    "percent-good": "PercentGood",
    "duration-good": "Count",
}
EVENT_WEIGHTED = {"average": "Average", "count": "Count", "stdev": "StdDev"}
GOOD, UNCERTAIN, COMM_FAILURE = 0xC0, 0x40, 0x18
RAW, CALCULATED = 0x4_0000, 0x8_0000
LONGEST_LOOP_SECONDS = 60.0

# Of this tag there are three samples that are alike, every ten seconds.
TWICE = Tag("Twice", 1_000, every(10 * SECOND), lambda t, i, _: Event(t, i // 7), lambda _: 3)


class OibusAgent(Emulator):
    """One agent; connections are named by the client and belong to one server in one mode."""

    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults,
        "hda_server": "OPC.PHDServerHDA.1",
        "da_server": "OPC.PHDServerDA.1",
        "now": "2026-01-01T00:00:00Z",  # of which the current values are
        "connect_status": 200,  # or 204, as the first agents answered
        "reconnects": False,  # whether a read opens what is not open, as some agents do
        "unknown_item": "absent",  # or 400: the whole read fails
        "page": 0,  # an HDA server's own limit of values of one item at once; 0 is none
        "quality": True,  # whether a quality is told
        "shift_hours": 0,  # by how much the clock of the agent's machine is wrong
    }

    def __init__(self, bulk: int = 250) -> None:
        super().__init__()
        self.tags = {**catalogue(bulk), TWICE.name: TWICE}
        self.open: dict[str, str] = {}

    def reset(self) -> None:
        super().reset()
        self.open.clear()

    def handle(self, request: Request) -> Answer:
        parts = request.parts
        if len(parts) != 4 or parts[:2] != ["api", "opc"]:
            raise Refused(Answer(404, "Not found", content_type="text/plain"))
        name, action = parts[2:]
        known = {
            ("PUT", "connect"): self._connect,
            ("GET", "status"): self._status,
            ("PUT", "read"): self._read,
            ("DELETE", "disconnect"): self._disconnect,
        }.get((request.method, action))
        if known is None:
            raise Refused(Answer(405, "Method not allowed", content_type="text/plain"))
        return known(name, _json(request))

    def _connect(self, name: str, body: dict[str, Any]) -> Answer:
        self._opened(name, body)
        status = self.knob("connect_status")
        return Answer(status, b"" if status == 204 else {"message": "connected"})

    def _opened(self, name: str, body: dict[str, Any]) -> None:
        mode = body.get("mode", "hda")
        server = {"hda": self.knob("hda_server"), "da": self.knob("da_server")}.get(mode)
        if server is None or body.get("serverName") != server or "host" not in body:
            raise _bad(f"Server {body.get('serverName')} was not found on {body.get('host')}")
        self.open.setdefault(name, mode)

    def _status(self, name: str, _: dict[str, Any]) -> Answer:
        self._require_open(name)
        return Answer(200, {"mode": self.open[name], "status": "running"})

    def _disconnect(self, name: str, _: dict[str, Any]) -> Answer:
        self.open.pop(name, None)
        return Answer(200, {"message": "disconnected"})

    def _require_open(self, name: str) -> None:
        if name not in self.open:
            raise _bad("Not connected")

    def _read(self, name: str, body: dict[str, Any]) -> Answer:
        if self.knob("reconnects"):
            self._opened(name, body)
        self._require_open(name)
        try:
            start, end = (pi_times.parse(body[key], 0, UTC) for key in ("startTime", "endTime"))
            labels = {item["nodeId"]: item["name"] for item in body["items"]}
        except (KeyError, TypeError, ValueError) as error:
            raise _bad(f"The request cannot be read: {error}") from error
        known = {node: self.tags[node] for node in labels if node in self.tags}
        if len(known) < len(labels) and self.knob("unknown_item") == "400":
            raise _bad(f"Item {min(labels.keys() - known.keys())} was not found")
        if self.open[name] == "da":
            found = self._current(known)
        elif body.get("aggregate", "raw") in AGGREGATES:
            found = _processed(known, body, start, end)
        else:  # raw, and every name that is none
            found = self._raw(known, start, end, body)
        content = [self._point(labels[tag], event, flags) for tag, event, flags in found]
        content = [point for point in content if point["data"]["value"] is not None]
        newest = max((point["timestamp"] for point in content), default=time_text(start))
        answer = {"recordCount": len(content), "content": content, "maxInstantRetrieved": newest}
        return Answer(200, answer)

    def _current(self, tags: dict[str, Tag]) -> Iterator[tuple[str, Event, int]]:
        now = pi_times.parse(self.knob("now"), 0, UTC)
        for name, tag in tags.items():
            event = tag.last_before(now)
            if event is not None:
                yield name, event, 0

    def _raw(
        self, tags: dict[str, Tag], start: int, end: int, body: dict[str, Any]
    ) -> Iterator[tuple[str, Event, int]]:
        """Page after page, each from the first time stamp at which any item has more."""
        asked, own = int(body.get("maxReadValues") or 0), self.knob("page")
        most = min(filter(None, (asked, own)), default=0)
        left = dict(tags)
        until = time.monotonic() + LONGEST_LOOP_SECONDS
        while left:
            following = end
            for name, tag in list(left.items()):
                events = itertools.takewhile(
                    lambda event: event.ticks < end, tag.forward(start, end)
                )
                page = list(itertools.islice(events, most + 1 if most else None))
                full = most and len(page) > most
                shown = page[:most] if full else page
                yield from ((name, event, RAW) for event in shown)
                if full:
                    following = min(following, shown[-1].ticks)
                else:
                    del left[name]
            start = following
            if left:
                time.sleep(int(body.get("intervalReadDelay", 200)) / 1000)
                if time.monotonic() > until:
                    raise _bad("The agent goes round and round")

    def _point(self, label: str, event: Event, flags: int) -> dict[str, Any]:
        data: dict[str, Any] = {"value": value_text(event.value)}
        if self.knob("quality"):
            uncertain = event.questionable or event.substituted
            quality = COMM_FAILURE if not event.good else UNCERTAIN if uncertain else GOOD
            data["quality"] = f"0x{quality + flags:X}"
        ticks = event.ticks + int(self.knob("shift_hours") * 36_000_000_000)
        return {"pointId": label, "timestamp": time_text(ticks), "data": data}


def value_text(value: object) -> str | None:
    """As .NET Framework writes it in the invariant culture: doubles with 15 digits."""
    if isinstance(value, State):
        return str(value.code)
    if isinstance(value, float):
        return f"{value:.15g}".replace("e", "E")
    return None if value is None else str(value)


def _processed(
    tags: dict[str, Tag], body: dict[str, Any], start: int, end: int
) -> Iterator[tuple[str, Event, int]]:
    aggregate, resampling = body["aggregate"], body.get("resampling") or "none"
    for name, tag in tags.items():
        if resampling in RESAMPLING:
            times = pi_times.grid(start, end, RESAMPLING[resampling], UTC, 1_000_000)
        else:
            times = [start]
        if aggregate == "interpolative":
            yield from ((name, series.at(tag, moment), CALCULATED) for moment in times)
            continue
        edges = times if times[-1] == end else [*times, end]
        for a, b in itertools.pairwise(edges):
            yield name, _aggregate(tag, aggregate, a, b), CALCULATED


def _aggregate(tag: Tag, aggregate: str, start: int, end: int) -> Event:
    if aggregate in TIME_WEIGHTED:
        found = series.time_weighted(tag, start, end).get(TIME_WEIGHTED[aggregate])
    elif aggregate in EVENT_WEIGHTED:
        kind = EVENT_WEIGHTED[aggregate]
        found = series.event_weighted(tag, start, end, closed=False).get(kind)
    else:
        return _edge(tag, aggregate, start, end)
    return Event(start, 0.0, good=False) if found is None else Event(start, found[1])


def _edge(tag: Tag, aggregate: str, start: int, end: int) -> Event:
    numbers = [e.number for e in tag.forward(start, end - 1) if e.number is not None]
    if not numbers:
        return Event(start, 0.0, good=False)
    first, last = numbers[0], numbers[-1]
    return Event(start, {"start": first, "end": last, "delta": last - first}[aggregate])


AGGREGATES = frozenset({*TIME_WEIGHTED, *EVENT_WEIGHTED, "interpolative", "start", "end", "delta"})


def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as error:
        raise _bad("The body is no JSON") from error
    if not isinstance(body, dict):
        raise _bad("The body is no object")
    return body


def _bad(message: str) -> Refused:
    return Refused(Answer(400, message, content_type="text/plain"))


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bulk", type=int, default=250)


if __name__ == "__main__":
    run(__doc__, lambda options: OibusAgent(options.bulk), _options)
