"""A session in scripts, notebook cells with a running loop, async cells and many threads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from greenlang_data import ConnectionState, SCADAQuery, Session, SessionClosedError
from tests.seed.mocks import connector
from tests.seed.systems import Question, scripted

ROOT = Path(__file__).parents[2]
TAGS = ["ns=2;s=Temperature"]


def response_hash(session: Session) -> str:
    digest: str = session.scada(TAGS).attrs["provenance"]["response_hash"]
    return digest


def test_a_call_within_a_running_event_loop_works_and_leaves_the_loop_alone() -> None:
    async def cell() -> list[str]:
        loop = asyncio.get_running_loop()
        with Session(mock=True) as session:
            found = [response_hash(session) for _ in range(3)]
        await asyncio.sleep(0)
        assert asyncio.get_running_loop() is loop
        return found

    with Session(mock=True) as session:
        assert set(asyncio.run(cell())) == {response_hash(session)}


def test_one_session_serves_cells_with_a_loop_and_without() -> None:
    with Session(mock=True) as session:

        async def cell() -> str:
            return response_hash(session)

        assert len({asyncio.run(cell()), response_hash(session), asyncio.run(cell())}) == 1


def test_an_async_cell_may_run_calls_in_threads_side_by_side() -> None:
    source = scripted(connection_pool_size=10)
    source.delay = 0.2

    async def cell(session: Session) -> list[int]:
        frames = await asyncio.gather(
            *(
                asyncio.to_thread(session.fetch, source, Question(number=number))
                for number in range(5)
            )
        )
        return [frame["number"].item() for frame in frames]

    with Session() as session:
        start = time.perf_counter()
        assert asyncio.run(cell(session)) == [0, 1, 2, 3, 4]
        assert time.perf_counter() - start < 0.8


def test_an_async_cell_may_use_a_connector_beside_a_session() -> None:
    async def cell(session: Session) -> set[str]:
        async with connector("SCADA") as source:
            _, provenance = await source.fetch_data(SCADAQuery(tag_ids=TAGS))
        session.scada(TAGS)
        return {provenance.query_hash, session.scada(TAGS).attrs["provenance"]["query_hash"]}

    with Session(mock=True) as session:
        assert len(asyncio.run(cell(session))) == 1


def test_many_threads_share_a_session() -> None:
    source = scripted(connection_pool_size=4)

    def work(number: int) -> int:
        frame = session.fetch(source, Question(number=number))
        assert len(session.scada(TAGS)) == 1
        doubled: int = frame["double"].item()
        return doubled

    with Session(mock=True) as session, ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, range(80))) == [2 * number for number in range(80)]
        assert source.get_metrics().total_requests == 80
        assert session.connector("scada").get_metrics().total_requests == 80
        assert source.connects == 1
    assert source.disconnects == 1


def test_many_threads_open_and_close_sessions_of_their_own() -> None:
    def work(_: int) -> str:
        with Session(mock=True) as session:
            return response_hash(session)

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(work, range(24)))) == 1


def test_a_slow_source_does_not_hold_up_another() -> None:
    slow, quick = scripted("slow"), scripted("quick")
    slow.delay = 1.0
    with Session(sources=[slow, quick]) as session:
        thread = threading.Thread(target=session.fetch, args=("slow", Question()))
        thread.start()
        time.sleep(0.05)
        start = time.perf_counter()
        session.fetch("quick", Question())
        assert time.perf_counter() - start < 0.5
        thread.join()


@pytest.mark.parametrize("first", [None, ConnectionError("reset")])
def test_a_call_under_way_when_its_session_closes_leaves_no_connection_open(
    first: Exception | None,
) -> None:
    source = scripted(max_retries=2)
    source.delay = 0.3
    source.script = [first]
    session = Session()

    def work() -> None:
        with contextlib.suppress(Exception):
            session.fetch(source, Question())

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.15)
    session.close()
    thread.join(10)
    assert not thread.is_alive()
    assert source.get_metrics().connection_state == ConnectionState.DISCONNECTED
    assert source.connects == source.disconnects


def test_closing_ends_a_call_under_way_and_does_not_wait_for_its_source() -> None:
    source = scripted(max_retries=2)
    source.delay = 30.0
    session, errors = Session(), []

    def work() -> None:
        try:
            session.fetch(source, Question())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.15)
    begun = time.monotonic()
    session.close()
    thread.join(10)
    assert not thread.is_alive()
    assert time.monotonic() - begun < 3
    assert [type(error) for error in errors] == [SessionClosedError]
    assert "closed during the call" in str(errors[0])
    assert source.get_metrics().connection_state == ConnectionState.DISCONNECTED


def test_a_plain_script_ends_by_itself_even_without_close() -> None:
    script = (
        "import greenlang_data as gd\n"
        "s = gd.Session(mock=True)\n"
        "print(s.scada(['ns=2;s=Temperature'])['unit'].item())\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (run.stdout, run.stderr, run.returncode) == ("Cel\n", "", 0)


@pytest.mark.parametrize("timeout", [0.1, 0.3])
def test_the_timeout_of_a_call_bounds_it_and_the_session_stays_usable(timeout: float) -> None:
    source = scripted()
    with Session(sources=[source]) as session:
        source.delay = 5
        start = time.perf_counter()
        with pytest.raises(TimeoutError, match="plant1"):
            session.fetch("plant1", Question(), timeout=timeout)
        assert timeout - 0.01 <= time.perf_counter() - start <= timeout + 0.4
        source.delay = 0
        assert len(session.fetch("plant1", Question(), timeout=5)) == 1
