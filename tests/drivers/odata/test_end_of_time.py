"""A time that stands for no end is as exact as any other, or told with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.odata.helpers import config
from tests.drivers.odata.timed_service import start_timed_service
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer

FOREVER = "9999-12-31T23:59:59.9999999Z"
FINE = "2024-02-29T10:00:00.1234567Z"
WHOLE = "2024-02-29T10:00:00.1234560Z"
FAR = "9999-12-31T23:59:59.9999990Z"
FAR_AWAY = "9999-12-31T23:59:59Z"
REMEDY = r"Leave the column out with fields=, or read it as it is written"


peer_session, peer = renewed("peer", start_timed_service, scope="module")


def read(peer: HistorianPeer, values: Sequence[Any], cap: int = 1000, **more: Any) -> pd.DataFrame:
    peer.set(values=list(values), cap=cap)
    options = {"entity": "S/Rows", **more}
    entities = options.pop("entities", {})
    with gd.Session([config(peer.origin, v4_path="/v4", services={"S": "/v4/S"}, max_retries=0,
                            entities=entities)]) as s:  # fmt: skip
        return s.erp(limit=None, **options)


@pytest.mark.parametrize("cap", [1000, 1], ids=["one page", "a page each"])
@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ((WHOLE, FAR_AWAY, None), "us"),
        ((FAR, WHOLE), "us"),
        ((WHOLE, "2024-02-29T12:00:00.1234560+02:00"), "ns"),
        ((FINE, WHOLE, "1700-01-01T00:00:00Z", None), "ns"),
        ((FAR_AWAY, "0001-01-01T00:00:00Z"), "us"),
    ],
)
def test_times_are_in_the_unit_that_holds_them(
    peer: HistorianPeer, values: tuple[str | None, ...], unit: str, cap: int
) -> None:
    frame = read(peer, values, cap)
    assert frame["ValidTo"].dtype == f"datetime64[{unit}, UTC]"
    for found, written in zip(frame["ValidTo"], values, strict=True):
        if written is None:
            assert found is pd.NaT
            continue
        stamp = pd.Timestamp(found)
        digits = f"{stamp.tz_localize(None).isoformat(timespec='microseconds')[:26]}"
        wanted = written.replace("12:00:00.1234560+02:00", "10:00:00.1234560Z").rstrip("Z")
        wanted = wanted if "." in wanted else f"{wanted}.0000000"
        assert f"{digits}{stamp.nanosecond // 100}" == wanted
    assert gd.verify(frame) == "intact"


@pytest.mark.parametrize("cap", [1000, 1], ids=["one page", "a page each"])
@pytest.mark.parametrize("values", [(FOREVER,), (WHOLE, FOREVER), (FAR_AWAY, FINE)])
def test_times_that_no_unit_holds_are_told_with_what_to_do(
    peer: HistorianPeer, values: tuple[str, ...], cap: int
) -> None:
    with pytest.raises(gd.ProtocolError, match=f"ValidTo.*{REMEDY}"):
        read(peer, values, cap)
    assert list(read(peer, values, cap, fields=["ID"])["ID"]) == list(range(len(values)))
    place = {"service": "S", "name": "Rows", "types": {"ValidTo": "text"}}
    frame = read(peer, values, cap, entity="rows", entities={"rows": place})
    assert tuple(frame["ValidTo"]) == values
    found = read(peer, values, cap, entity="rows", entities={"rows": place},
                 filters={"ValidTo": values[0]})  # fmt: skip
    assert tuple(found["ValidTo"]) == values[:1]


@pytest.mark.parametrize("rows", [9, 3000])
def test_a_row_with_a_column_twice_is_refused(peer: HistorianPeer, rows: int) -> None:
    for place in (None, 0, rows - 1):
        peer.set(twice=place)
        if place is None:
            assert len(read(peer, [FAR_AWAY] * rows, 5000)) == rows
            continue
        with pytest.raises(gd.ProtocolError, match="'ValidTo' twice"):
            read(peer, [FAR_AWAY] * rows, 5000)


def test_what_is_no_time_is_still_told_as_that(peer: HistorianPeer) -> None:
    with pytest.raises(gd.ProtocolError, match="a time stamp is none"):
        read(peer, ["31.12.9999", FOREVER])
