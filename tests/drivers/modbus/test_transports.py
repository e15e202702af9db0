"""The same values over every transport, and what stands in the way of a connection."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from greenlang_data.drivers.modbus import ModbusDriver
from greenlang_data.errors import (
    AuthenticationError,
    ConfigurationError,
    SourceTimeout,
    SourceUnreachable,
)
from tests.drivers.modbus.helpers import (
    Rows,
    config,
    holding_word,
    read_once,
    register,
    snapshot,
    values,
    with_driver,
    words,
)
from tests.peers.certificates import Certificates
from tests.peers.launch import Peer
from tests.peers.launch_modbus_tls import TlsPeer
from tests.peers.serial_line import SerialPeer

# pymodbus's and ours agree on registers; a pseudo terminal has no parity.
LINE: dict[str, Any] = {"baudrate": 115200, "parity": "none"}
ONES = [
    *[register(f"F{at}", type="float32", word_order="ABCD", address=2 * at) for at in range(500)],
    *[register(f"I{at}", table="input", address=10000 + at) for at in range(10)],
    *[register(f"C{at}", table="coil", type="bool", address=at) for at in range(20)],
    *[register(f"D{at}", table="discrete", type="bool", address=at) for at in range(20)],
]
RIGHT = {
    **{f"F{at}": at * 0.5 - 100 for at in range(500)},
    **{f"I{at}": ((10000 + at) * 17 + 11) & 0xFFFF for at in range(10)},
    **{f"C{at}": at % 3 == 0 for at in range(20)},
    **{f"D{at}": at % 5 == 0 or at % 7 == 0 for at in range(20)},
}

TlsFactory = Callable[..., TlsPeer]
SerialFactory = Callable[..., SerialPeer]


@pytest.mark.parametrize("name", ["modbus_serial_peer", "jsmodbus_peer", "modbus_peer"])
def test_modbus_tcp(request: pytest.FixtureRequest, name: str) -> None:
    port = request.getfixturevalue(name).port

    async def use(driver: ModbusDriver) -> None:
        for _ in range(3):
            assert values(await snapshot(driver)) == RIGHT

    with_driver(config(port, ONES), use)


def test_a_serial_line(modbus_rtu_peer: SerialPeer) -> None:
    for endpoint in (modbus_rtu_peer.device, f"serial://{modbus_rtu_peer.device}"):
        assert values(read_once(config(1, ONES, endpoint=endpoint, **LINE))) == RIGHT


def test_rtu_over_tcp(modbus_rtu_tcp_peer: Peer) -> None:
    endpoint = f"rtu+tcp://127.0.0.1:{modbus_rtu_tcp_peer.port}"
    assert values(read_once(config(1, ONES, endpoint=endpoint, baudrate=115200))) == RIGHT


def test_a_bad_tag_on_a_serial_line_is_found(modbus_rtu_peer: SerialPeer) -> None:
    rows = read_once(config(1, words(65530, 65536), endpoint=modbus_rtu_peer.device, **LINE))
    assert set(values(rows).values()) == {holding_word(at) for at in range(65530, 65536)}


# --- TLS ---------------------------------------------------------------------------------


def tls(peer: TlsPeer, **changed: Any) -> Rows:
    fields = {"ca_certificate_path": str(peer.certificates.authority), **changed}
    return read_once(config(1, ONES, endpoint=f"tls://127.0.0.1:{peer.port}", **fields))


@pytest.mark.parametrize("split", [0, 5])
def test_tls(modbus_tls_factory: TlsFactory, split: int) -> None:
    assert values(tls(modbus_tls_factory(split=split))) == RIGHT


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ("expired", "certificate has expired"),
        ("wrong_name", "IP address mismatch"),
        ("self_signed", "self-signed certificate"),
    ],
)
def test_a_certificate_that_is_not_trusted(
    modbus_tls_factory: TlsFactory, certificates: Certificates, shown: str, reason: str
) -> None:
    peer = modbus_tls_factory(identity=getattr(certificates, shown))
    with pytest.raises(AuthenticationError, match=f"not trusted: {reason}.*ca_certificate_path"):
        tls(peer)
    assert not peer.server.requests()


def test_nobody_but_the_systems_authorities_is_trusted_by_default(
    modbus_tls_factory: TlsFactory,
) -> None:
    with pytest.raises(AuthenticationError, match="not trusted: unable to get local issuer"):
        tls(modbus_tls_factory(), ca_certificate_path=None)


def test_unverified_only_when_told_so(
    modbus_tls_factory: TlsFactory, certificates: Certificates
) -> None:
    peer = modbus_tls_factory(identity=certificates.self_signed)
    rows = tls(peer, ca_certificate_path=None, allow_unverified_certificate=True)
    assert values(rows) == RIGHT
    with pytest.raises(ConfigurationError, match="does nothing with allow_unverified_certificate"):
        tls(peer, allow_unverified_certificate=True)


def test_a_client_certificate(modbus_tls_factory: TlsFactory, certificates: Certificates) -> None:
    peer = modbus_tls_factory(client_authority=certificates.authority)
    client, foreign = certificates.client, certificates.foreign_client
    keys = {"certificate_path": str(client.certificate), "private_key_path": str(client.key)}
    assert values(tls(peer, **keys)) == RIGHT
    with pytest.raises((AuthenticationError, SourceUnreachable), match="certificate_path"):
        tls(peer)
    keys = {"certificate_path": str(foreign.certificate), "private_key_path": str(foreign.key)}
    with pytest.raises((AuthenticationError, SourceUnreachable)):
        tls(peer, **keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"ca_certificate_path": "/no/such.pem"}, "ca_certificate_path cannot be used"),
        ({"ca_certificate_path": __file__}, "ca_certificate_path cannot be used"),
        ({"certificate_path": "/no/such.pem"}, "No such file"),
        ({"private_key_path": "/no/such.pem"}, "needs certificate_path"),
    ],
)
def test_certificate_files_that_are_none(
    modbus_tls_factory: TlsFactory, keys: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        tls(modbus_tls_factory(), **keys)


def test_an_encrypted_key_is_told_and_nothing_asks_for_its_password(
    modbus_tls_factory: TlsFactory, certificates: Certificates
) -> None:
    client = certificates.client
    with pytest.raises(ConfigurationError, match="without a password"):
        tls(
            modbus_tls_factory(),
            certificate_path=str(client.certificate),
            private_key_path=str(client.encrypted_key),
        )


def test_a_server_that_speaks_no_tls(modbus_peer: Peer) -> None:
    settings = config(1, ONES, endpoint=f"tls://127.0.0.1:{modbus_peer.port}")
    with pytest.raises(SourceUnreachable, match="no TLS is spoken there"):
        read_once(settings)


@pytest.mark.parametrize(
    ("endpoint", "key"),
    [
        ("127.0.0.1", {"ca_certificate_path": "ca.pem"}),
        ("rtu+tcp://127.0.0.1", {"allow_unverified_certificate": True}),
        ("/dev/ttyUSB0", {"certificate_path": "own.pem"}),
        ("tls://127.0.0.1", {"baudrate": 9600}),
        ("127.0.0.1", {"parity": "none"}),
        ("rtu+tcp://127.0.0.1", {"stop_bits": 2}),
    ],
)
def test_a_key_that_would_do_nothing_is_refused(endpoint: str, key: dict[str, Any]) -> None:
    with pytest.raises(
        ConfigurationError, match=f"{next(iter(key))} does nothing with the endpoint"
    ):
        read_once(config(1, ONES, endpoint=endpoint, **key))


# --- serial ports ------------------------------------------------------------------------


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(SourceUnreachable, match="serial port /dev/ttyNone7 cannot be opened"):
        read_once(config(1, ONES, endpoint="/dev/ttyNone7"))


def test_a_port_is_for_one_source_alone(modbus_rtu_peer: SerialPeer) -> None:
    settings = config(1, ONES, endpoint=modbus_rtu_peer.device, **LINE)

    async def use(_: ModbusDriver) -> None:
        with pytest.raises(SourceUnreachable, match="nothing else has it open"):
            await ModbusDriver(settings).connect()

    with_driver(settings, use)


def test_without_pyserial_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'greenlang_data\[serial\]'"):
        read_once(config(1, ONES, endpoint="COM3"))


def test_the_driver_needs_no_pyserial() -> None:
    code = "import sys; sys.modules['serial'] = None; import greenlang_data.drivers.modbus"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_pulled_cable(modbus_rtu_factory: SerialFactory) -> None:
    peer = modbus_rtu_factory(delay_microseconds=20_000)

    async def use(driver: ModbusDriver) -> None:
        reading = asyncio.create_task(snapshot(driver))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        peer.line.cut()
        with pytest.raises(SourceUnreachable):
            await reading
        assert time.monotonic() - started < 0.5
        assert not driver.connected
        with pytest.raises(SourceUnreachable):
            await driver.connect()

    with_driver(config(1, ONES, endpoint=peer.device, **LINE), use)


def test_a_device_that_is_off_is_silent_in_time_and_comes_back(
    modbus_rtu_factory: SerialFactory,
) -> None:
    peer = modbus_rtu_factory()
    settings = config(1, ONES, endpoint=peer.device, unit_timeout_seconds=0.2, **LINE)

    async def use(driver: ModbusDriver) -> None:
        assert values(await snapshot(driver)) == RIGHT
        peer.pause()
        started = time.monotonic()
        with pytest.raises(SourceUnreachable, match=r"unit 1 did not answer within 0\.2 s"):
            await snapshot(driver)
        assert time.monotonic() - started < 3
        peer.resume()
        assert values(await snapshot(driver)) == RIGHT

    with_driver(settings, use)


def test_a_slow_line_is_given_the_time_it_takes(modbus_rtu_peer: SerialPeer) -> None:
    # 125 registers take 2.4 s at 1200 baud, far more than a unit's own time.
    settings = config(
        1,
        words(14000, 14125),
        endpoint=modbus_rtu_peer.device,
        baudrate=1200,
        parity="none",
        unit_timeout_seconds=0.3,
    )

    async def use(driver: ModbusDriver) -> float:
        tags = [one.tag for one in driver.config.registers]
        assert len(values(await snapshot(driver, tags))) == 125
        modbus_rtu_peer.pause()
        started = time.monotonic()
        try:
            with pytest.raises(SourceUnreachable):
                await snapshot(driver, tags[1:])
        finally:
            modbus_rtu_peer.resume()
        return time.monotonic() - started

    assert 2.4 < with_driver(settings, use) < 5


def test_the_end_of_the_process_waits_for_no_line(modbus_rtu_factory: SerialFactory) -> None:
    peer = modbus_rtu_factory()
    peer.pause()
    code = (
        "import sys, threading, time, greenlang_data as gd\n"
        "from tests.drivers.modbus.helpers import config, words\n"
        "settings = config(1, words(0, 3), endpoint=sys.argv[1], parity='none')\n"
        "session = gd.Session(sources=[settings])\n"
        "threading.Thread(target=session.scada, args=(['W0'],), daemon=True).start()\n"
        "time.sleep(1)\n"
    )
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", code, peer.device], capture_output=True, check=False, timeout=20
    )
    assert time.monotonic() - started < 10


def test_a_tls_handshake_that_never_ends(lying_modbus_factory: Callable[..., Any]) -> None:
    peer = lying_modbus_factory()
    peer.behaviour = type(peer.behaviour).SILENT
    settings = config(1, ONES, endpoint=f"tls://127.0.0.1:{peer.port}", timeout_seconds=1)
    with pytest.raises((SourceTimeout, SourceUnreachable)):
        read_once(settings)
