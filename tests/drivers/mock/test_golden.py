"""The very bytes: constants that every machine, system and Python has to reproduce."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from greenlang_data.drivers.mock import ENTITIES
from greenlang_data.drivers.mock.catalogue import TAGS
from tests.drivers.mock.helpers import listed, moment, one, records, rows, series, window

WINDOWS = {
    "Temperature": "11451f2f636986a9",
    "FlowRate": "4192d3506733487a",
    "SitePower": "bc1d7d848b1d0f89",
    "AmbientTemperature": "1e4245872793434f",
    "STACK-001.NOx": "ff841637acd52e2a",
    "STACK-003.flow_rate": "81168c7ba8ebbee2",
}
YEAR = "a675d062d6047c9c"
TEXTS = "56de154043560f40"
PLANT = "3c4344b7dd505c42"
RECORDS = "a8bcd82c1e89fc56"


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def plain(value: Any) -> str:
    # Rows as text: Arrow's own bytes may change from version to version.
    return json.dumps(value, default=str, ensure_ascii=True)


def little_endian(table: Any) -> bytes:
    values = table["value"].to_numpy()
    stamps = table["timestamp"].cast("int64").to_numpy()
    return bytes(values.astype("<f8").tobytes() + stamps.astype("<i8").tobytes())


@pytest.mark.parametrize(("tag", "golden"), WINDOWS.items())
def test_bytes_of_a_week(tag: str, golden: str) -> None:
    start = moment(2024, 7, 29)
    table = one(window(tag, start, timedelta(days=7)), "bad-quality", "dst")
    assert digest(little_endian(table)) == golden


def test_bytes_of_a_year_of_averages() -> None:
    tags = ("ProcessTemp", "STACK-002.CO2", "SiteEnergy")
    answer = series(window(tags, moment(2024, 1, 1), timedelta(days=366), 3600.0, "avg"))
    assert digest(*(little_endian(answer[tag]) for tag in tags)) == YEAR


def test_bytes_of_texts() -> None:
    tags = ("OperatingMode", "SiteEnergyJoules")
    answer = series(window(tags, moment(2030, 2, 1), timedelta(hours=6)))
    assert digest(*(plain(answer[tag]["text"].to_pylist()).encode() for tag in tags)) == TEXTS


def test_counts_of_the_whole_plant() -> None:
    # Minutes around the shut-down of 2021.
    times = np.arange(1_627_600_020, 1_627_600_020 + 60 * 20_000, 60, dtype=np.int64)
    counts = [tag.counts(times).astype("<i8").tobytes() for tag in TAGS.values()]
    assert digest(*counts, plain(listed()).encode()) == PLANT


def test_bytes_of_the_records() -> None:
    assert digest(*(plain(rows(records(name))).encode() for name in ENTITIES)) == RECORDS
