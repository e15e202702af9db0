"""Samples of one tag, as Arrow, and what is counted in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.schema import (
    BAD,
    QUALITIES,
    QUALITY,
    STATUS,
    TIMESTAMP,
    about_series,
    quality_array,
)
from greenlang_data.errors import ProtocolError
from greenlang_data.provenance.hash import ContentHasher, column_digests, hash_json, hash_table

_LONG_CHUNK: Final = 10_000
_SAMPLES = pa.schema(
    [
        ("timestamp", TIMESTAMP),
        ("value", pa.float64()),
        ("text", pa.string()),
        ("quality", QUALITY),
        ("status", STATUS),
    ]
)


@dataclass(slots=True)
class Series:
    """All samples of one tag: batches of ``timestamp, value, text, quality, status``.

    ``unit`` is UCUM or the source's own, ``data_type`` the source's own type name; ``failure`` is
    the reason when the tag could not be read at all (then there are no samples).
    """

    tag: str
    unit: str | None
    data_type: str
    failure: str | None
    batches: list[pa.RecordBatch] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many samples there are."""
        return sum(batch.num_rows for batch in self.batches)

    def column(self, name: str) -> pa.Array | pa.ChunkedArray:
        """One column of all batches. Long ones are not copied into one, many short ones are."""
        return joined([batch.column(name) for batch in self.batches])

    def timestamps(self) -> np.ndarray:
        """Nanoseconds since 1970 UTC, int64."""
        times: np.ndarray = self.column("timestamp").cast(pa.int64()).to_numpy()
        return times


def joined(chunks: Sequence[pa.Array]) -> pa.Array | pa.ChunkedArray:
    """One column of several batches, of which there is at least one."""
    kinds = {chunk.type for chunk in chunks}
    if len(kinds) > 1:  # texts of which some batches have none
        chunks = [chunk.cast(pa.string()) for chunk in chunks]
    if len(chunks) == 1:
        return chunks[0]
    whole = pa.chunked_array(chunks).unify_dictionaries()
    if len(whole) > _LONG_CHUNK * len(chunks):
        return whole
    combined = whole.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def gather_series(batches: Iterable[pa.RecordBatch]) -> list[Series]:
    """Series in the order in which their tags first came. Bad values are made null.

    Raises ProtocolError for a tag whose unit is not the same all along.
    """
    series: dict[str, Series] = {}
    for batch in batches:
        about = about_series(batch)
        tag = str(about["tag"])
        if tag not in series:
            series[tag] = Series(tag, about["unit"], about["data_type"] or "", about["failure"])
        elif about["unit"] != series[tag].unit:
            raise ProtocolError(
                f"{tag}: its unit is {series[tag].unit!r} and, later in the same answer, "
                f"{about['unit']!r}",
                remedy="None of it was used; read it again.",
            )
        series[tag].batches.append(without_bad_values(batch))
    return list(series.values())


def without_bad_values(batch: pa.RecordBatch) -> pa.RecordBatch:
    """``batch`` with null ``value`` and ``text`` wherever the quality is bad.

    Drivers should not send a bad value, and this makes sure that none looks good. The quality
    column gets the usual dictionary, whatever order the driver's had. Raises ProtocolError for a
    quality that is none of the three.
    """
    sent = batch.column("quality")
    quality = _usual_quality(sent)
    bad = np.asarray(quality.indices) == BAD
    if quality is sent and not bad.any():
        return batch
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns["quality"] = quality
    for name in ("value", "text") if bad.any() else ():
        column = columns[name]
        columns[name] = pc.if_else(pa.array(bad), pa.scalar(None, column.type), column)
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=batch.schema)


def _usual_quality(quality: pa.DictionaryArray) -> pa.DictionaryArray:
    names = quality.dictionary.to_pylist()
    if names == list(QUALITIES) and not quality.null_count:
        return quality
    if quality.null_count or not set(names) <= set(QUALITIES):
        raise ProtocolError(
            f"a driver sent qualities {names} or none; only {', '.join(QUALITIES)} are known",
            remedy="None of the answer was used; report this with the driver's name.",
        )
    codes = np.array([QUALITIES.index(name) for name in names], np.int8)
    return quality_array(codes[np.asarray(quality.indices)])


class SamplesHasher:
    """The response hash of a window, while its samples pass, tag after tag.

    It covers each tag's unit, data type, failure and number of samples, and the samples; not how
    they came in batches.
    """

    def __init__(self) -> None:
        self._content = ContentHasher(_SAMPLES)
        self._about: list[list[Any]] = []  # tag, unit, data type, failure, number of samples

    def add(self, about: Mapping[str, str | None], batch: pa.RecordBatch) -> None:
        """Add samples of a tag; ``about`` is that of its batch."""
        key = [about[name] for name in ("tag", "unit", "data_type", "failure")]
        if self._about and self._about[-1][0] == key[0]:
            self._about[-1][-1] += batch.num_rows
        else:
            self._about.append([*key, batch.num_rows])
        self._content.update(batch)

    def hexdigest(self) -> str:
        """SHA-256 of what was added so far, 64 hex digits."""
        return hash_json([self._about, self._content.hexdigest()])


def hash_series(series: Sequence[Series]) -> tuple[str, dict[str, bytes]]:
    """What :class:`SamplesHasher` gives for these series, and the digest of each column of samples.

    Faster for many short ones.
    """
    about = [[one.tag, one.unit, one.data_type, one.failure, one.rows] for one in series]
    batches = [batch for one in series for batch in one.batches]
    samples = pa.table(
        {name: joined([batch.column(name) for batch in batches]) for name in _SAMPLES.names}
    )
    digests = column_digests(samples)
    content = hash_table(samples, digests=digests)
    return hash_json([about, content]), dict(zip(_SAMPLES.names, digests, strict=True))


def count_qualities(columns: Iterable[pa.Array]) -> dict[str, int]:
    """``{"good": n, "uncertain": n, "bad": n}`` over quality columns."""
    counts = [0] * len(QUALITIES)
    for column in columns:
        for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
            codes = np.asarray(chunk.indices)
            for code in range(len(QUALITIES)):  # several times as fast as counting all at once
                counts[code] += int(np.count_nonzero(codes == code))
    return dict(zip(QUALITIES, counts, strict=True))
