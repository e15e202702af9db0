"""An answer about one tag of numbers, of which most are good: read by columns."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.http.inserted import insert_texts, insert_values
from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.http.stamps import read_stamps
from greenlang_data.drivers.http.uniform import object_pattern, read_uniform
from greenlang_data.drivers.proficy.samples import (
    GOOD_CODE,
    Answered,
    Columns,
    DataAnswer,
    Item,
    Sample,
    columns_of,
    decode_data,
    numeric_kind,
)

_LIST: Final = re.compile(rb'"Samples"\s*:\s*\[\s*(?=\{)')
_SAMPLE: Final = object_pattern("TimeStamp", "Value", r'"(?P<value>[^"{}]+)"')
_BEYOND_EXACT: Final = 2.0**53
_answer = json_decoder(DataAnswer)
_samples = json_decoder(list[Sample])


def decode_page(body: bytes | bytearray) -> Answered:
    """What :func:`decode_data` gives, in half the time for many good numbers of one tag."""
    return _page(body) or decode_data(body)


def _page(body: bytes | bytearray) -> Answered | None:
    found = _LIST.search(body)
    uniform = read_uniform(body, found.end(), _SAMPLE) if found else None
    if found is None or uniform is None:
        return None
    try:
        # With one uniform sample in front, so that it shows in which list they are.
        short = _answer(body[: found.end()] + uniform.example + b"," + uniform.rest)
        odd = [(place, _samples(b"[" + text + b"]")) for place, text in uniform.odd]
        (example,) = _samples(b"[" + uniform.example + b"]")
        times = read_stamps(uniform.times)
        values = np.asarray(uniform.values.cast(pa.float64()))
    except (ValueError, pa.ArrowInvalid):
        return None
    tags = short.data or []
    items = tags[0].samples or [] if len(tags) == 1 else []
    # Larger ones, infinity and what is no number depend on how they were written.
    plain = example.quality == GOOD_CODE and (np.abs(values) < _BEYOND_EXACT).all()
    if not items or items[0] != example or not plain:
        return None
    tag = tags[0]
    kind = numeric_kind(tag.data_type)
    if kind is None:
        return None
    odd.append((len(times), items[1:]))
    others = columns_of([one for _, samples in odd for one in samples], tag.data_type)
    after = np.repeat([place for place, _ in odd], [len(samples) for _, samples in odd])
    columns = Columns(
        np.insert(times, after, others.times),
        insert_values(values, after, others.value),
        insert_texts(len(times), after, others.text),
        np.insert(np.full(len(times), GOOD_CODE, others.codes.dtype), after, others.codes),
        kind,
    )
    item = Item(tag.tag_name, tag.error_code, columns)
    return Answered(short.error_code, short.error_message or "", [item])
