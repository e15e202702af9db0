"""Fixtures for all tests: the peers that drivers are tried against."""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest

# How long an example takes says more about what else the machine does.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

pytest_plugins = [
    "tests.peers.fixtures",
    "tests.peers.fixtures_bacnet",
    "tests.peers.fixtures_cmms",
    "tests.peers.fixtures_erp",
    "tests.peers.fixtures_cems",
    "tests.peers.fixtures_fieldbus",
    "tests.peers.fixtures_historian",
    "tests.peers.fixtures_kerberos",
    "tests.drivers.phd.gateway",
]


def pytest_configure() -> None:
    """Let Ctrl-C work in what the tests start.

    A shell starts what it runs in the background with that signal ignored, and a process hands
    that on to those that it starts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where the peers are required, a skipped test fails the run: nothing passes by skipping."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("GREENLANG_REQUIRE_PEERS") == "1" and skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
