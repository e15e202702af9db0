"""What a register map says about values: references, units, states, ranges, BCD; in TOML and CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import greenlang_data as gd
from greenlang_data.drivers.modbus.decode import Decoder
from greenlang_data.drivers.modbus.places import Decoded, Place
from greenlang_data.settings.reference import place_of_reference
from greenlang_data.settings.register import Register
from greenlang_data.settings.states import parse_states
from tests.drivers.modbus.helpers import config, register
from tests.peers.launch import Peer

SOURCE = """
[sources.boiler]
kind = "scada"
protocol = "modbus"
endpoint = "127.0.0.1:{port}"
"""
# 0xA5C3 is at 12100, 1 at 12101; n * 655 from 11100 on; the input float at 2n is n * 0.25 + 1000.
CSV = """\
tag,reference,table,address,type,word_order,bit,scale,unit,enum,low,high
Flow,,holding,20,float32,ABCD,,,t/h,,,
Same,40021,,,float32,ABCD,,,t/h,,,
Long,400021,,,float32,ABCD,,,t/h,,,
Input,30021,,,float32,ABCD,,,kPa,,,
Coil,00004,,,bool,,,,,,,
Discrete,10006,,,bool,,,,,,,
Bit,412101,,,bool,,15,,,0=Shut;1=Open,,
Mode,412102,,,uint16,,,,,0=Off;1=On,,
Odd,412101,,,uint16,,,,,0=Off;1=On,,
Warm,411102,,,uint16,,,0.1,Cel,,0,100
Cold,411102,,,uint16,,,0.1,Cel,,-10,60
"""
NAMED = ["Flow", "Same", "Long", "Input", "Coil", "Discrete"]


def rows(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    records: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    return {row["tag_id"]: row for row in records}


def test_a_map_in_csv(modbus_peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "boiler.csv").write_text(CSV)
    file = tmp_path / "greenlang.toml"
    file.write_text(SOURCE.format(port=modbus_peer.port) + 'registers = "boiler.csv"\n')
    tags = [line.split(",")[0] for line in CSV.splitlines()[1:]]
    with gd.Session.from_toml(file) as session:
        frame = session.scada(tags)
    found = rows(frame)
    assert [found[tag]["value"] for tag in NAMED] == [-95.0, -95.0, -95.0, 1002.5, 1.0, 1.0]
    assert (found["Bit"]["text"], found["Mode"]["text"]) == ("Open", "On")
    assert (found["Bit"]["data_type"], found["Flow"]["unit"]) == ("enum", "t/h")
    assert (found["Odd"]["quality"], found["Odd"]["status"]) == ("bad", "UnmappedValue 42435")
    assert pd.isna(found["Odd"]["value"])
    assert (found["Warm"]["value"], found["Warm"]["unit"]) == (65.5, "Cel")
    assert (found["Cold"]["quality"], found["Cold"]["status"]) == ("bad", "OutOfRange 65.5")
    assert pd.isna(found["Cold"]["value"])
    assert frame.attrs["provenance"]["quality"] == {"good": 9, "uncertain": 0, "bad": 2}


def test_a_map_in_toml(modbus_peer: Peer, tmp_path: Path) -> None:
    file = tmp_path / "greenlang.toml"
    file.write_text(
        SOURCE.format(port=modbus_peer.port)
        + """
[[sources.boiler.registers]]
tag = "Flow"
reference = "40021"
type = "float32"
word_order = "ABCD"
unit = "t/h"
low = -100

