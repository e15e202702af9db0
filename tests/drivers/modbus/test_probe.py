"""The order of words is found where the values tell it, and never guessed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import greenlang_data as gd
from greenlang_data.drivers.modbus.decode import byte_order
from greenlang_data.drivers.modbus.probe import score_orders
from greenlang_data.settings.register import WordOrder
from tests.drivers.modbus.helpers import config
from tests.peers.launch import Peer

ORDERS = get_args(WordOrder)


@pytest.fixture
def session(modbus_peer: Peer) -> Iterator[gd.Session]:
    with gd.Session(sources=[config(modbus_peer.port)]) as session:
        yield session


@pytest.mark.parametrize(("first", "order"), [(10000, "CDAB"), (10200, "BADC"), (10400, "DCBA")])
def test_the_order_of_a_devices_floats(session: gd.Session, first: int, order: str) -> None:
    # n * 1.25 + 0.5
    places = [first + 2 * at for at in (5, 21, 33, 77)]
    told = gd.probe_word_order(session, "plant", places, "float32", 1, 200, samples=2, every=0)
    assert told.attrs["order"] == order
    assert told.attrs["reason"] == f"only {order} gives plausible values throughout"
    best = told.iloc[0]
    assert (best["order"], best["plausible"], best["chosen"]) == (order, 1.0, True)
    assert best["values"] == [6.75, 26.75, 41.75, 96.75] * 2
    assert told["chosen"].sum() == 1
    assert sorted(told["order"]) == sorted(ORDERS)


def test_references_name_the_table(session: gd.Session) -> None:
    told = gd.probe_word_order(session, "plant", "30021", "float32", 1002, 1003, samples=1)
    assert told.attrs["order"] == "ABCD"
    assert told.iloc[0]["values"] == [1002.5]


def test_a_tie_is_not_decided(session: gd.Session) -> None:
    # The float 0.0 at 400 is nothing but zero bytes, in any order.
    told = gd.probe_word_order(session, "plant", 400, "float32", -1, 1, samples=1)
    assert told.attrs["order"] is None
    assert "ABCD, CDAB, BADC, DCBA give equally many plausible values" in told.attrs["reason"]
    assert not told["chosen"].any()


def test_bounds_that_fit_no_value_and_bounds_that_fit_some(session: gd.Session) -> None:
    places = [10000 + 2 * at for at in range(20)]  # 0.5 to 24.25
    none = gd.probe_word_order(session, "plant", places, "float32", 500, 501, samples=1)
    assert none.attrs["reason"] == "no order gives a plausible value"
    some = gd.probe_word_order(session, "plant", places, "float32", 10, 30, samples=1)
    assert some.attrs["order"] is None
    assert some.attrs["reason"].startswith("CDAB is the best, but only 60% of it is plausible")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], "float32", 0, 1), "no address"),
        ((0, "flaot32", 0, 1), "type is 'flaot32'"),
        ((0, "string", 0, 1), "type is 'string'"),
        ((65535, "float32", 0, 1), "not within 0 and 65534"),
        ((0, "float32", 2, 1), "low 2 is not below high 1"),
        ((0, "float32", float("nan"), 1), "low nan is not below high 1"),
        (("00001", "float32", 0, 1), "table is 'coil'"),
        ((["30001", "40001"], "float32", 0, 1), "several tables: holding, input"),
        (("50001", "float32", 0, 1), "'50001' is no reference"),
        ((30002, "float32", 0, 1), r"refused holding 30002-30003 \(IllegalDataAddress\)"),
    ],
)
def test_what_cannot_be_probed(
    session: gd.Session, arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(gd.QueryError, match=message):
        gd.probe_word_order(session, "plant", *arguments, samples=1)


def test_only_modbus_is_probed() -> None:
    with gd.Session(mock=True) as session:
        name = next(name for name in session.sources if "scada" in name)
        with pytest.raises(gd.UnsupportedError, match="only Modbus"):
            gd.probe_word_order(session, name, 0, "float32", 0, 1)


def on_the_wire(value: float, order: WordOrder) -> bytes:
    wire = bytearray(4)
    for byte, position in zip(struct.pack(">f", value), byte_order(2, order), strict=True):
        wire[position] = byte
    return bytes(wire)


@given(
    st.sampled_from(ORDERS),
    st.lists(st.floats(1, 1000, width=32), min_size=1, max_size=8),
)
def test_no_wrong_order_is_ever_chosen_while_the_right_one_is_plausible(
    order: WordOrder, numbers: list[float]
) -> None:
    told = score_orders([on_the_wire(one, order) for one in numbers], "float32", 1, 1000)
    assert told.order in (order, None)
    own = next(score for score in told.scores if score.order == order)
    assert (own.values, own.plausible) == (tuple(numbers), 1.0)
    rivals = [score.plausible for score in told.scores if score.order != order]
    assert (told.order is None) == (max(rivals) == 1.0)


@given(st.binary(min_size=2, max_size=2))
def test_one_word_has_two_orders_only(raw: bytes) -> None:
    told = score_orders([raw], "uint16", 0, 65535)
    assert {score.order for score in told.scores} == {"ABCD", "BADC"}
    assert told.order is None
