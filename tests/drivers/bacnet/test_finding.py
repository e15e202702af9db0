"""Finding the device: by its address, behind a router, or by Who-Is."""

from __future__ import annotations

import socket
import struct
import time

import pytest

import greenlang_data as gd
from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.errors import ConfigurationError, SourceUnreachable
from tests.drivers.bacnet.helpers import config, read_once, snapshot, with_driver
from tests.drivers.bacnet.odd_device import (
    DEVICE,
    OddDevice,
    Reply,
    Request,
    datagram,
    inputs,
    object_id,
    real,
)
from tests.peers import bacnet_truth as truth
from tests.peers.launch_bacnet import BacnetPeer

# The device on bacpypes3 also listens where its subnet of 127.0.0.2/24 has its broadcasts.
BROADCAST = "127.0.0.255"


def i_am(device: int) -> bytes:
    return b"\x10\x00\xc4" + device.to_bytes(4) + b"\x22\x05\xc4\x91\x03\x21\x0f"


class Announcing(OddDevice):
    """Answers Who-Is with the I-Ams it was given."""

    announced: tuple[int, ...] = (DEVICE,)

    def other(self, apdu: bytes) -> list[Reply]:
        self.other_apdus.append(apdu)
        return [Reply(i_am(one)) for one in self.announced]


def test_a_device_is_found_by_its_number(bacnet_second: BacnetPeer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    found = config(
        f"{BROADCAST}:{bacnet_second.port}",
        discover=True,
        device_instance=bacnet_second.device,
        local_address="127.0.0.1",
        local_port=free,  # for Who-Is, and for the requests after it
    )
    for _ in range(2):
        with gd.Session(sources=[found]) as session:
            frame = session.scada(["AI:1", "AI:2"])
        assert frame["value"].tolist() == [truth.analog_value(1), truth.analog_value(2)]


def test_a_local_port_is_free_for_the_next_connection(bacnet_peer: BacnetPeer) -> None:
    async def use(driver: BacnetDriver) -> None:
        for _ in range(3):
            rows = await snapshot(driver, ["AI:1"])
            assert rows["AI:1"]["value"] == truth.analog_value(1)
            await driver.close()
            await driver.connect()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    with_driver(config(bacnet_peer, local_address="127.0.0.1", local_port=free), use)


def test_without_a_number_the_devices_are_listed(bacnet_second: BacnetPeer) -> None:
    found = config(f"{BROADCAST}:{bacnet_second.port}", discover=True)
    listed = rf"{bacnet_second.device} at {bacnet_second.address} \(vendor 999\)"
    with gd.Session(sources=[found]) as session, pytest.raises(ConfigurationError, match=listed):
        session.scada(["AI:1"])


def test_a_number_that_nobody_has(bacnet_second: BacnetPeer) -> None:
    absent = config(
        f"{BROADCAST}:{bacnet_second.port}", discover=True, device_instance=17, apdu_retries=0
    )
    started = time.monotonic()
    with pytest.raises(SourceUnreachable, match="no device 17 answered Who-Is"):
        read_once(absent, ["AI:1"])
    assert time.monotonic() - started < 6


def test_answers_from_others_and_garbage_do_not_count() -> None:
    with Announcing(inputs()) as device:
        device.announced = (DEVICE + 1, 0, DEVICE, DEVICE)
        rows = read_once(config(device.address, discover=True, device_instance=7), ["AI:5"])
        assert rows["AI:5"]["value"] == 5.0
        assert device.other_apdus == [b"\x10\x08\x09\x07\x19\x07"]  # asked for this device alone


def test_two_devices_with_one_number_are_told_apart_by_nobody() -> None:
    class Twin(Announcing):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            super().datagram_received(data, addr)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.bind(("127.0.0.3", 0))
                other.sendto(datagram(i_am(DEVICE)), addr)

    with (
        Twin() as device,
        pytest.raises(ConfigurationError, match="2 devices say that they are 7"),
    ):
        read_once(config(device.address, discover=True, device_instance=7), ["AI:5"])


def test_a_broadcast_that_was_forwarded_names_its_sender() -> None:
    class Forwarder(OddDevice):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            sender = socket.inet_aton("127.0.0.1") + struct.pack(">H", target.port)
            body = sender + b"\x01\x00" + i_am(DEVICE)
            self.transport.sendto(struct.pack(">BBH", 0x81, 0x04, len(body) + 4) + body, addr)

    with OddDevice(inputs()) as target, Forwarder() as forwarder:
        rows = read_once(config(forwarder.address, discover=True, device_instance=7), ["AI:5"])
    assert rows["AI:5"]["value"] == 5.0


def test_a_device_in_another_subnet_is_found_through_a_bbmd(
    bacnet_second: BacnetPeer, bacnet_bbmd: BacnetPeer
) -> None:
    foreign = config(
        bacnet_bbmd.address,
        discover=True,
        foreign_device=True,
        device_instance=bacnet_second.device,
    )
    with gd.Session(sources=[foreign]) as session:
        frame = session.scada(["AI:1", "AI:2"])
    assert frame["value"].tolist() == [truth.analog_value(1), truth.analog_value(2)]
    listed = config(bacnet_bbmd.address, discover=True, foreign_device=True)
    both = f"{bacnet_second.device} at {bacnet_second.address}.*{bacnet_bbmd.device} at"
    with pytest.raises(ConfigurationError, match=both):
        read_once(listed, ["AI:1"])
    with pytest.raises(SourceUnreachable, match=r"no device 17 answered .* this BBMD"):
        read_once(
            config(
                bacnet_bbmd.address,
                discover=True,
                foreign_device=True,
                device_instance=17,
                apdu_retries=0,
            ),
            ["AI:1"],
        )


def test_a_device_that_is_no_bbmd_takes_no_registration(bacnet_second: BacnetPeer) -> None:
    foreign = config(
        bacnet_second.address, discover=True, foreign_device=True, device_instance=5002
    )
    with pytest.raises(SourceUnreachable, match=r"takes no foreign devices \(result 0x0030\)"):
        read_once(foreign, ["AI:1"])


def test_a_bbmd_that_is_not_there() -> None:
    with OddDevice() as silent:
        foreign = config(
            silent.address, discover=True, foreign_device=True, device_instance=7, apdu_retries=0
        )
        with pytest.raises(SourceUnreachable, match="did not answer within 1 s"):
            read_once(foreign, ["AI:1"])


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"discover": False, "foreign_device": True}, "does nothing without discover"),
        ({"endpoint": "no-address.example"}, "is no IP address"),
        ({"network": 5, "mac": "0c"}, "finds network and mac by itself"),
    ],
)
def test_settings_that_do_not_go_with_discover(changed: dict[str, object], match: str) -> None:
    settings = {"discover": True, "device_instance": 7, "endpoint": BROADCAST, **changed}
    with pytest.raises(ConfigurationError, match=match):
        read_once(config(str(settings.pop("endpoint")), **settings), ["AI:1"])


