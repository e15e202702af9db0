"""What the facade, the pipeline and the provenance cost, beside the same work without them.

``python tests/bench/bench_facade.py`` prints microseconds and ratios; nothing here is asserted.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable

import pandas as pd

import greenlang_data as gd
from greenlang_data.resilience.pipeline import Pipeline
from greenlang_data.runtime import get_runtime

ROUNDS = 7


def best(work: Callable[[], object], times: int) -> float:
    """Microseconds of one call, the best of several rounds."""
    fastest = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(times):
            work()
        fastest = min(fastest, (time.perf_counter() - begun) / times)
    return fastest * 1e6


def facade() -> None:
    """The blocking call with its frame, over the same coroutine awaited on the same loop."""
    with gd.Session(mock=True) as session:
        catalogue = list(session.scada(["Temperature", "Pressure", "FlowRate"])["tag_id"])
        for tags in (catalogue[:1], catalogue):
            query = gd.SCADAQuery(tag_ids=tags)
            connector = session.connector("scada")

            async def raw(times: int, query: gd.SCADAQuery = query) -> float:
                begun = time.perf_counter()
                for _ in range(times):
                    await connector.fetch_data(query)  # noqa: B023  (called at once)
                return (time.perf_counter() - begun) / times * 1e6

            bare = min(get_runtime().run(raw(50)) for _ in range(ROUNDS))
            whole = best(lambda query=query: session.scada(query), 50)  # type: ignore[misc]
            print(f"{len(tags)} tags: coroutine {bare:.0f} us, call {whole:.0f} us,"
                  f" facade and frame {whole - bare:.0f} us")  # fmt: skip
    hop = best(lambda: get_runtime().run(asyncio.sleep(0)), 500)
    print(f"a hop to the loop and back: {hop:.0f} us")


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
    """Copying and slicing a frame with provenance, over one without."""
    with gd.Session(mock=True) as session:
        frame = session.historian(["ProcessTemp", "FlowRate"], "2025-01-01", "2025-01-08", "1min")
    frame = frame.copy()  # both with the blocks that pandas makes of a copy
    bare = frame.copy()
    bare.attrs = {}
    for name, work in FRAME_WORK.items():
        with_proof = best(lambda work=work: work(frame), 200)  # type: ignore[misc]
        without = best(lambda work=work: work(bare), 200)  # type: ignore[misc]
        print(f"{name}: {with_proof:.0f} us with provenance, {without:.0f} us without,"
              f" ratio {with_proof / without:.2f}")  # fmt: skip


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
    pipeline()
    frames()
    import_time()
