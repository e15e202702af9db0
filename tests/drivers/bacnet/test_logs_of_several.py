"""Trend logs of several values, with records that bacpypes3 has encoded."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from bacpypes3.basetypes import (
    DateTime,
    DeviceObjectPropertyReference,
    LogData,
    LogDataLogData,
    LogMultipleRecord,
)
from bacpypes3.primitivedata import Date, Time

import greenlang_data as gd
from greenlang_data.drivers.base import ReadLog
from tests.drivers.bacnet.helpers import config, listed, with_driver
from tests.drivers.bacnet.odd_device import (
    DEVICE,
    OddDevice,
    Reply,
    Request,
    complex_ack,
    inputs,
    object_id,
    real,
    text,
)

LOG = object_id(27, 1)
YEAR = {"start": "2025-01-01", "end": "2026-01-01"}
FIRST = datetime(2025, 3, 1)
PER_PAGE = 7
COUNT = 40


def encoded(value: Any) -> bytes:
    return bytes(value.encode().encode().pduData)


def member(kind: int, instance: int, device: int | None = None) -> bytes:
    fields: dict[str, Any] = {} if device is None else {"deviceIdentifier": ("device", device)}
    return encoded(
        DeviceObjectPropertyReference(
            objectIdentifier=(kind, instance), propertyIdentifier="present-value", **fields
        )
    )


def moment(number: int) -> datetime:
    return FIRST + timedelta(minutes=number)


def record(number: int) -> bytes:
    """Every eighth a gap of the log; a real, a state, and a value that could not be read."""
    time = moment(number)
    if number % 8 == 7:
        data = LogData(logStatus=[0, 0, 1])
    elif number % 8 == 6:
        data = LogData(timeChange=60.0)
    else:
        failed = LogDataLogData(
            failure={"errorClass": "property", "errorCode": "read-access-denied"}
        )
        third = failed if number % 2 else LogDataLogData(nullValue=())
        data = LogData(
            logData=[
                LogDataLogData(realValue=number * 0.5),
                LogDataLogData(booleanValue=number % 2 == 0),
                third,
                LogDataLogData(unsignedValue=number * 1000),
            ]
        )
    stamp = DateTime(
        date=Date((time.year - 1900, time.month, time.day, time.isoweekday())),
        time=Time((time.hour, time.minute, time.second, 0)),
    )
    return encoded(LogMultipleRecord(timestamp=stamp, logData=data))


class Logging(OddDevice):
    """Has one log of four values, of which the last belongs to another device."""

    def __init__(self, **changed: Any) -> None:
        members = [member(0, 5), member(5, 2), member(0, 9), member(0, 5, 99)]
        values = {
            (DEVICE, 76, 0): b"\x21\x02",
            (DEVICE, 76, 1): b"\xc4" + object_id(0, 5).to_bytes(4),
            (DEVICE, 76, 2): b"\xc4" + LOG.to_bytes(4),
            (LOG, 77, None): text("boiler"),
            (LOG, 132, None): b"".join(members),
            **inputs(),
        }
        self.pages = 0
        super().__init__(values | changed.pop("values", {}))

    def answer(self, request: Request) -> list[Reply]:
        if request.service != 26:
            return [Reply(self.honest(request))]
        self.pages += 1
        at = request.body.index(b"\x19\x83") + 2
        if request.body[at] == 0x6E:  # by sequence number
            (first,) = struct.unpack_from(">I", request.body, at + 2)
        else:
            year, month, day, _ = request.body[at + 2 : at + 6]
            after = datetime(1900 + year, month, day)
            first = next(n for n in range(COUNT) if moment(n) > after) + 1
        numbers = range(first, min(first + PER_PAGE, COUNT + 1))
        flags = (first == 1) << 7 | (numbers[-1] == COUNT) << 6
        parts = [request.body[:5] + b"\x19\x83", bytes([0x3A, 5, flags, 0x49, len(numbers), 0x5E])]
        parts += [record(number - 1) for number in numbers]
        parts.append(b"\x5f\x6c" + struct.pack(">I", first))
        return [Reply(complex_ack(request, b"".join(parts)))]


def values_of(frame: pd.DataFrame, tag: str) -> list[Any]:
    of_tag = frame[frame["tag"] == tag]
    return [None if pd.isna(value) else value for value in of_tag["value"].tolist()]


RECORDED = [number for number in range(COUNT) if number % 8 < 6]


def test_members_by_what_they_record_and_by_their_place() -> None:
    member_2, member_4 = "TLM:1.log-buffer[2]", "trend-log-multiple,1.log-buffer[4]"
    tags = ["AI:5", member_2, "AI:9", member_4]
    with Logging() as device:
        with gd.Session(sources=[config(device.address, time_zone="Europe/Berlin")]) as session:
            frame = session.scada(tags, **YEAR, shape="long")
        assert device.pages == -(-COUNT // PER_PAGE)  # once for all four
    assert values_of(frame, "AI:5") == [number * 0.5 for number in RECORDED]
    assert values_of(frame, member_2) == [float(number % 2 == 0) for number in RECORDED]
    assert values_of(frame, "AI:9") == [None] * len(RECORDED)
    assert values_of(frame, member_4) == [number * 1000.0 for number in RECORDED]
    of_9 = frame[frame["tag"] == "AI:9"]
    assert of_9["status"].tolist() == [
        "read-access-denied" if number % 2 else "Null" for number in RECORDED
    ]
    assert set(of_9["quality"]) == {"bad"}
    assert frame["unit"].dropna().unique().tolist() == ["Cel"]
    first = frame["timestamp"].iloc[0]
    assert first == pd.Timestamp("2025-02-28T23:00:00Z")
    notes = frame.attrs["provenance"]["notes"]
    assert any("log-interrupted 5 times" in note for note in notes)
    assert any("time-change (60.0 s) 5 times" in note for note in notes)


def test_the_log_alone_is_no_series_and_says_what_is() -> None:
    with Logging() as device:
        settings = config(device.address, time_zone="UTC")
        with (
            gd.Session(sources=[settings]) as session,
            pytest.raises(
                gd.ReadFailed, match=r"records 4 values: trend-log-multiple,1.log-buffer\[1\]"
            ),
        ):
            session.scada(["TLM:1"], **YEAR)


def test_a_log_of_one_needs_no_place() -> None:
    with Logging(values={(LOG, 132, None): member(0, 5)}) as device:
        settings = config(device.address, time_zone="UTC")
        with gd.Session(sources=[settings]) as session:
            frame = session.scada(["TLM:1"], **YEAR)
    assert frame["TLM:1"].tolist() == [number * 0.5 for number in RECORDED]


def test_records_with_fewer_values_than_the_log_names_are_not_used() -> None:
    members = b"".join(member(0, number) for number in range(6))
    with Logging(values={(LOG, 132, None): members}) as device:
        settings = config(device.address, time_zone="UTC")
        with gd.Session(sources=[settings]) as session:
            frame = session.scada(["AI:0", "AI:4"], **YEAR, errors="report", shape="long")
    assert values_of(frame, "AI:0") == [number * 0.5 for number in RECORDED]
    failures = frame.attrs["provenance"]["failures"]
    assert "a record of trend-log-multiple,1 lacks a value" in failures["AI:4"]


def test_what_it_records_has_to_be_readable() -> None:
    for content in (real(1.0), member(0, 5) + b"\x0c\x00\x00\x00\x05"):
        with Logging(values={(LOG, 132, None): content}) as device:
            settings = config(device.address, time_zone="UTC")
            with (
                gd.Session(sources=[settings]) as session,
                pytest.raises(gd.ReadFailed, match="what it records cannot be read"),
            ):
                session.scada(["TLM:1.log-buffer[1]"], **YEAR)


def test_each_value_is_listed() -> None:
    with Logging() as device:
        rows = with_driver(config(device.address), lambda driver: listed(driver, ReadLog()))
    logged = [row for row in rows if row["path"] == "trend-log-multiple"]
    assert [row["tag_id"] for row in logged] == [
        f"trend-log-multiple,1.log-buffer[{place}]" for place in (1, 2, 3, 4)
    ]
    assert {row["tag_name"] for row in logged} == {"boiler"}
    assert logged[1]["description"] == "(binary-value,2.present-value)"
    assert logged[3]["description"] is None
