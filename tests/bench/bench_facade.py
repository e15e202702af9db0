"""What the facade, the pipeline and the provenance cost, beside the same work without them.

``python tests/bench/bench_facade.py`` prints microseconds and ratios; nothing here is asserted.
Times are the least of many single calls, because the machine is seldom quiet.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

import greenlang_data as gd
from greenlang_data.answer import frame_of
from greenlang_data.connectors.result import ReadResult
from greenlang_data.connectors.scada import SCADAConnector
from greenlang_data.drivers.schema import SNAPSHOT, TIMESTAMP, constant_dictionary, quality_array
from greenlang_data.provenance import ConnectorProvenance
from greenlang_data.resilience.pipeline import Pipeline
from greenlang_data.runtime import get_runtime

ROUNDS = 7


def best(work: Callable[[], object], times: int) -> float:
    """Microseconds of one call, the least of ``times``."""
    fastest = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - begun)
    return fastest * 1e6


def facade() -> None:
    """The blocking call with its frame, over the same coroutine awaited on the same loop."""
    with gd.Session(mock=True) as session:
        catalogue = list(session.scada(["Temperature", "Pressure", "FlowRate"])["tag_id"])
        for tags in (catalogue[:1], catalogue):
            query = gd.SCADAQuery(tag_ids=tags)
            connector = session.connector("scada")

            async def raw(times: int, query: gd.SCADAQuery = query) -> float:
                fastest = float("inf")
                for _ in range(times):
                    begun = time.perf_counter()
                    await connector.fetch_data(query)  # noqa: B023  (called at once)
                    fastest = min(fastest, time.perf_counter() - begun)
                return fastest * 1e6

            bare = get_runtime().run(raw(500))
            whole = best(lambda query=query: session.scada(query), 500)  # type: ignore[misc]
            print(f"{len(tags)} tags: coroutine {bare:.0f} us, call {whole:.0f} us,"
                  f" facade and frame {whole - bare:.0f} us")  # fmt: skip
    hop = best(lambda: get_runtime().run(asyncio.sleep(0)), 500)
    print(f"a hop to the loop and back: {hop:.0f} us")


def snapshots() -> None:
    """The frame with its record, from an answer that is there; pyarrow's bare conversion beside it."""
    with gd.Session(mock=True) as session:
        connector = session.connector("scada")
    assert isinstance(connector, SCADAConnector)
    for count in (1, 100, 1000, 10_000):
        query = gd.SCADAQuery(tag_ids=[f"ns=2;s=Tag{place:05}" for place in range(count)])
        result = ReadResult(connector.request(query), [_answer(query.tag_ids)])
        payload = connector.payload(query, result)
        payload.attach(result)
        about = ConnectorProvenance(
            connector_id="bench", connector_type="scada", connector_version="1", query_hash="q",
            response_hash=result.content_hash(), source_system="bench",
        )  # fmt: skip
        times = max(30, 1000 // count)
        ours = best(lambda: frame_of(query, payload, about, None), times)  # noqa: B023
        table = payload.to_arrow().table
        plain = best(table.to_pandas, times)
        print(
            f"{count} tags: frame and record {ours:.0f} us, pyarrow's to_pandas alone {plain:.0f} us"
        )


def _answer(tags: list[str]) -> pa.RecordBatch:
    rows, names = len(tags), pa.array(tags)
    moments = pa.array(np.arange(rows), TIMESTAMP)
    columns = [
        names, names, pa.array(np.arange(float(rows))), pa.nulls(rows, pa.string()),
        pa.array(["Cel"] * rows), quality_array(np.zeros(rows, np.int8)),
        constant_dictionary("Good", rows), moments, moments, pa.array(["Double"] * rows),
        pa.nulls(rows, pa.string()),
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays(columns, schema=SNAPSHOT)


class _Silent:
    def retrying(self, error: BaseException, wait: float) -> None: ...
    def circuit_opened(self) -> None: ...


def pipeline() -> None:
    """The rings around an attempt, over the attempt alone."""
    config = gd.ConnectorConfig(connector_id="bench", connector_type="scada")

    async def answer() -> int:
        return 1

    async def run() -> tuple[float, float]:
        rings = Pipeline("bench", config, _Silent())
        bare: list[float] = []
        through: list[float] = []
        for _ in range(ROUNDS):
            for call, into in ((answer, bare), (lambda: rings.run(answer), through)):
                begun = time.perf_counter()
                for _ in range(300):
                    await call()
                into.append((time.perf_counter() - begun) / 300 * 1e6)
        return min(bare), min(through)

    bare, through = asyncio.run(run())
    print(f"pipeline: {through:.0f} us around an attempt of {bare:.2f} us")


def frames() -> None:
    """Copying and slicing a frame with provenance, over one without, and over any attribute at all.

    pandas deep-copies ``attrs`` into a dict of its own whenever it is not empty, so the last is the
    least that any record can cost.
    """
    index = pd.date_range("2025-01-01", periods=1_000_000, freq="s", tz="UTC", name="timestamp")
    with gd.Session(mock=True) as session:
        week = session.historian(["ProcessTemp", "FlowRate"], "2025-01-01", "2025-01-08", "1min")
    long = pd.DataFrame({"FlowRate": np.arange(1e6), "ProcessTemp": np.arange(1e6)}, index)
    long.attrs = week.attrs
    for frame in (week, long):
        bare, least = frame.copy(), frame.copy()
        bare.attrs, least.attrs = {}, {"provenance": None}
        for name, work in FRAME_WORK.items():
            times = 30 if len(frame) > 100_000 and name == "copy" else 5000
            with_proof, without, with_any = (
                best(lambda work=work, one=one: work(one), times)  # type: ignore[misc]
                for one in (frame, bare, least)
            )
            print(f"{name} of {len(frame):,} rows: {with_proof:.1f} us with provenance,"
                  f" {without:.1f} us without, ratio {with_proof / without:.2f};"
                  f" with None as attribute {with_any:.1f} us, ratio {with_proof / with_any:.2f}")  # fmt: skip


FRAME_WORK: dict[str, Callable[[pd.DataFrame], object]] = {
    "copy": lambda frame: frame.copy(),
    "slice": lambda frame: frame.iloc[100:2000],
    "column": lambda frame: frame["FlowRate"],
}


def import_time() -> None:
    """Importing the package, over starting the interpreter."""
    for code in ("pass", "import greenlang_data"):
        seconds = min(_seconds(code) for _ in range(5))
        print(f"python -c {code!r}: {seconds * 1000:.0f} ms")


def _seconds(code: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begun


if __name__ == "__main__":
    facade()
    snapshots()
    pipeline()
    frames()
    import_time()