def test_a_device_that_does_not_know_the_wildcard_is_found_by_who_is() -> None:
    class Device(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            if b"\x02\x3f\xff\xff" in request.body:
                return [Reply(bytes([0x50, request.invoke_id, request.service, 0x91, 1, 0x91, 31]))]
            return [Reply(self.honest(request))]

        def other(self, apdu: bytes) -> list[Reply]:
            assert apdu == b"\x10\x08"
            who = b"\xc4" + DEVICE.to_bytes(4)
            return [Reply(b"\x10\x00" + who + b"\x22\x05\xc4\x91\x03\x21\x0f")] if heard else []

    heard = True
    with Device(inputs()) as device:
        assert read_once(config(device.address), ["AI:5"])["AI:5"]["value"] == 5.0
        heard = False
        with pytest.raises(ConfigurationError, match="Give device_instance"):
            read_once(config(device.address), ["AI:5"])


def test_a_device_behind_a_router() -> None:
    class Router(OddDevice):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            npdu = data[4:]
            assert npdu[:7] == b"\x01\x24" + struct.pack(">HB", 2001, 1) + b"\x0c" + b"\xff"
            request = Request(npdu[9], npdu[10], npdu[11:])
            for source in (b"\x0d", b"\x0c"):  # another device on that network answers first
                value = real(99.0) if source == b"\x0d" else real(5.0)
                self.values[(object_id(0, 5), 85, None)] = value
                answer = b"\x01\x08" + struct.pack(">HB", 2001, 1) + source + self.honest(request)
                whole = struct.pack(">BBH", 0x81, 0x0A, len(answer) + 4) + answer
                self.transport.sendto(whole, addr)

    with Router(inputs()) as device:
        rows = read_once(config(device.address, network=2001, mac="0c"), ["AI:5"])
    assert rows["AI:5"]["value"] == 5.0
