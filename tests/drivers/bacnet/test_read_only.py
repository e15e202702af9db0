"""Nothing that changes a device leaves the driver, and nothing of it is left behind."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.drivers.base import ReadLog, Watch, Window
from greenlang_data.errors import SourceUnreachable
from tests.drivers.bacnet.helpers import config, listed, snapshot, with_driver
from tests.drivers.bacnet.test_history import window
from tests.peers.launch_bacnet import BacnetPeer
from tests.peers.udp_proxy import UdpProxy

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


class Recorder(UdpProxy):
    """Keeps what the driver sends, without knowing how it made it."""

    def __init__(self, peer: BacnetPeer) -> None:
        self.sent: list[bytes] = []
        super().__init__(peer.port, target_host=peer.host)

    def _from_client(self, data: bytes, client: tuple[str, int]) -> None:
        self.sent.append(data)
        super()._from_client(data, client)

    def kinds(self) -> set[tuple[int, int]]:
        """The kind of each APDU and its service; no service for a SegmentACK."""
        found = set()
        for datagram in self.sent:
            assert datagram[:2] == b"\x81\x0a"  # BACnet/IP, to one device
            assert datagram[4:6] in (b"\x01\x00", b"\x01\x04")  # an NPDU to this network
            kind, apdu = datagram[6] >> 4, datagram[6:]
            service = {0: 3, 1: 1, 2: 2}.get(kind)
            found.add((kind, -1 if service is None else apdu[service]))
        return found


def test_a_foreign_device_registers_and_lets_ask_who_is_there(bacnet_bbmd: BacnetPeer) -> None:
    with Recorder(bacnet_bbmd) as proxy:
        settings = config(
            f"{proxy.host}:{proxy.port}",
            discover=True,
            foreign_device=True,
            device_instance=17,
            apdu_retries=0,
        )
        with pytest.raises(SourceUnreachable):
            with_driver(settings, lambda driver: driver.ping())
        sent = [one.hex() for one in proxy.sent]
    # Register-Foreign-Device for 60 s; Distribute-Broadcast-To-Network of Who-Is 17 to 17.
    assert sent == ["81050006003c", "8109000c01001008" + "0911" + "1911"]


@pytest.mark.parametrize("name", ["bacnet_peer", "bacnet_second"])
def test_all_that_leaves_reads_subscribes_or_confirms(
    request: pytest.FixtureRequest, name: str
) -> None:
    peer: BacnetPeer = request.getfixturevalue(name)

    async def use(driver: BacnetDriver) -> None:
        await driver.ping()
        await listed(driver, ReadLog())
        await snapshot(driver, [f"AI:{number}" for number in range(50)])
        await snapshot(driver, [f"DEV:{peer.device}.object-list"])
        [batch async for batch in driver.read(Window(("TL:1",), START, END), ReadLog())]
        async with aclosing(driver.watch(Watch(("AI:9100",), 0.5), ReadLog())) as stream:
            reports = 0
            async for batch in stream:
                reports += batch.num_rows
                if reports > 3:
                    break

    with Recorder(peer) as proxy:
        address = f"{proxy.host}:{proxy.port}"
        with_driver(config(address, time_zone="UTC"), use)
        with_driver(
            config(address, discover=True, device_instance=peer.device),
            lambda driver: driver.ping(),
        )
        kinds = proxy.kinds()
    # ReadProperty, ReadPropertyMultiple, SubscribeCOV, Who-Is, and the confirmation of a report.
    needed = {(0, 12), (0, 14), (0, 5), (1, 8), (2, 1)}
    # ReadRange of a log, and the confirmation of segments, where the device has those.
    own = {(0, 26)} if name == "bacnet_peer" else {(4, -1)}
    assert needed | own <= kinds <= needed | {(0, 26), (4, -1)}
    assert peer.writes() == []


def test_a_device_without_read_property_multiple_is_asked_no_more(
    bacnet_factory: Callable[..., BacnetPeer],
) -> None:
    async def use(driver: BacnetDriver) -> None:
        rows = await listed(driver, ReadLog())
        await snapshot(driver, [row["tag_id"] for row in rows])
        assert await window(driver, "TL:1", START, END, ReadLog())

    peer = bacnet_factory(no_rpm=True, analog_inputs=10)
    with_driver(config(peer, time_zone="UTC"), use)
    asked = {(entry["confirmed"], entry["service"]) for entry in peer.requests()}
    assert asked == {(True, 12), (True, 14), (True, 26)}
    assert peer.writes() == []


def run_script(script: str) -> tuple[str, float]:
    """What a process of its own prints, and how long it took."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout, time.monotonic() - started


def test_a_process_ends_although_nothing_was_closed(bacnet_peer: BacnetPeer) -> None:
    out, seconds = run_script(f"""
        import greenlang_data as gd
        source = gd.SCADAConfig(connector_id="plant", connector_type="scada", protocol="bacnet",
                                endpoint="{bacnet_peer.address}")
        session = gd.Session(sources=[source])
        print(session.scada(["AI:2"])["value"].tolist())
    """)
    assert out == "[-19.0]\n"
    assert seconds < 30


def test_a_forked_process_reads_by_itself(bacnet_peer: BacnetPeer) -> None:
    out, _ = run_script(f"""
        import os, warnings
        warnings.simplefilter("ignore")
        import greenlang_data as gd
        source = gd.SCADAConfig(connector_id="plant", connector_type="scada", protocol="bacnet",
                                endpoint="{bacnet_peer.address}")
        session = gd.Session(sources=[source])
        before = session.scada(["AI:2"])["value"].tolist()
        child = os.fork()
        if child == 0:
            print("child", session.scada(["AI:3"])["value"].tolist(), flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print("parent", before, session.scada(["AI:4"])["value"].tolist(), flush=True)
    """)
    assert out == "child [-18.5]\nparent [-19.0] [-18.0]\n"
