"""An emulator of the OIBus agent, which gives OPC HDA servers an HTTP face.  See ``README.md``.

The contract is what OIBus's own OPC connector sends and reads.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from . import historian_series as series
from . import pi_times
from .historian_http import Answer, Emulator, Refused, Request, run
from .historian_tags import Event, State, Tag, catalogue
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


class OibusAgent(Emulator):
    """One agent; connections are named by the client and must be opened before a read."""

    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults,
        "server_name": "OPC.PHDServerHDA.1",
        "unknown_item": "log",  # log: 200 and a line in logs; 400: the whole read fails
        "max_values": 0,  # a server's own limit: silently no more values per item; 0 is none
        "quality_key": "quality",  # the field beside value; an empty one leaves it out
    }

    def __init__(self, bulk: int = 250) -> None:
        super().__init__()
        self.tags = catalogue(bulk)
        self.open: set[str] = set()

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
        if body.get("serverName") != self.knob("server_name"):
            raise _bad(f"Server {body.get('serverName')} was not found on {body.get('host')}")
        self.open.add(name)
        return Answer(200, {"message": "connected"})

    def _status(self, name: str, _: dict[str, Any]) -> Answer:
        self._require_open(name)
        return Answer(200, {"serverName": self.knob("server_name"), "status": "up"})

    def _disconnect(self, name: str, _: dict[str, Any]) -> Answer:
        self.open.discard(name)
        return Answer(200, {"message": "disconnected"})

    def _require_open(self, name: str) -> None:
        if name not in self.open:
            raise _bad(f"Connection {name} is not open")

    def _read(self, name: str, body: dict[str, Any]) -> Answer:
        self._require_open(name)
        try:
            start, end = (pi_times.parse(body[key], 0, UTC) for key in ("startTime", "endTime"))
            items = [(item["nodeId"], item["name"]) for item in body["items"]]
        except (KeyError, TypeError, ValueError) as error:
            raise _bad(f"The request cannot be read: {error}") from error
        content: list[dict[str, Any]] = []
        logs: list[str] = []
        for node, label in items:
            if node not in self.tags:
                if self.knob("unknown_item") == "400":
                    raise _bad(f"Item {node} was not found")
                logs.append(f"Item {node} was not found")
                continue
            events = _values(self.tags[node], body, start, end)
            most = self.knob("max_values")
            content += [
                self._entry(label, event)
                for event in (itertools.islice(events, most) if most else events)
            ]
        newest = max((entry["timestamp"] for entry in content), default=time_text(start))
        found = {"recordCount": len(content), "content": content, "logs": logs}
        return Answer(200, {**found, "maxInstantRetrieved": newest})

    def _entry(self, label: str, event: Event) -> dict[str, Any]:
        value = event.value
        data: dict[str, Any] = {
            "value": value.code if isinstance(value, State) else 0 if value is None else value
        }
        if self.knob("quality_key"):
            uncertain = event.questionable or event.substituted
            data[self.knob("quality_key")] = (
                "Bad" if not event.good else "Uncertain" if uncertain else "Good"
            )
        return {"pointId": label, "timestamp": time_text(event.ticks), "data": data}


def _values(tag: Tag, body: dict[str, Any], start: int, end: int) -> Iterator[Event]:
    aggregate, resampling = body.get("aggregate", "raw"), body.get("resampling") or "none"
    if aggregate == "raw":
        return tag.forward(start, end)
    if resampling not in RESAMPLING:
        raise _bad(f"Resampling {resampling} does not go with aggregate {aggregate}")
    times = pi_times.grid(start, end, RESAMPLING[resampling], UTC, 1_000_000)
    if aggregate == "interpolative":
        return (series.at(tag, moment) for moment in times)
    known = aggregate in {*TIME_WEIGHTED, *EVENT_WEIGHTED, "start", "end", "delta"}
    if not known:
        raise _bad(f"Aggregate {aggregate} is not supported")
    edges = times if times[-1] == end else [*times, end]
    return (_aggregate(tag, aggregate, a, b) for a, b in itertools.pairwise(edges))


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
