"""Streamsets from JSON to columns, on the thread that read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.piwebapi.samples import Columns, columns_of
from greenlang_data.drivers.piwebapi.wire import (
    Now,
    Nows,
    Sample,
    Stream,
    Streams,
    SummarizedStream,
    SummarizedStreams,
    WebException,
)

_STREAM_FIELDS: Final = ("WebId", "Name", "Path", "Errors", "WebException")
_SAMPLE_FIELDS: Final = (
    "Timestamp",
    "Value",
    "Good",
    "Questionable",
    "Substituted",
    "Annotated",
    "Errors",
)


@dataclass(slots=True)
class Item:
    """What a streamset answers about one stream."""

    web_id: str
    path: str
    errors: list[str] | None
    web_exception: WebException | None
    columns: Columns


@dataclass(slots=True)
class Answered:
    """A streamset."""

    items: list[Item]
    errors: list[str] | None
    web_exception: WebException | None


def selected(inner: str, *beside: str) -> tuple[str, str]:
    """``selectedFields`` of a streamset whose samples are at ``inner``; half the bytes of all.

    ``beside`` are other fields of each stream.
    """
    fields = ["WebException", "Errors"]
    fields += [f"Items.{name}" for name in (*_STREAM_FIELDS, *beside)]
    fields += [f"Items.{inner}.{name}" for name in _SAMPLE_FIELDS]
    return "selectedFields", ";".join(fields)


_streams = json_decoder(Streams)
_nows = json_decoder(Nows)
_summaries = json_decoder(SummarizedStreams)


def decode_streams(body: bytes | bytearray) -> Answered:
    """Of recorded, interpolated and plot values. Raises ValueError when it is something else."""
    answer = _streams(body)
    return answered(answer, [item_of(one, one.items) for one in answer.items or []])


def decode_nows(body: bytes | bytearray) -> Answered:
    """Of current values: a row each, or none."""
    answer = _nows(body)
    values = [[] if one.value is None else [one.value] for one in answer.items or []]
    items = [item_of(one, value) for one, value in zip(answer.items or [], values, strict=True)]
    return answered(answer, items)


def summaries_decoder(kind: str) -> Callable[[bytes | bytearray], Answered]:
    """A function from a body to its summaries of one kind; of another one they are an error."""

    def decode_summaries(body: bytes | bytearray) -> Answered:
        answer = _summaries(body)
        return answered(answer, [_summarized(one, kind) for one in answer.items or []])

    return decode_summaries


def _summarized(stream: SummarizedStream, kind: str) -> Item:
    summaries = stream.items
    if summaries is None:
        return item_of(stream, None)
    item = item_of(stream, [one.value for one in summaries if one.value is not None])
    other = next((one.type for one in summaries if one.type != kind), None)
    if other is not None and not item.errors:
        named = other or "a summary without a name"
        item.errors = [f"it answered with {named} where it was asked for {kind}"]
    return item


def item_of(one: Stream | Now | SummarizedStream, samples: Sequence[Sample] | None) -> Item:
    """What is answered about one stream; without a list of samples that is an error."""
    errors = one.errors
    if samples is None and not errors:
        errors = ["the server gave no list of samples for it"]
    return Item(one.web_id, one.path, errors, one.web_exception, columns_of(samples or []))


def answered(answer: Streams | Nows | SummarizedStreams, items: list[Item]) -> Answered:
    """``items`` with the answer's own errors. Raises ValueError when it says nothing at all."""
    if answer.items is None and not answer.errors and answer.web_exception is None:
        raise ValueError("it has no Items")
    return Answered(items, answer.errors, answer.web_exception)
