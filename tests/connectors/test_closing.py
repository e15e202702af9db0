"""A closed session asks nobody: not for a scan that was made before, nor for the rest of one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import greenlang_data as gd
from tests.drivers.odata.helpers import LOGIN, config
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_gateway

TAGS = ["Boiler1.FuelFlow", "Boiler1.SteamPressure"]


@pytest.fixture(scope="module")
def gateway() -> Iterator[HistorianPeer]:
    with start_gateway(items=100) as peer:
        yield peer


def nothing_is_open(session: gd.Session) -> bool:
    return set(session.status()["state"]) == {"disconnected"}


def test_a_scan_that_is_begun_after_the_close_is_refused() -> None:
    session = gd.Session(mock=True)
    window = gd.HistorianQuery(tag_names=TAGS, start_time="2025-01-01", end_time="2025-01-02")
    scans: list[Any] = [
        session.scan(window),
        session.scan(gd.ERPQuery(entity_type="material")),
        session.stream(TAGS, for_="1s", source="scada"),
    ]
    session.close()
    for scan in scans:
        with pytest.raises(gd.SessionClosedError):
            next(iter(scan))
    assert nothing_is_open(session)


def test_a_scan_ends_with_an_error_when_the_session_is_closed_between_two_batches() -> None:
    session = gd.Session(mock=True)
    window = gd.HistorianQuery(tag_names=TAGS, start_time="2025-01-01", end_time="2025-01-02")
    batches = iter(session.scan(window))
    assert next(batches).num_rows
    session.close()
    with pytest.raises(gd.SessionClosedError, match="closed between two batches"):
        list(batches)
    assert nothing_is_open(session)


@pytest.mark.parametrize(
    ("match", "ask"),
    [
        ("metadata", lambda session: session.erp.entities()),
        ("metadata", lambda session: session.erp.fields("material")),
        ("Item", lambda session: list(session.scan(gd.ERPQuery(entity_type="purchase_order_item")))),
    ],
    ids=["entities", "fields", "scan"],
)  # fmt: skip
def test_what_waits_for_an_answer_is_ended_by_the_close(
    gateway: HistorianPeer, match: str, ask: Callable[[gd.Session], Any]
) -> None:
    gateway.reset()
    gateway.fault("stall", match)
    session = gd.Session([config(gateway.origin, **LOGIN, max_retries=0)])
    raised: list[BaseException] = []

    def work() -> None:
        try:
            ask(session)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    until = time.monotonic() + 10
    while not gateway.requests() and time.monotonic() < until:
        time.sleep(0.01)
    session.close()
    thread.join(5)
    assert [type(one) for one in raised] == [gd.SessionClosedError]
    assert nothing_is_open(session)
