"""A page of recorded values of one stream, of which most are good numbers.

Such samples differ in time stamp and value only, so they are read as columns, and all others one by
one. What is no page of that kind is read one by one as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.http.inserted import insert_texts, insert_values
from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.http.numbers import read_numbers
from greenlang_data.drivers.http.stamps import read_stamps
from greenlang_data.drivers.http.uniform import object_pattern, read_uniform
from greenlang_data.drivers.piwebapi.decode import Answered, Item, answered, decode_streams
from greenlang_data.drivers.piwebapi.samples import Columns, columns_of
from greenlang_data.drivers.piwebapi.wire import Sample, Streams
from greenlang_data.drivers.schema import GOOD, constant_dictionary

_LIST: Final = re.compile(rb'"Items"\s*:\s*\[\s*(?=\{)')
_SAMPLE: Final = object_pattern("Timestamp", "Value", r"(?P<value>-?[0-9][^,{}\s]*)")
_streams = json_decoder(Streams)
_samples = json_decoder(list[Sample])


def decode_page(body: bytes | bytearray) -> Answered:
    """What :func:`decode_streams` gives, in half the time for a long page of good numbers."""
    return _page(body) or decode_streams(body)


def _page(body: bytes | bytearray) -> Answered | None:
    outer = _LIST.search(body)
    inner = _LIST.search(body, outer.end()) if outer else None
    uniform = read_uniform(body, inner.end(), _SAMPLE) if inner else None
    if inner is None or uniform is None:
        return None
    try:
        # With one uniform sample in front, so that it shows in which list they are.
        short = _streams(body[: inner.end()] + uniform.example + b"," + uniform.rest)
        odd = [(place, _samples(b"[" + text + b"]")) for place, text in uniform.odd]
        (example,) = _samples(b"[" + uniform.example + b"]")
        times = read_stamps(uniform.times)
    except ValueError:
        return None
    values = read_numbers(uniform.values)
    streams = short.items or []
    items = streams[0].items or [] if len(streams) == 1 else []
    if values is None or not items or items[0] != example or not _is_plain(example):
        return None
    odd.append((len(times), items[1:]))
    stream = streams[0]
    columns = _merged(times, values, odd)
    item = Item(stream.web_id, stream.path, stream.errors, stream.web_exception, columns)
    return answered(short, [item])


def _is_plain(sample: Sample) -> bool:
    """Whether a sample is good in every way."""
    flags = (sample.questionable, sample.substituted, sample.annotated, sample.errors)
    return sample.good is True and not any(flags) and type(sample.value) in (int, float)


def _merged(
    times: np.ndarray, values: np.ndarray, odd: Sequence[tuple[int, Sequence[Sample]]]
) -> Columns:
    """Good numbers, and the other samples, each list after so many of the good ones."""
    others = columns_of([sample for _, samples in odd for sample in samples])
    after = np.repeat([place for place, _ in odd], [len(samples) for _, samples in odd])
    return Columns(
        np.insert(times, after, others.times),
        insert_values(values, after, others.value),
        insert_texts(len(times), after, others.text),
        np.insert(np.full(len(times), GOOD, np.int8), after, others.quality),
        _statuses(len(times), after, others.status),
        others.kind if others.kind == "Double" else "Variant",
        others.substituted,
    )


def _statuses(rows: int, after: np.ndarray, others: pa.DictionaryArray) -> pa.DictionaryArray:
    names = list(dict.fromkeys(["Good", *others.dictionary.to_pylist()]))
    if len(names) == 1:
        return constant_dictionary(names[0], rows + len(after))
    own = np.array([names.index(name) for name in others.dictionary.to_pylist()], np.int32)
    codes = np.insert(np.zeros(rows, np.int32), after, own[np.asarray(others.indices)])
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names, pa.string()))
