"""The outstations that the DNP3 driver is tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.drivers.dnp3.helpers import Opendnp3Peer, start_opendnp3
from tests.peers.fixtures import start_or_skip
from tests.peers.launch_dnp3 import Dnp3Peer, start_dnp3


@pytest.fixture
def outstation_factory() -> Iterator[Callable[..., Dnp3Peer]]:
    """Start outstations written from the specification; stopped after the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(start_or_skip(lambda: start_dnp3(**options)))


@pytest.fixture
def outstation(outstation_factory: Callable[..., Dnp3Peer]) -> Dnp3Peer:
    """One with everything as it is by default."""
    return outstation_factory()


@pytest.fixture
def opendnp3_factory() -> Iterator[Callable[..., Opendnp3Peer]]:
    """Start outstations of the library itself; stopped after the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(
            start_or_skip(lambda: start_opendnp3(**options))
        )
