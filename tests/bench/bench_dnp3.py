"""DNP3: a poll of 10,000 points, side by side with plain yadnp3 in one run.

Run it from the top folder: ``python -m tests.bench.bench_dnp3``. Servers, in other processes: an
outstation that writes frame by frame with Nagle's algorithm on, as most devices do, and yadnp3's
own, which writes a fragment at once. Only the ratios mean anything on another machine.
"""

from __future__ import annotations

import statistics
import threading
import time
from typing import Any

import opendnp3 as dnp3

import greenlang_data as gd
from tests.drivers.dnp3.helpers import config
from tests.peers.dnp3_truth import Kind
from tests.peers.launch import start_delay_proxy
from tests.peers.launch_dnp3 import start_dnp3, start_dnp3_second

POINTS = 10_000
ROUNDS = 7
FLOATS = {Kind.ANALOG_INPUT: 5}
ANALOGS = dnp3.GroupVariationID(30, 5)


class _Values(dnp3.ISOEHandler):  # type: ignore[misc] # the library ships no types
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[int, float] = {}

    def BeginFragment(self, info: Any) -> None:  # noqa: N802 - the library's names
        pass

    def EndFragment(self, info: Any) -> None:  # noqa: N802
        pass

    def Process(self, info: Any, values: Any) -> None:  # noqa: N802
        if info.gv == dnp3.GroupVariation.Group30Var5:
            for one in values:
                self.values[one.index] = one.value.value


class _Application(dnp3.IMasterApplication):  # type: ignore[misc] # as above
    def __init__(self) -> None:
        super().__init__()
        self.done = threading.Event()

    def OnTaskComplete(self, info: Any) -> None:  # noqa: N802
        if info.type.name in ("USER_TASK", "ENABLE_UNSOLICITED"):
            self.done.set()

    def OnTaskStart(self, *_: Any) -> None:  # noqa: N802
        pass

    def OnReceiveIIN(self, _: Any) -> None:  # noqa: N802
        pass

    def OnOpen(self) -> None:  # noqa: N802
        pass

    def OnClose(self) -> None:  # noqa: N802
        pass

    def AssignClassDuringStartup(self) -> bool:  # noqa: N802
        return False


class _Channel(dnp3.IChannelListener):  # type: ignore[misc] # as above
    def OnStateChange(self, state: Any) -> None:  # noqa: N802
        pass


def plain_seconds(port: int) -> float:
    """The median of polls by the library as its documentation shows it."""
    manager = dnp3.DNP3Manager(1)
    channel = manager.AddTCPClient(
        "plain",
        dnp3.LogLevels(0),
        dnp3.ChannelRetry.Default(),
        [dnp3.IPEndpoint("127.0.0.1", port)],
        "0.0.0.0",
        _Channel(),
    )
    settings = dnp3.MasterStackConfig()
    settings.link.LocalAddr, settings.link.RemoteAddr = 1, 10
    values, application = _Values(), _Application()
    master = channel.AddMaster("plain", values, application, settings)
    master.Enable()
    application.done.wait(60)
    times = []
    for _ in range(ROUNDS):
        application.done.clear()
        values.values.clear()
        started = time.perf_counter()
        master.ScanRange(ANALOGS, 0, POINTS - 1, values)
        application.done.wait(60)
        times.append(time.perf_counter() - started)
        assert len(values.values) == POINTS
    manager.Shutdown()
    return statistics.median(times)


def frame_seconds(port: int, **settings: Any) -> float:
    """The median of snapshots of the same points by a session, each a whole DataFrame."""
    tags = [f"analog:{index}" for index in range(POINTS)]
    times = []
    with gd.Session(sources=[config(port, timeout_seconds=60, **settings)]) as session:
        for turn in range(ROUNDS + 1):
            started = time.perf_counter()
            frame = session.scada(tags, errors="report")
            if turn:
                times.append(time.perf_counter() - started)
            assert len(frame) == POINTS
            assert frame.attrs["provenance"]["failures"] == {}
    return statistics.median(times)


def bench(name: str, port: int) -> None:
    """Print the ratios at one place in the network."""
    plain = plain_seconds(port)
    floats = frame_seconds(port, static_variations={"analog": 5})
    doubles = frame_seconds(port)
    print(
        f"{name}: plain yadnp3 {1000 * plain:.0f} ms as floats; to a DataFrame "
        f"{1000 * floats:.0f} ms as floats (1/{plain / floats:.1f}), "
        f"{1000 * doubles:.0f} ms as doubles (1/{plain / doubles:.1f})"
    )


def main() -> None:
    """Print everything."""
    analogs = {Kind.ANALOG_INPUT: POINTS}
    with start_dnp3(points=analogs, nagle=True, static=FLOATS) as device:
        bench("device that leaves Nagle on", device.port)
    with start_dnp3_second(points=POINTS) as quick:
        bench("device that does not wait", quick.port)
        with start_delay_proxy(quick.port, up=0.005, down=0.005) as proxy:
            bench("the same, round trip 10 ms", proxy.port)


if __name__ == "__main__":
    main()
