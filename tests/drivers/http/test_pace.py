"""The pace of single requests: a server that refuses is left alone for as long as it says."""

from __future__ import annotations

import time

import pytest

from greenlang_data.errors import SourceBusy
from tests.drivers.http.conftest import Web, run


def test_a_short_time_is_waited_for_and_then_it_is_asked(web: Web) -> None:
    client = web.client()
    with pytest.raises(SourceBusy):
        run(client, "status", params=[("code", "429"), ("after", "0.5")])
    told = time.monotonic()
    assert run(client, "hello").status == 200
    assert time.monotonic() - told >= 0.49


def test_a_time_longer_than_an_attempt_is_an_error_at_once_and_nothing_is_sent(web: Web) -> None:
    client = web.client(timeout_seconds=5)
    with pytest.raises(SourceBusy):
        run(client, "status", params=[("code", "503"), ("after", "60")])
    before = len(web.seen("/hello"))
    began = time.monotonic()
    with pytest.raises(SourceBusy, match=r"^web: it asked to be left alone, for \d\d(\.\d)? s"):
        run(client, "hello")
    assert time.monotonic() - began < 2
    assert len(web.seen("/hello")) == before


def test_a_refusal_that_tells_no_time_holds_nothing_back(web: Web) -> None:
    client = web.client()
    with pytest.raises(SourceBusy):
        run(client, "status", params=[("code", "429")])
    began = time.monotonic()
    assert run(client, "hello").status == 200
    assert time.monotonic() - began < 2
