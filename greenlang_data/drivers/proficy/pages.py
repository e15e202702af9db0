"""Answers of which most samples are good numbers: those are read by columns."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.http.numbers import BEYOND_EXACT
from greenlang_data.drivers.http.runs import Runs
from greenlang_data.drivers.http.stamps import read_stamps
from greenlang_data.drivers.http.uniform import Shape, read_uniform
from greenlang_data.drivers.proficy.samples import (
    GOOD_CODE,
    Answered,
    Columns,
    DataAnswer,
    Item,
    Sample,
    TagData,
    columns_of,
    decode_data,
    item_of,
    numeric_kind,
)

_LIST: Final = re.compile(rb'"Samples"\s*:\s*\[\s*(?=\{)')
_SAMPLE: Final = Shape(
    "TimeStamp", "Value", r'"(?P<value>[^"{}]+)"', r'(?=[^{}]*"Quality"\s*:\s*3[\s,}])'
)
_answer = json_decoder(DataAnswer)
_sample = json_decoder(Sample)


def decode_page(body: bytes | bytearray) -> Answered:
    """What :func:`decode_data` gives, in half the time for many good numbers."""
    return _page(body) or decode_data(body)


def _page(body: bytes | bytearray) -> Answered | None:
    found = _LIST.search(body)
    uniform = read_uniform(body, found.end(), _SAMPLE) if found else None
    if uniform is None:
        return None
    try:
        if _sample(uniform.example).quality != GOOD_CODE:
            return None
        values = np.asarray(uniform.values.cast(pa.float64()))
        # Larger ones, infinity and what is no number depend on how they were written.
        if not (np.abs(values) < BEYOND_EXACT).all():
            return None
        answer = _answer(uniform.rest)
        runs = Runs(read_stamps(uniform.times), values, uniform.runs)
        items = [_item(one, runs) for one in answer.data or []]
    except (ValueError, pa.ArrowInvalid):
        return None
    # A mark that did not show among the samples is somewhere else in the document.
    if not runs.all_taken:
        return None
    return Answered(answer.error_code, answer.error_message or "", items)


def _item(one: TagData, runs: Runs) -> Item:
    if one.samples is None:
        return Item(one.tag_name, one.error_code, None)
    samples = one.samples
    taken = runs.take([sample.timestamp for sample in samples])
    if taken is None:
        return item_of(one)
    kind = numeric_kind(one.data_type)
    if kind is None:
        raise ValueError("its values are no numbers")
    others = columns_of([samples[place] for place in taken.others], one.data_type)
    columns = Columns(
        taken.insert_times(others.times),
        taken.insert_values(others.value),
        taken.insert_texts(others.text),
        taken.insert(np.full(len(taken.times), GOOD_CODE, np.int32), others.codes),
        kind,
    )
    return Item(one.tag_name, one.error_code, columns)
