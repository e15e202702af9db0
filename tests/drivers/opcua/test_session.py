"""OPC UA's kinds of history through a session, as a user asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import get_args

import numpy as np
import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.connectors.query import Aggregation
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.errors import QueryError, UnsupportedError
from tests.drivers.opcua.helpers import HISTORY_START, config
from tests.peers.launch import OpcuaPeer

MINUTE = HISTORY_START + timedelta(minutes=1)


@pytest.fixture
def session(opcua_peer: OpcuaPeer) -> Iterator[gd.Session]:
    with gd.Session(config(opcua_peer.endpoint)) as s:
        yield s


def test_what_was_modified(session: gd.Session) -> None:
    frame = session.scada(
        "History.Edited", start=HISTORY_START, end=MINUTE, modified=True, shape="long"
    )
    assert frame["value"].tolist() == [10, 20.1, 20.2, 30.3]
    assert frame["status"].tolist()[1] == "Good; deleted at 2025-01-02T00:00:20Z by bert"
    assert frame.attrs["provenance"]["query"]["modified"] is True
    assert gd.verify(frame) == "intact"


def test_values_at_chosen_times_in_whatever_zone_and_order(session: gd.Session) -> None:
    asked = ["2025-01-01T01:00:02.500+01:00", pd.Timestamp("2025-01-01 00:00:01"),
             datetime(2025, 1, 1)]  # fmt: skip
    frame = session.scada(["History.Edited"], times=asked)
    assert frame["History.Edited"].tolist() == [0, 1, 2.5]
    assert [str(one) for one in frame.index] == [
        "2025-01-01 00:00:00+00:00", "2025-01-01 00:00:01+00:00",
        "2025-01-01 00:00:02.500000+00:00",
    ]  # fmt: skip


@pytest.mark.parametrize("aggregation", ["PercentGood", "DurationGood", "PercentBad"])
def test_an_aggregate_of_the_server_s_own(session: gd.Session, aggregation: str) -> None:
    frame = session.scada(
        "History.Million", start=HISTORY_START, end=MINUTE, aggregation=aggregation,
        interval="10s", shape="long",
    )  # fmt: skip
    number, unit = {
        "PercentGood": (100, "%"), "PercentBad": (0, "%"), "DurationGood": (10_000, "ms"),
    }[aggregation]  # fmt: skip
    assert frame["value"].tolist() == [number] * 6
    assert set(frame["unit"]) == {unit}
    assert frame.attrs["provenance"]["notes"] == []


def test_what_is_computed_here_is_said(session: gd.Session) -> None:
    frame = session.scada(
        "History.Million", start=HISTORY_START, end=MINUTE, aggregation="VariancePopulation",
        interval="10s",
    )  # fmt: skip
    raw = session.scada("History.Million", start=HISTORY_START, end=MINUTE)["History.Million"]
    np.testing.assert_allclose(frame["History.Million"], raw.resample("10s").var(ddof=0))
    (note,) = frame.attrs["provenance"]["notes"]
    assert note.startswith("VariancePopulation computed here from good raw samples")


def test_names_of_aggregates_are_those_of_the_driver() -> None:
    assert OpcUaDriver.kinds - {"modified", "times"} == set(get_args(Aggregation))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"modified": True}, "give start"),
        ({"times": []}, "times is empty"),
        ({"times": [HISTORY_START], "start": HISTORY_START}, "in place of a window"),
        ({"start": HISTORY_START, "end": MINUTE, "modified": True, "aggregation": "avg"}, "leave"),
        ({"start": HISTORY_START, "end": MINUTE, "aggregation": "Median"}, "aggregation"),
    ],
)
def test_questions_that_cannot_be_meant(
    session: gd.Session, asked: dict[str, object], told: str
) -> None:
    with pytest.raises(QueryError, match=told):
        session.scada("History.Edited", **asked)  # type: ignore[arg-type]


def test_sources_without_such_histories_say_so() -> None:
    with gd.Session(mock=True) as s:
        window = {"start": HISTORY_START, "end": MINUTE}
        with pytest.raises(UnsupportedError, match="no history of modifications"):
            s.scada("ns=2;s=Temperature", **window, modified=True)  # type: ignore[arg-type]
        with pytest.raises(UnsupportedError, match="no values at chosen times"):
            s.scada("ns=2;s=Temperature", times=[HISTORY_START])
        with pytest.raises(UnsupportedError, match=r"no aggregation 'Range'.*avg, count, max"):
            s.scada("ns=2;s=Temperature", **window, aggregation="Range", interval="10s")  # type: ignore[arg-type]
        query = gd.SCADAQuery(tag_ids=["a"], times=[HISTORY_START])
        with pytest.raises(UnsupportedError, match="can be streamed"):
            next(iter(s.scan(query)))
