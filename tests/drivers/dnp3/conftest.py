"""The outstation that most DNP3 tests are tried on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.peers.launch_dnp3 import Dnp3Peer


@pytest.fixture
def outstation(dnp3_factory: Callable[..., Dnp3Peer]) -> Dnp3Peer:
    """The specification's, with everything as it is by default, for one test alone."""
    return dnp3_factory()
