"""``session.tags``: finding what there is to read, without asking twice or behind one's back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang_data as gd
from greenlang_data import drivers
from greenlang_data.connectors.tags import TagsQuery
from greenlang_data.drivers.base import Driver, ReadLog, Request
from greenlang_data.drivers.schema import TAGS
from tests.drivers.modbus.helpers import config, register
from tests.peers.launch import Peer

COLUMNS = ["tag_id", "tag_name", "path", "description", "data_type", "unit", "low", "high"]


class Plain(Driver):
    """A driver that counts how often it is asked, and lists what it is told to."""

    rows: ClassVar[list[dict[str, str]]] = []
    asked: ClassVar[int] = 0

    async def connect(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def ping(self) -> None:
        """Always there."""

    def read(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        raise NotImplementedError


class Lister(Plain):
    async def list_tags(self, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        type(self).asked += 1
        for row in self.rows:
            yield pa.RecordBatch.from_pylist([row], schema=TAGS)


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> type[Lister]:
    monkeypatch.setitem(drivers._BUILT_IN, "dnp3", (f"{__name__}:Lister", ""))
    monkeypatch.setattr(Lister, "asked", 0)
    return Lister


def source(name: str = "plant1", **fields: object) -> gd.SCADAConfig:
    fields = {"protocol": "dnp3", "endpoint": "10.0.0.1:20000", **fields}
    return gd.SCADAConfig(connector_id=name, connector_type="scada", **fields)


def test_the_simulated_plant() -> None:
    with gd.Session(mock=True) as s:
        found = s.tags("scada").find("*TEMP*")
        assert list(found.columns) == COLUMNS
        assert "Temperature" in set(found["tag_name"])
        row = found[found["tag_name"] == "Temperature"].iloc[0]
        assert (row["unit"], row["low"], row["high"]) == ("Cel", 0.0, 450.0)
        assert s.tags.find("*TEMP*").equals(found)  # the only SCADA source
        everything = s.tags.find()
        assert s.scada(list(everything["tag_id"]))["tag_name"].tolist() == list(
            everything["tag_name"]
        )
        assert len(s.tags("historian").find("Flow?ate")) == 1


def test_it_carries_its_proof() -> None:
    with gd.Session(mock=True) as s:
        found, all_of_them = s.tags.find("*temp*"), s.tags.find()
    record = found.attrs["provenance"]
    assert record["query"] == {"pattern": "*temp*"}
    assert (record["mode"], record["requests"], record["rows"]) == ("mock", 1, len(found))
    assert record["response_hash"] == all_of_them.attrs["provenance"]["response_hash"]
    assert record["query_hash"] != all_of_them.attrs["provenance"]["query_hash"]
    assert gd.verify(found) == "intact"
    assert gd.verify(found.head(1)) == "derived"


def test_nothing_that_fits_is_an_empty_frame() -> None:
    with gd.Session(mock=True) as s:
        found = s.tags.find("no such thing")
    assert (list(found.columns), len(found)) == (COLUMNS, 0)
    assert gd.verify(found) == "intact"


@settings(deadline=None)
@given(st.text(min_size=1))
def test_every_name_fits_itself_and_stars(name: str) -> None:
    if not set(name) & set("*?"):
        assert TagsQuery(pattern=name).fits(name)
        assert TagsQuery(pattern=name).fits("other", name)
    assert TagsQuery(pattern="*").fits(name)
    assert TagsQuery(pattern=f"*{name[0]}*" if name[0] not in "*?" else "*").fits(name)
    assert not TagsQuery(pattern="?" * (len(name.casefold()) + 1)).fits(name)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("[default]Pump/*", "[default]Pump/Speed", True),
        ("[default]*", "d", False),
        ("temp", "Temperature", False),
        ("STRASSE*", "Straße.Flow", True),
        ("a.c", "abc", False),
        ("line*end", "line\nend", True),
    ],
)
def test_patterns(pattern: str, name: str, fits: bool) -> None:
    assert TagsQuery(pattern=pattern).fits(name) is fits


def test_only_finding_asks_and_only_once(
    listed: type[Lister], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"tag_id": "a1", "tag_name": "Flow"},
        {"tag_id": "a2", "tag_name": "Level"},
        {"tag_id": "a3", "tag_name": "Level"},
    ]
    monkeypatch.setattr(listed, "rows", rows)
    with gd.Session([source()]) as s:
        tags = s.tags("plant1")
        assert "not listed yet" in repr(tags)
        assert (len(tags), list(tags), tags._ipython_key_completions_()) == (0, [], [])
        assert s.tags._ipython_key_completions_() == []
        with pytest.raises(gd.UnknownTagError, match=r"Call find\(\) first"):
            s.tags["Flow"]
        assert listed.asked == 0
        assert tags.listed_at is None

        assert list(tags.find("l*")["tag_id"]) == ["a2", "a3"]
        assert tags["Flow"] == tags["a1"] == s.tags["Flow"] == "a1"
        assert "Flow" in tags
        # A name of two tags names neither.
        assert tags._ipython_key_completions_() == ["a1", "a2", "a3", "Flow"]
        with pytest.raises(gd.UnknownTagError, match="Search with find"):
            tags["Level"]
        assert "3 listed at 20" in repr(tags)
        tags.find("*")
        assert listed.asked == 1

        monkeypatch.setattr(listed, "rows", rows[:1])
        assert len(tags.find(refresh=True)) == 1
        assert (listed.asked, list(tags)) == (2, ["a1", "Flow"])
        s.sources["plant1"].endpoint = "10.0.0.2:20000"
        tags.find()
        assert listed.asked == 3  # another address, another list
    with pytest.raises(gd.SessionClosedError):
        tags.find(refresh=True)


def test_a_source_that_lists_nothing_and_one_that_cannot(
    listed: type[Lister], monkeypatch: pytest.MonkeyPatch
) -> None:
    with gd.Session([source()]) as s, pytest.raises(gd.UnsupportedError, match="lists no tags"):
        s.tags.find()
    monkeypatch.setitem(drivers._BUILT_IN, "dnp3", (f"{__name__}:Plain", ""))
    with gd.Session([source()]) as s, pytest.raises(gd.UnsupportedError, match="cannot tell its"):
        s.tags.find()


def test_which_source_is_meant(listed: type[Lister]) -> None:
    with gd.Session([source("plant1"), source("plant2")]) as s:
        with pytest.raises(gd.QueryError, match=r"2 scada sources.*plant1, plant2"):
            s.tags.find()
        with pytest.raises(gd.QueryError, match="Did you mean 'plant2'"):
            s.tags("plan2")
        assert s.tags._ipython_key_completions_() == []
        assert "plant1, plant2" in repr(s.tags)
    with gd.Session(mock=True) as s:
        with pytest.raises(gd.QueryError, match=r"'erp' has no tags.*scada, historian"):
            s.tags("erp")
        with pytest.raises(gd.QueryError, match="pattern is a list"):
            s.tags.find(["a"])  # type: ignore[arg-type]


def test_a_register_map(modbus_peer: Peer) -> None:
    registers = [
        register("Flow", type="float32", word_order="CDAB", unit="t/h", address=100),
        register("Alarm", type="bool", bit=3),
    ]
    with gd.Session([config(modbus_peer.port, registers)]) as s:
        found = s.tags("plant").find("*")
        assert found["tag_id"].tolist() == ["Flow", "Alarm"]
        assert found["unit"].tolist()[0] == "t/h"
        assert found["path"].tolist() == ["unit 1 holding 100-101", "unit 1 holding 0 bit 3"]
        assert s.scada(s.tags["Flow"])["tag_id"].tolist() == ["Flow"]
    with (
        gd.Session([config(modbus_peer.port)]) as s,
        pytest.raises(gd.UnsupportedError, match=r"lists no tags.*register map"),
    ):
        s.tags("plant").find()


def test_a_line_that_drops_is_tried_again() -> None:
    with gd.Session(mock="flaky") as s:
        s.sources["scada"].retry_min_wait = 0
        s.sources["scada"].retry_multiplier = 0
        record = s.tags.find().attrs["provenance"]
    assert (record["attempts"], record["retries"]) == (2, 1)