[[sources.boiler.registers]]
tag = "Mode"
table = "holding"
address = 12101
type = "int16"
enum = { 0 = "Off", 1 = "On" }
"""
    )
    with gd.Session.from_toml(file) as session:
        found = rows(session.scada(["Flow", "Mode"]))
    assert (found["Flow"]["value"], found["Flow"]["unit"]) == (-95.0, "t/h")
    assert found["Mode"]["text"] == "On"


def test_blocks_keep_to_the_devices_groups(modbus_peer: Peer) -> None:
    ones = [register(f"W{at}", address=at) for at in range(14000, 14100)]
    whole = config(modbus_peer.port, ones)
    grouped = config(modbus_peer.port, ones, block_alignment=40)
    answers = []
    for settings in (whole, grouped):
        with gd.Session(sources=[settings]) as session:
            answers.append(session.scada([one.tag for one in ones]))
    assert answers[0]["value"].tolist() == answers[1]["value"].tolist()
    requests = [answer.attrs["provenance"]["requests"] for answer in answers]
    assert requests == [1, 3]  # 14000 is a multiple of 40


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reference": "50001"}, "is no reference"),
        ({"reference": "40000"}, "is no reference"),
        ({"reference": "465537"}, "is no reference"),
        ({"reference": 40001}, 'write "40001" in quotes'),
        ({"reference": "40001", "address": 5}, "write only one of them"),
        ({"reference": "30001", "table": "holding"}, "write only one of them"),
        ({"enum": {0: "Off"}, "type": "float32", "word_order": "ABCD"}, "enum names raw integers"),
        ({"enum": {0: "Off"}, "scale": 2}, "enum names raw integers"),
        ({"enum": "0=Off;0=On"}, "state 0 has two names"),
        ({"enum": "Off"}, "names no state"),
        ({"enum": {0: "Off"}, "low": 1}, "low and high go with numbers only"),
        ({"low": 2, "high": 1}, "low 2 is above high 1"),
    ],
)
def test_what_contradicts_itself_is_refused(fields: dict[str, Any], message: str) -> None:
    place = {} if "reference" in fields else {"table": "holding", "address": 0}
    with pytest.raises(ValidationError, match=message):
        Register(**{"tag": "T", "type": "uint16", **place, **fields})


@given(st.sampled_from("0134"), st.integers(1, 65536))
def test_every_reference_is_its_address_plus_one(table: str, number: int) -> None:
    assert place_of_reference(f"{table}{number:05}")[1] == number - 1
    if number <= 9999:
        assert place_of_reference(f"{table}{number:04}") == place_of_reference(
            f"{table}{number:05}"
        )


@given(st.dictionaries(st.integers(-32768, 65535), st.text("Ab9 /=-ä", min_size=1)))
def test_states_are_read_as_they_are_written(states: dict[int, str]) -> None:
    states = {raw: name.strip() for raw, name in states.items() if name.strip()}
    cell = "; ".join(f"{raw}={name}" for raw, name in states.items())
    if states:
        assert parse_states(cell) == states


def decoded(raw: bytes, **fields: Any) -> Decoded:
    import numpy as np

    place = Place(0, register("T", **fields), 0)
    return Decoder([place], 1).decode(np.frombuffer(raw, np.uint8))


@given(st.integers(0, 99_999_999), st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]))
def test_bcd_is_the_number_that_its_digits_spell(number: int, order: str) -> None:
    raw = bytes.fromhex(f"{number:08}")
    first, second = raw[:2], raw[2:]
    wire = {
        "ABCD": raw,
        "CDAB": second + first,
        "BADC": first[::-1] + second[::-1],
        "DCBA": raw[::-1],
    }[order]
    told = decoded(wire, type="bcd32", word_order=order)
    assert (told.values.tolist(), told.statuses) == ([number], {})


@given(st.binary(min_size=2, max_size=2))
def test_bcd_of_no_digits_is_bad(raw: bytes) -> None:
    told = decoded(raw, type="bcd16")
    if raw.hex().isdigit():
        assert (told.values.tolist(), told.statuses) == ([int(raw.hex())], {})
    else:
        assert told.statuses[0].startswith("InvalidBcd 0x")


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**53), 2**53), st.integers(-(2**53), 2**53))
def test_a_range_judges_large_integers_exactly(number: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    told = decoded(
        number.to_bytes(8, "big", signed=True), type="int64", word_order="ABCD", low=low, high=high
    )
    if low <= number <= high:
        assert not told.statuses
        assert int(told.texts.get(0) or told.values[0]) == number
    else:
        assert told.statuses[0].startswith("OutOfRange ")
        assert 0 not in told.texts
