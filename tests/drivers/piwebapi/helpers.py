"""The truth about the emulator's tags, and sessions to read them with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pandas as pd

import greenlang_data as gd
from tests.drivers.common import QUICK
from tests.peers.historian_launch import HistorianPeer
from tests.peers.historian_tags import Event, State, catalogue, ticks_of

DAY = datetime(2025, 1, 1, tzinfo=UTC)


def config(peer: HistorianPeer, **more: Any) -> gd.HistorianConfig:
    return gd.HistorianConfig(
        **{
            "connector_id": "pi",
            "connector_type": "historian",
            "historian_type": "pi",
            "server_url": peer.url,
            "timeout_seconds": 20,
            **QUICK,
            **more,
        }
    )


@contextmanager
def session(peer: HistorianPeer, **more: Any) -> Iterator[gd.Session]:
    with gd.Session([config(peer, **more)]) as opened:
        yield opened


def truth(tag: str, start: datetime, end: datetime) -> list[Event]:
    """What was recorded with ``start <= time < end``."""
    return list(catalogue()[tag].forward(ticks_of(start), ticks_of(end) - 1))


def stamps(events: list[Event]) -> pd.DatetimeIndex:
    """Their times, to the 100 ns."""
    index = pd.DatetimeIndex([event.ticks * 100 for event in events])
    return index.tz_localize("UTC")


def nanoseconds(index: pd.Index[Any]) -> list[int]:
    """A time index as nanoseconds since 1970 UTC."""
    assert isinstance(index, pd.DatetimeIndex)
    return [int(stamp) for stamp in index.as_unit("ns").asi8]


def state_of(event: Event) -> str | None:
    return event.value.name if isinstance(event.value, State) else None


def only_get(peer: HistorianPeer) -> set[str]:
    """The methods and rooms that were asked for."""
    return {f"{one['method']} {one['path'].split('?')[0]}" for one in peer.requests()}
