"""The facade in a real Jupyter kernel: running loop, async cells, Ctrl-C, displays, shutdown."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.kernel.kernel import Kernel, running_kernel

SLOW_CONNECTOR = """
import asyncio
from pydantic import BaseModel

class Question(BaseModel):
    seconds: float

class Answer(BaseModel):
    rows: list[dict]

class Slow(gd.BaseConnector[Question, Answer, gd.ConnectorConfig]):
    connector_id = "slow"
    log = []

    async def connect(self) -> bool:
        return True

    async def disconnect(self) -> bool:
        self.log.append("closed")
        return True

    async def _health_check_impl(self) -> bool:
        return True

    async def _fetch_data_impl(self, query):
        self.log.append("begun")
        try:
            await asyncio.sleep(query.seconds)
            self.log.append("whole")
        finally:
            self.log.append("cleaned up")
        return Answer(rows=[{"seconds": query.seconds}])

slow = Slow(gd.ConnectorConfig(connector_id="slow", connector_type="slow"))
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with running_kernel() as kernel:
        assert kernel.run("import greenlang_data as gd; s = gd.Session(mock=True)").error == ""
        assert kernel.run(SLOW_CONNECTOR).error == ""
        yield kernel


def test_a_plain_cell_reads_although_a_loop_is_running(kernel: Kernel) -> None:
    cell = kernel.run(
        "import asyncio; asyncio.get_running_loop(); "
        "print(len(s.scada(['ns=2;s=Temperature', 'ns=2;s=Pressure'])))"
    )
    assert (cell.text, cell.error) == ("2\n", "")


def test_an_async_cell_reads_and_may_await_connectors_too(kernel: Kernel) -> None:
    cell = kernel.run(
        "await asyncio.sleep(0)\n"
        "print(len(s.historian('ProcessTemp', '2025-01-01', '2025-01-02', '1h')))\n"
        "async with gd.MockConnector(gd.ConnectorConfig(connector_id='m', connector_type='m')) as m:\n"
        "    payload, provenance = await m.fetch_data(Question(seconds=1))\n"
        "print(provenance.mode)"
    )
    assert (cell.text, cell.error) == ("24\nmock\n", "")


def test_ctrl_c_cancels_the_read_cleans_up_and_the_next_call_works(kernel: Kernel) -> None:
    cell = kernel.run("s.fetch(slow, Question(seconds=30))", interrupt_after=1.0)
    assert cell.error.startswith("KeyboardInterrupt")
    assert cell.seconds < 2
    cell = kernel.run("print(slow.log, len(s.scada('ns=2;s=Temperature')))")
    assert cell.text == "['begun', 'cleaned up'] 1\n"
    cell = kernel.run("print(len(s.fetch(slow, Question(seconds=0))))")
    assert (cell.text, cell.error) == ("1\n", "")


def test_threads_of_a_cell_read_at_the_same_time(kernel: Kernel) -> None:
    cell = kernel.run(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "slow.config.connection_pool_size = 8\n"
        "import time; started = time.perf_counter()\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    frames = list(pool.map(lambda n: s.fetch(slow, Question(seconds=0.5)), range(8)))\n"
        "print(len(frames), time.perf_counter() - started < 2)"
    )
    assert (cell.text, cell.error) == ("8 True\n", "")


def test_errors_are_one_clear_sentence(kernel: Kernel) -> None:
    cell = kernel.run("s.scada('ns=2;s=Temprature')")
    assert "Temprature" in cell.error
    assert "Temperature" in cell.error


def test_displays_and_completion_do_no_io(kernel: Kernel) -> None:
    cell = kernel.run("s.sources")
    assert "mock plant" in cell.displays[0]["text/plain"]
    cell = kernel.run("s.scada('ns=2;s=Temperature').attrs['provenance']")
    assert "<table>" in cell.displays[0]["text/html"]
    cell = kernel.run("print(s.sources._ipython_key_completions_())")
    assert cell.text == "['scada', 'cems', 'historian', 'erp', 'cmms', 'slow']\n"


def test_tags_complete_once_they_are_listed(kernel: Kernel) -> None:
    # As <Tab> asks, with the rules of a notebook.
    ask = (
        "import IPython; shell = IPython.get_ipython()\n"
        "print(sorted(shell.complete('s.tags[\"ns=2;s=Coo')[1]))"
    )
    cell = kernel.run(ask)
    assert (cell.text, cell.error) == ("[]\n", "")  # nothing is asked behind one's back
    assert kernel.run("found = s.tags.find('*'); s.tags()").error == ""
    cell = kernel.run(ask)
    assert "CoolingWater.SupplyTemp" in cell.text


def test_a_recording_shows_its_progress_in_one_place(kernel: Kernel) -> None:
    cell = kernel.run("frame = s.scada('Temperature', for_='1500ms', every='100ms')")
    assert cell.error == ""
    assert len(cell.displays) == 1  # the rest are updates of it
    cell = kernel.run("print(frame.attrs['provenance']['metadata']['partial'], len(frame) > 3)")
    assert cell.text == "None True\n"


def test_ctrl_c_in_a_recording_gives_what_was_heard(kernel: Kernel) -> None:
    cell = kernel.run(
        "frame = s.scada('Temperature', for_='1h', every='100ms')\n"
        "print(frame.attrs['provenance']['metadata']['partial'], len(frame) > 3, gd.verify(frame))",
        interrupt_after=2.0,
    )
    assert (cell.error, cell.seconds < 5) == ("", True)
    assert "stopped by Ctrl-C True intact\n" in cell.text
    assert kernel.run("print(len(s.scada('Temperature')))").text == "1\n"


def test_a_kernel_with_work_in_flight_shuts_down() -> None:
    with running_kernel() as kernel:
        kernel.run("import greenlang_data as gd; s = gd.Session(mock=True)")
        kernel.run(SLOW_CONNECTOR)
        kernel.run(
            "import threading; threading.Thread(target=s.fetch, args=(slow, Question(seconds=60)), "
            "daemon=True).start()"
        )
        started = time.monotonic()
    assert time.monotonic() - started < 15
