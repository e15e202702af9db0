"""What is no answer of a gateway or an OIBus agent is refused, whatever bytes it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.phd import driver, points
from tests.drivers.phd.answers import of_agent, of_gateway

Decode = Callable[[bytes], object]
RIGHT: dict[Decode, bytes] = {
    driver.decode: of_gateway(times=[1], values=[1.5], confidence=[100]),
    points.decode: of_agent({"value": "1.5", "quality": "0xC0"}),
}
OF_NEITHER = [b"", b"{}", b"[]"]
OF_GATEWAY = [
    b'{"series":[{}]}',
    b'{"series":[{"tag":"a"}]}',
    b'{"series":[{"tag":"a","times":[],"values":[]}]}',
    of_gateway(times=[1], values=[], confidence=[1]),
    of_gateway(times=[1.5], values=[1], confidence=[1]),
    of_gateway(times=[2**62], values=[1], confidence=[1]),
    of_gateway(times=[2**64], values=[1], confidence=[1]),
    of_gateway(times=["1"], values=[1], confidence=[1]),
    of_gateway(times=[1], values=[{"a": 1}], confidence=[1]),
]
OF_AGENT = [
    b'{"content":[]}',
    of_agent({"value": "1"}, count=2),
    of_agent({"value": "1", "quality": "Good"}),
    of_agent({"value": "1", "quality": "0xZZ"}),
    of_agent({"value": "1", "quality": "0x-1"}),
    of_agent({"value": "1", "quality": "0x1FFFFFFFF"}),
    of_agent({"value": "1", "quality": 192}),
    of_agent({"value": "System.Single[]", "quality": "0xC0"}),
    of_agent({"value": {"a": 1}}),
    of_agent({"value": "1"}, stamp="2025-01-01T00:00:00.000"),
    of_agent({"value": "1"}, stamp="soon"),
]


@pytest.mark.parametrize(
    ("decode", "body"),
    [
        *((driver.decode, body) for body in (*OF_NEITHER, *OF_GATEWAY)),
        *((points.decode, body) for body in (*OF_NEITHER, *OF_AGENT)),
    ],
    ids=itertools.count(),
)
def test_nonsense_is_refused(decode: Decode, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode(body)


@pytest.mark.parametrize("decode", RIGHT, ids=["gateway", "agent"])
@given(data=st.data())
def test_any_bytes_are_refused_or_read(decode: Decode, data: st.DataObject) -> None:
    right = RIGHT[decode]
    assert decode(right)
    start = data.draw(st.integers(0, len(right)))
    end = data.draw(st.integers(start, len(right)))
    body = right[:start] + data.draw(st.binary(max_size=50)) + right[end:]
    try:
        decode(body)
    except ValueError:
        return
