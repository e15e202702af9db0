"""Streamsets of which most samples are good numbers.

Such samples differ in time stamp and value only, so they are read as columns, and all others one by
one. A streamset of another kind is read one by one as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.http.numbers import BEYOND_EXACT, read_numbers
from greenlang_data.drivers.http.runs import Runs, Taken
from greenlang_data.drivers.http.stamps import read_stamps
from greenlang_data.drivers.http.uniform import Shape, read_uniform
from greenlang_data.drivers.piwebapi.decode import (
    Answered,
    Item,
    answered,
    decode_streams,
    item_of,
)
from greenlang_data.drivers.piwebapi.samples import Columns, columns_of, good_numbers
from greenlang_data.drivers.piwebapi.wire import Sample, Stream, Streams
from greenlang_data.drivers.schema import GOOD, constant_dictionary

_LIST: Final = re.compile(rb'"Items"\s*:\s*\[\s*(?=\{)')
_SAMPLE: Final = Shape(
    "Timestamp",
    "Value",
    r"(?P<value>-?[0-9][^,{}\s]*)",
    r'(?=[^{}]*"Good"\s*:\s*true)'
    r'(?![^{}]*"(?:Questionable|Substituted|Annotated)"\s*:\s*true)',
)
_streams = json_decoder(Streams)
_sample = json_decoder(Sample)


def decode_page(body: bytes | bytearray) -> Answered:
    """What :func:`decode_streams` gives, in half the time for many good numbers."""
    return _page(body) or decode_streams(body)


def _page(body: bytes | bytearray) -> Answered | None:
    outer = _LIST.search(body)
    inner = _LIST.search(body, outer.end()) if outer else None
    uniform = read_uniform(body, inner.end(), _SAMPLE) if inner else None
    values = read_numbers(uniform.values) if uniform else None
    if uniform is None or values is None:
        return None
    try:
        if _number(_sample(uniform.example)) is None:
            return None
        times = read_stamps(uniform.times)
        answer = _streams(uniform.rest)
        runs = Runs(times, values, uniform.runs)
        items = [_item(one, runs) for one in answer.items or []]
    except ValueError:
        return None
    # A mark that did not show among the samples is somewhere else in the document.
    return answered(answer, items) if runs.all_taken else None


def _item(one: Stream, runs: Runs) -> Item:
    samples = one.items or []
    taken = runs.take([sample.timestamp for sample in samples])
    if taken is None:
        return item_of(one, one.items)
    columns = _merged(taken, [samples[place] for place in taken.others])
    return Item(one.web_id, one.path, one.errors, one.web_exception, columns)


def _number(sample: Sample) -> int | float | None:
    """The value of a sample that is good in every way, if float64 holds it."""
    flags = (sample.questionable, sample.substituted, sample.annotated, sample.errors)
    value = sample.value
    if sample.good is not True or any(flags) or isinstance(value, bool):
        return None
    return value if isinstance(value, int | float) and abs(value) < BEYOND_EXACT else None


def _merged(taken: Taken, samples: Sequence[Sample]) -> Columns:
    """Good numbers with the other samples among them."""
    numbers = [_number(one) for one in samples]
    if None not in numbers:
        times = taken.insert_times(read_stamps([one.timestamp for one in samples]))
        values = taken.insert(taken.values, np.array(numbers, np.float64))
        return good_numbers(times, pa.array(values))
    others, rows = columns_of(samples), len(taken.times)
    return Columns(
        taken.insert_times(others.times),
        taken.insert_values(others.value),
        taken.insert_texts(others.text),
        taken.insert(np.full(rows, GOOD, np.int8), others.quality),
        _statuses(taken, others.status),
        others.kind if others.kind == "Double" else "Variant",
        others.substituted,
    )


def _statuses(taken: Taken, others: pa.DictionaryArray) -> pa.DictionaryArray:
    rows = len(taken.times)
    names = list(dict.fromkeys(["Good", *others.dictionary.to_pylist()]))
    if len(names) == 1:
        return constant_dictionary(names[0], rows + len(others))
    own = np.array([names.index(name) for name in others.dictionary.to_pylist()], np.int32)
    codes = taken.insert(np.zeros(rows, np.int32), own[np.asarray(others.indices)])
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names, pa.string()))
