"""Trend logs of devices that answer oddly."""

from __future__ import annotations

import greenlang_data as gd
from tests.drivers.bacnet.helpers import config
from tests.drivers.bacnet.odd_device import (
    DEVICE,
    OddDevice,
    Reply,
    Request,
    complex_ack,
    inputs,
    object_id,
)

YEAR = {"start": "2025-01-01", "end": "2026-01-01"}
RECORD = b"\x0e\xa4\x7d\x03\x01\x06\xb4\x0c\x00\x00\x00\x0f\x1e\x2c\x41\x20\x00\x00\x1f\x2a\x04\x00"


class Logging(OddDevice):
    """Every trend log has one record, and tells a wrong number of them if it is log 4."""

    def answer(self, request: Request) -> list[Reply]:
        if request.service != 26:
            return [Reply(self.honest(request))]
        count = (
            b"\x49\x02" if int.from_bytes(request.body[1:5]) == object_id(20, 4) else b"\x49\x01"
        )
        head = request.body[:5] + b"\x19\x83\x3a\x05\xc0" + count + b"\x5e"
        return [Reply(complex_ack(request, head + RECORD + b"\x5f\x69\x2a"))]


def test_a_log_that_is_broken_loses_no_other() -> None:
    values = {(object_id(20, one), 132, None): b"\x0c\x00\x00\x00\x05\x19\x55" for one in (3, 4)}
    with Logging(values) as device:
        settings = config(device.address, time_zone="UTC")
        with gd.Session(sources=[settings]) as session:
            frame = session.scada(["TL:4", "TL:3"], **YEAR, errors="report", shape="long")
    assert frame[["tag", "value"]].to_numpy().tolist() == [["TL:3", 10.0]]
    failures = frame.attrs["provenance"]["failures"]
    assert list(failures) == ["TL:4"]
    assert "1 records came where it says 2" in failures["TL:4"]


def test_the_log_that_records_an_object_is_found_by_the_object() -> None:
    log, target = object_id(20, 3), object_id(0, 5)
    member = b"\x0c" + target.to_bytes(4) + b"\x19\x55"
    values = {
        (DEVICE, 76, 0): b"\x21\x02",
        (DEVICE, 76, 1): b"\xc4" + target.to_bytes(4),
        (DEVICE, 76, 2): b"\xc4" + log.to_bytes(4),
        (log, 132, None): member,
        **inputs(),
    }

    with Logging(values) as device:
        settings = config(device.address, time_zone="Europe/Berlin")
        with gd.Session(sources=[settings]) as session:
            frame = session.scada(["AI:5"], **YEAR, shape="long")
    (row,) = frame.to_dict("records")
    assert (row["tag"], row["value"], row["unit"]) == ("AI:5", 10.0, "Cel")
    assert row["timestamp"].isoformat() == "2025-03-01T11:00:00+00:00"
