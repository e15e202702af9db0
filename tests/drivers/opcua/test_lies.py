"""Servers whose answers lie, are aborted or refused."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from greenlang_data.drivers.base import ReadLog, Snapshot
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.errors import (
    ProtocolError,
    SourceBusy,
    SourceTimeout,
    SourceUnreachable,
)
from tests.drivers.opcua.helpers import (
    batches,
    series,
    snapshot,
    still_works,
    values,
    window,
    with_driver,
)
from tests.peers.launch import OpcuaPeer
from tests.peers.lying_opcua import Lie, LyingOpcua, Service

LyingFactory = Callable[[OpcuaPeer], LyingOpcua]

BULK = Snapshot(tuple(f"Bulk.{index:05d}" for index in range(300)))
MILLION = window("History.Million")


@pytest.mark.parametrize(
    "lie",
    [Lie.RESULTS_LENGTH, Lie.NEGATIVE_LENGTH, Lie.NULL_RESULTS, Lie.NO_RESULTS, Lie.FEWER_RESULTS,
     Lie.MORE_RESULTS, Lie.TRUNCATED, Lie.TRAILING, Lie.UNKNOWN_TYPE, Lie.WRONG_HANDLE,
     Lie.WRONG_REQUEST, Lie.HUGE_CHUNK],
)  # fmt: skip
@pytest.mark.parametrize("service", [Service.READ, Service.HISTORY_READ])
def test_an_answer_that_lies_is_not_used(
    opcua_peer: OpcuaPeer, lying_opcua_factory: LyingFactory, lie: Lie, service: Service
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    request = BULK if service is Service.READ else window("History.Dst")

    async def use(driver: OpcUaDriver) -> None:
        await batches(driver, BULK)
        liar.tell(lie, service, times=1)
        began = time.monotonic()
        with pytest.raises(ProtocolError):
            await batches(driver, request)
        assert liar.lies_told == 1
        assert time.monotonic() - began < 2
        liar.tell(Lie.NONE)
        await still_works(driver)

    with_driver(liar.endpoint, use)


@pytest.mark.parametrize("service", [Service.READ, Service.HISTORY_READ])
def test_an_answer_that_comes_twice_is_never_used_for_another_request(
    opcua_peer: OpcuaPeer, lying_opcua_factory: LyingFactory, service: Service
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    request = BULK if service is Service.READ else window("History.Dst")

    async def use(driver: OpcUaDriver) -> None:
        right = await batches(driver, request)
        liar.tell(Lie.DUPLICATE, service, times=1)
        # The client library may close the connection over it, before or after it has told us.
        with contextlib.suppress(SourceUnreachable):
            assert _same_values(await batches(driver, request), right)
        assert liar.lies_told == 1
        liar.tell(Lie.NONE)
        await still_works(driver)

    with_driver(liar.endpoint, use)


def _same_values(some: list[pa.RecordBatch], others: list[pa.RecordBatch]) -> bool:
    one, other = (pa.Table.from_batches(part)["value"] for part in (some, others))
    return bool(one.equals(other))


@pytest.mark.parametrize("lie", [Lie.VALUES_LENGTH, Lie.ENDLESS_EMPTY, Lie.ENDLESS_PAGE])
def test_a_history_that_lies_is_not_used(
    opcua_peer: OpcuaPeer, lying_opcua_factory: LyingFactory, lie: Lie
) -> None:
    liar = lying_opcua_factory(opcua_peer)

    async def use(driver: OpcUaDriver) -> None:
        liar.tell(lie)
        with pytest.raises(ProtocolError):
            await batches(driver, window("History.Dst"))
        liar.tell(Lie.NONE)
        await still_works(driver)

    with_driver(liar.endpoint, use)


def test_an_answer_cut_off_or_missing(
    opcua_peer: OpcuaPeer, lying_opcua_factory: LyingFactory
) -> None:
    liar = lying_opcua_factory(opcua_peer)

    async def use(driver: OpcUaDriver) -> None:
        await batches(driver, BULK)
        liar.tell(Lie.CUT, Service.READ, times=1)
        with pytest.raises(SourceUnreachable):
            await batches(driver, BULK)
        await driver.connect()
        liar.tell(Lie.SILENCE, Service.READ, times=1)
        with pytest.raises(SourceTimeout):
            await batches(driver, BULK)
        await still_works(driver)

    with_driver(liar.endpoint, use, timeout_seconds=1)


def test_abort_chunks_are_answers_and_not_time_outs(
    opcua_peer: OpcuaPeer, lying_opcua_factory: LyingFactory
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    too_large = 0x80B90000

    async def use(driver: OpcUaDriver) -> None:
        await batches(driver, BULK)
        liar.tell(Lie.ABORT, Service.READ, times=2, code=too_large)
        (batch,) = await batches(driver, BULK)
        assert batch.column("value").to_pylist() == [i * 0.5 + 0.25 for i in range(300)]
        liar.tell(Lie.ABORT, Service.READ, code=0x80020000)
        began = time.monotonic()
        with pytest.raises(ProtocolError, match="BadInternalError"):
            await batches(driver, BULK)
        assert time.monotonic() - began < 1
        liar.tell(Lie.ABORT, Service.HISTORY_READ, times=3, skip=1, code=too_large)
        assert driver._session is not None
        driver._session.connection.limits.shrink("page", 8000)
        table = (await series(driver, MILLION))["History.Million"]
        assert np.array_equal(values(table), np.arange(25_000) * 0.001 - 3)
        assert driver._session.connection.limits["page"] < 8000
        assert driver.connected

    with_driver(liar.endpoint, use, timeout_seconds=5)


def test_refusals_of_a_whole_request(
    opcua_peer: OpcuaPeer, lying_opcua_factory: LyingFactory
) -> None:
    liar = lying_opcua_factory(opcua_peer)

    async def use(driver: OpcUaDriver) -> None:
        await batches(driver, BULK)
        liar.tell(Lie.SERVICE_FAULT, Service.READ, times=3)
        (batch,) = await batches(driver, BULK)
        assert batch.num_rows == 300
        liar.tell(Lie.SERVICE_FAULT, Service.READ, code=0x80EE0000)
        with pytest.raises(SourceBusy, match="BadServerTooBusy"):
            await batches(driver, BULK)
        # Answers to what was given up may still come, and are not to be taken for the next ones.
        liar.tell(Lie.NONE)
        await batches(driver, BULK)
        liar.tell(Lie.SERVICE_FAULT, Service.READ, code=0x80250000, times=1)
        with pytest.raises(SourceUnreachable, match="BadSessionIdInvalid"):
            await batches(driver, BULK)
        assert not driver.connected
        await still_works(driver)

    with_driver(liar.endpoint, use)


def test_units_and_names_never_fail_a_read(
    opcua_peer: OpcuaPeer, lying_opcua_factory: LyingFactory
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    translate = 557

    async def use(driver: OpcUaDriver) -> None:
        log = ReadLog()
        liar.tell(Lie.UNKNOWN_TYPE, translate)  # type: ignore[arg-type]
        rows = await snapshot(driver, ["Analog.Flow"], log)
        assert rows["Analog.Flow"]["value"] == 42.5
        assert rows["Analog.Flow"]["unit"] is None
        assert "the server did not tell the units of its tags" in log.notes

    with_driver(liar.endpoint, use)
