"""Pytest fixtures for the test servers.

A fixture whose server cannot be started skips the test and says why; with
``GREENLANG_REQUIRE_PEERS=1`` it fails instead, so that a build cannot pass by skipping.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Literal, Protocol, Self, TypeVar

import pytest

from . import launch, launch_dnp3
from .lying_modbus import Behaviour, LyingModbus
from .lying_opcua import LyingOpcua
from .proxy import FaultProxy

PeerType = TypeVar("PeerType", bound=AbstractContextManager[Any])
Started = TypeVar("Started")


def start_or_skip(start: Callable[[], Started]) -> Started:
    """Start a server; skip (or fail, when servers are required) if it is not installed."""
    try:
        return start()
    except launch.PeerUnavailable as unavailable:
        if os.environ.get("GREENLANG_REQUIRE_PEERS") == "1":
            pytest.fail(str(unavailable), pytrace=False)
        pytest.skip(str(unavailable))


class Renewable(Protocol):
    """A server that can forget what a test made of it."""

    def __enter__(self) -> Self:
        """Start it, if it is not running."""

    def __exit__(self, *error: object) -> None:
        """Stop it."""

    def reset(self) -> None:
        """Set all knobs back and empty the log of requests."""


def running(start: Callable[[], PeerType]) -> Iterator[PeerType]:
    """Run a server for as long as a fixture is in use."""
    with start_or_skip(start) as peer:
        yield peer


def renewed(
    name: str, start: Callable[[], Renewable], scope: Literal["session", "module"] = "session"
) -> tuple[Any, Any]:
    """Two fixtures: ``..._session``, one server for all tests, and ``name``, set back for each."""
    one_for_all = f"{name.removesuffix('_peer')}_session"

    @pytest.fixture(scope=scope, name=one_for_all)
    def started() -> Iterator[Renewable]:
        yield from running(start)

    @pytest.fixture(name=name)
    def set_back(request: pytest.FixtureRequest) -> Renewable:
        peer: Renewable = request.getfixturevalue(one_for_all)
        peer.reset()
        return peer

    return started, set_back


def starting(start: Callable[..., PeerType]) -> Iterator[Callable[..., PeerType]]:
    """Start further servers with chosen options; stopped after the test."""
    with ExitStack() as stack:
        yield lambda *what, **options: stack.enter_context(
            start_or_skip(lambda: start(*what, **options))
        )


def any_server(start: Callable[..., PeerType], **options: object) -> PeerType:
    """For :func:`starting` where the test says which server it wants."""
    return start(**options)


@pytest.fixture(scope="session")
def opcua_peer() -> Iterator[launch.OpcuaPeer]:
    """The node-opcua server with 300 tags and 25,000 samples in ``History.Million``."""
    yield from running(launch.start_opcua)


@pytest.fixture(scope="session")
def opcua_peer_large() -> Iterator[launch.OpcuaPeer]:
    """The node-opcua server with 10,000 tags and a million samples."""
    yield from running(lambda: launch.start_opcua(tags=10_000, history=1_000_000, mixed=100_000))


@pytest.fixture(scope="session")
def opcua_second() -> Iterator[launch.OpcuaPeer]:
    """The asyncua server with a few of the same nodes."""
    yield from running(launch.start_opcua_second)


@pytest.fixture(scope="session")
def modbus_peer() -> Iterator[launch.Peer]:
    """The libmodbus server."""
    yield from running(launch.start_modbus)


@pytest.fixture(scope="session")
def modbus_second() -> Iterator[launch.Peer]:
    """The pymodbus server; not for pipelining."""
    yield from running(launch.start_modbus_second)


@pytest.fixture
def opcua_factory() -> Iterator[Callable[..., launch.OpcuaPeer]]:
    """Start further node-opcua servers with chosen options; stopped after the test."""
    yield from starting(launch.start_opcua)


@pytest.fixture
def modbus_factory() -> Iterator[Callable[..., launch.Peer]]:
    """Start further libmodbus servers with chosen options; stopped after the test."""
    yield from starting(launch.start_modbus)


@pytest.fixture
def proxy_factory() -> Iterator[Callable[[int], FaultProxy]]:
    """Put a fault proxy in front of a port; stopped after the test."""
    with ExitStack() as stack:
        yield lambda target_port: stack.enter_context(FaultProxy(target_port))


@pytest.fixture
def lying_modbus_factory() -> Iterator[Callable[..., LyingModbus]]:
    """Start Modbus servers that misbehave in a chosen way; stopped after the test."""
    with ExitStack() as stack:

        def start(behaviour: Behaviour = Behaviour.HONEST, **options: int) -> LyingModbus:
            return stack.enter_context(LyingModbus(behaviour, **options))

        yield start


@pytest.fixture
def lying_opcua_factory() -> Iterator[Callable[[launch.OpcuaPeer], LyingOpcua]]:
    """Put a lying proxy in front of an OPC UA server; stopped after the test."""
    with ExitStack() as stack:
        yield lambda peer: stack.enter_context(LyingOpcua(peer))


@pytest.fixture(scope="session")
def dnp3_peer() -> Iterator[launch_dnp3.Dnp3Peer]:
    """The specification's outstation with its default points; for tests that change nothing."""
    yield from running(launch_dnp3.start_dnp3)


@pytest.fixture
def dnp3_factory() -> Iterator[Callable[..., launch_dnp3.Dnp3Peer]]:
    """Start further DNP3 outstations with chosen options; stopped after the test."""
    yield from starting(launch_dnp3.start_dnp3)


@pytest.fixture(scope="session")
def dnp3_second() -> Iterator[launch_dnp3.Dnp3SecondPeer]:
    """opendnp3's own outstation with 100 points of a kind; for tests that change nothing."""
    yield from running(lambda: launch_dnp3.start_dnp3_second(points=100))


@pytest.fixture
def dnp3_second_factory() -> Iterator[Callable[..., launch_dnp3.Dnp3SecondPeer]]:
    """Start further opendnp3 outstations with chosen options; stopped after the test."""
    yield from starting(launch_dnp3.start_dnp3_second)
