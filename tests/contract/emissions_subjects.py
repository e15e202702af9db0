"""Sources of emissions for the contract suite: each behind a fault proxy, with the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import greenlang_data as gd
from tests.drivers.campd.helpers import campd_config
from tests.peers import ecmps_truth
from tests.peers.campd_truth import so2_mass
from tests.peers.historian_launch import HistorianPeer
from tests.peers.proxy import FaultProxy

CENTRAL = timezone(timedelta(hours=-6))
BEGIN = datetime(2021, 2, 3, tzinfo=CENTRAL)
HOURS = 48
WINDOW = (BEGIN, BEGIN + timedelta(hours=HOURS))


@dataclass
class Subject:
    """A source of hours, what it holds, and the wire between."""

    config: gd.CEMSConfig
    pollutant: str
    unit: str
    truth: list[float | None]
    proxy: FaultProxy

    @property
    def name(self) -> str:
        return self.config.connector_id

    @property
    def absent(self) -> gd.CEMSConfig:
        """The same, where there is nothing."""
        return self.config.model_copy(update={"server_url": "https://no-such-host.invalid/easey"})

    @property
    def times(self) -> list[datetime]:
        """The hours of the window, in UTC."""
        return [(BEGIN + timedelta(hours=n)).astimezone(UTC) for n in range(HOURS)]


def _hours(value: Callable[[datetime], float | None]) -> list[float | None]:
    return [value(BEGIN + timedelta(hours=n)) for n in range(HOURS)]


def campd_subject(peer: HistorianPeer, proxy: FaultProxy, *, streaming: bool) -> Subject:
    """CAMPD's unit 1."""
    name = "campd-streamed" if streaming else "campd-paged"
    config = campd_config(
        peer, connector_id=name, streaming=streaming, rows_per_page=100, **_wire(proxy)
    )
    truth = _hours(lambda one: so2_mass("1", one.date(), one.hour))
    return Subject(config, "SO2", "lb", truth, proxy)


def ecmps_subject(peer: HistorianPeer, proxy: FaultProxy) -> Subject:
    """The stack of the export's quarterly reports."""
    config = gd.CEMSConfig(
        connector_id="ecmps-export",
        connector_type="cems",
        protocol="ecmps",
        monitor_plan_id=ecmps_truth.PLAN,
        location=ecmps_truth.STACK,
        time_zone="America/Chicago",
        **_wire(proxy),
    )

    def value(one: datetime) -> float | None:
        if one.hour == ecmps_truth.STANDS:
            return None
        return round(ecmps_truth.so2(one.date(), one.hour) * ecmps_truth.BAF, 3)

    return Subject(config, "SO2C", "ppm", _hours(value), proxy)


def _wire(proxy: FaultProxy) -> dict[str, Any]:
    return {
        "server_url": f"http://127.0.0.1:{proxy.port}/easey",
        "timeout_seconds": 3,
        "max_retries": 1,
        "retry_min_wait": 0.05,
        "retry_max_wait": 0.1,
        "circuit_breaker_threshold": 50,
    }
