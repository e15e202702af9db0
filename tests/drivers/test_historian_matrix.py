"""The correctness matrix: what historians do to their readers, and the whole truth all the same.

Each row of the table is a peculiarity of a server or of its data. What is read must be every sample
once, with its time, value, unit-free text and quality as recorded, or an error that says why not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.piwebapi import helpers
from tests.drivers.piwebapi.helpers import DAY
from tests.peers import historian_truth as truth
from tests.peers.historian_launch import HistorianPeer
from tests.peers.historian_tags import Event, State, catalogue, ticks_of
from tests.peers.pi_assets import AF_SERVER, DATABASE

LOGIN = {"client_id": "historian-client", "client_secret": "s3cret-client"}
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DATA = "streamsets/recorded|datapoints/raw"
# Both changes of the clocks in Europe, and the summer between.
BOTH_CHANGES = (datetime(2025, 3, 29, 20, tzinfo=UTC), datetime(2025, 10, 26, 6, tzinfo=UTC))
FIVE_HUNDRED = [f"Bulk.{index:05d}" for index in range(500)]


@dataclass(frozen=True)
class Case:
    """A read that meets ``knobs`` and ``faults``, and what has to come of it.

    ``error`` and ``words`` when nothing can; else all samples of ``tags`` but of the ``unknown``.
    """

    name: str
    tags: list[str]
    start: datetime = DAY
    end: datetime = DAY + HOUR
    sources: str = "pi ge"
    knobs: Mapping[str, Any] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)
    unknown: str | None = None
    error: type[Exception] | None = None
    words: str = ""


def fault(kind: str, **more: Any) -> list[dict[str, Any]]:
    return [{"kind": kind, "match": DATA, **more}]


def once(kind: str, skip: int = 0, **more: Any) -> list[dict[str, Any]]:
    return fault(kind, skip=skip, times=1, **more)


MATRIX = [
    # The data.
    Case("several samples at one time stamp", ["Duplicates"]),
    Case("a burst larger than a page", ["Bursts"], knobs={"max_returned": 13_000}, sources="pi"),
    Case("a burst larger than the cap", ["Bursts"], knobs={"max_returned": 5_000}, sources="pi",
         error=gd.ProtocolError, words="samples or more of one time stamp"),
    Case("a burst larger than the cap", ["Bursts"], knobs={"max_samples": 5_000}, sources="ge",
         error=gd.ProtocolError, words="in one millisecond"),
    Case("whole and fractional seconds mixed", ["Ticks"]),
    Case("a sample at the start and one at the end", ["Ramp"], DAY + MINUTE, DAY + 9 * MINUTE),
    Case("a window between two samples", ["Ramp"], DAY + 90 * SECOND, DAY + 100 * SECOND),
    Case("a window of one tick around a sample", ["Ramp"], DAY + MINUTE,
         DAY + MINUTE + timedelta(milliseconds=1)),
    Case("states in a numeric tag, and numbers like their codes", ["Mixed"]),
    Case("nothing but states in a numeric tag", ["Timeouts"]),
    Case("a digital tag with a system state", ["Pump"], sources="pi"),
    Case("values that carry errors", ["Errors"], sources="pi"),
    Case("every combination of flags", ["Flags"], sources="pi"),
    Case("texts with quotes and beyond ASCII", ["Text"]),
    Case("integers at their limits", ["Integer"]),
    Case("a tag without samples beside one with", ["Empty", "Single", "Ramp"]),
    Case("names that need care", ["A&B+C#D%20=E", "Zähler µ|x", "Plant 1/FIC-101;PV"]),
    Case("a window over both changes of the clocks", ["Dst"], *BOTH_CHANGES),
    Case("a window in the year 9999", ["Ramp"], DAY, datetime(9999, 1, 1, tzinfo=UTC),
         error=gd.QueryError, words="end: .* between 1678 and 2261"),
    # The caps.
    Case("a cap that is found out", ["Million"], end=DAY + 3 * HOUR, sources="pi",
         knobs={"max_returned": 4_000}),
    Case("a cap for the whole call", ["Million", "Ramp"], end=DAY + 3 * HOUR, sources="pi",
         knobs={"max_returned": 4_000, "cap_accounting": "call"}),
    Case("a cap that nobody tells", ["Million"], end=DAY + 3 * HOUR, sources="pi",
         knobs={"silent_cap": 4_000}),
    Case("a result size that is exceeded", ["Million", "Ramp"], sources="ge",
         knobs={"max_samples": 1_000}),
    Case("a tag's result size that is exceeded", ["Million", "Ramp"], sources="ge",
         knobs={"max_samples": 1_000, "size_scope": "tag"}),
    Case("a start that is left out", ["Ramp"], sources="ge", knobs={"raw_excludes_start": True}),
    Case("a start that is not left out", ["Ramp"], sources="ge",
         knobs={"raw_excludes_start": False}),
    # Errors inside a success.
    Case("WebException after some samples, once", ["Ramp"], sources="pi",
         faults=once("web_exception", events=10)),
    Case("WebException after some samples, always", ["Ramp"], sources="pi",
         faults=fault("web_exception", events=10), error=gd.TransientError, words="broke off"),
    Case("an error code of the whole answer", ["Ramp"], sources="ge",
         faults=fault("error_code", code=-1), error=gd.ReadFailed, words="code -1"),
    Case("an error code of one tag", ["Ramp", "Step"], sources="ge", unknown="Step",
         faults=fault("error_code", code=-18, tag="Step")),
    Case("one unknown tag among 500", [*FIVE_HUNDRED[:250], "No such", *FIVE_HUNDRED[250:]],
         end=DAY + 3 * MINUTE, unknown="No such"),
    Case("an unknown tag fails the whole answer", ["Ramp", "Step", "No such"], sources="ge",
         knobs={"unknown_tag": "top"}, unknown="No such"),
    Case("an unknown stream fails the whole set", ["Ramp", "Step", "No such"], sources="pi",
         knobs={"streamset_unknown": "fail"}, unknown="No such"),
    # Servers and proxies, at the first answer and between two pages.
    *[Case(f"{status}, once", ["Ramp"], faults=once("status", status=status))
      for status in (429, 500, 502, 503, 504)],
    *[Case(f"{status} between two pages", ["Million"], end=DAY + 3 * HOUR, sources="pi",
           knobs={"max_returned": 4_000}, faults=once("status", skip=2, status=status))
      for status in (429, 502, 503)],
    *[Case(f"{status} between two halves", ["Million"], sources="ge",
           knobs={"max_samples": 1_000}, faults=once("status", skip=2, status=status))
      for status in (429, 502, 503)],
    Case("a proxy's page with 502", ["Ramp"], faults=once("proxy_error")),
    Case("a sign-in page with 200", ["Ramp"], faults=fault("html_login"),
         error=gd.ProtocolError, words="Sign in"),
    Case("JSON that is cut", ["Ramp"], faults=fault("truncated"),
         error=gd.ProtocolError, words="cannot be understood"),
    Case("a length that is too long", ["Ramp"], faults=once("length_long")),
    Case("a length that is too short", ["Ramp"], faults=fault("length_short"),
         error=gd.ProtocolError, words="cannot be understood"),
    Case("a connection that ends in the middle", ["Ramp"], faults=once("cut")),
    Case("a body without a length", ["Ramp"], faults=fault("no_length")),
    Case("a token that ends in the middle", ["Million"], sources="ge",
         knobs={"max_samples": 1_000, "token_uses": 3}),
]  # fmt: skip
ROWS = [(source, case) for case in MATRIX for source in case.sources.split()]


@pytest.fixture
def peers(pi_peer: HistorianPeer, proficy_peer: HistorianPeer) -> dict[str, HistorianPeer]:
    return {"pi": pi_peer, "ge": proficy_peer}


@contextmanager
def opened(source: str, peer: HistorianPeer) -> Iterator[gd.Session]:
    more = LOGIN if source == "ge" else {}
    with gd.Session([helpers.config(peer, historian_type=source, **more)]) as session:
        yield session


@pytest.mark.parametrize(
    ("source", "case"), ROWS, ids=[f"{source}: {case.name}" for source, case in ROWS]
)
def test_matrix(peers: dict[str, HistorianPeer], source: str, case: Case) -> None:
    peer = peers[source]
    peer.set(**case.knobs, faults=case.faults)
    with opened(source, peer) as s:
        if case.error is not None:
            with pytest.raises(case.error, match=case.words):
                s.historian(case.tags, case.start, case.end)
            return
        errors: Any = "report" if case.unknown else "raise"
        frame = s.historian(case.tags, case.start, case.end, shape="long", errors=errors)
    record = frame.attrs["provenance"]
    assert set(record["failures"]) == ({case.unknown} if case.unknown else set())
    for tag in case.tags:
        if tag != case.unknown:
            assert_recorded(frame[frame["tag"] == tag], tag, source, case)
    assert gd.verify(frame) == "intact"


def assert_recorded(found: pd.DataFrame, tag: str, source: str, case: Case) -> None:
    """The samples are those that were recorded, each once, in order."""
    events = list(catalogue()[tag].forward(ticks_of(case.start), ticks_of(case.end) - 1))
    digits = 1 if source == "pi" else 10_000  # PI's own ticks, or Proficy's milliseconds
    stamps = [one.ticks // digits * digits * 100 for one in events]
    assert [
        int(stamp) for stamp in pd.DatetimeIndex(found["timestamp"]).as_unit("ns").asi8
    ] == stamps
    assert found["quality"].tolist() == [quality(one, source) for one in events]
    column = found["text"] if "text" in found and found["text"].notna().any() else found["value"]
    values = [None if pd.isna(one) else one for one in column.tolist()]
    assert values == [value(one, source) for one in events]


def quality(event: Event, source: str) -> str:
    if not event.good or event.error:
        return "bad"
    by_hand = source == "ge" and event.substituted  # which the emulator tells as uncertain
    return "uncertain" if event.questionable or by_hand else "good"


def value(event: Event, source: str) -> object:
    if not event.good or event.error:
        return None
    return event.value.name if isinstance(event.value, State) else event.value


@pytest.mark.parametrize("source", ["pi", "ge"])
@pytest.mark.parametrize("step", [HOUR, 7 * HOUR, 24 * HOUR], ids=str)
def test_intervals_are_even_over_both_changes_of_the_clocks(
    peers: dict[str, HistorianPeer], source: str, step: timedelta
) -> None:
    start, end = BOTH_CHANGES
    seconds = f"{step.total_seconds():.0f}s"
    with opened(source, peers[source]) as s:
        frame = s.historian(["Dst"], start, end, seconds, "count")
    edges = list(pd.date_range(start, end, freq=step, inclusive="left"))
    assert list(frame.index) == edges
    found = frame["Dst"].dropna()
    for edge in (start + step * n for n in range(len(edges))):
        inside = truth.event_weighted("Dst", edge, min(edge + step, end))["Count"]
        assert found.get(pd.Timestamp(edge), 0) == inside
    assert found.sum() == catalogue()["Dst"].slots


def test_a_frame_that_goes_on_until_the_year_9999(pi_peer: HistorianPeer) -> None:
    with opened("pi", pi_peer) as s:
        frames = s.event_frames(rf"\\{AF_SERVER}\{DATABASE}", DAY, DAY + 300 * HOUR)
    still = frames[frames["end_time"].isna()]
    assert 1 <= len(still) < len(frames)
    assert frames["end_time"].max() < pd.Timestamp("2027-01-01", tz="UTC")


def test_a_clock_that_steps_ends_no_token(
    proficy_peer: HistorianPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    with opened("ge", proficy_peer) as s:
        for shift in (0.0, -86_400.0, 86_400.0):
            monkeypatch.setattr(time, "time", lambda shift=shift: real() + shift)
            frame = s.historian(["Ramp"], DAY, DAY + HOUR)
            assert len(frame) == 60
    logins = [one for one in proficy_peer.requests() if one["path"].endswith("oauth/token")]
    assert len(logins) == 1
