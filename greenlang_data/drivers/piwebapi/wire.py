"""PI Web API's answers as typed structures; fields that nobody asks for are skipped."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from msgspec.structs import fields


class State(Struct, rename="pascal", gc=False):
    """A digital state; ``is_system`` for those that stand where a value should be."""

    name: str = ""
    value: Any = None
    is_system: bool = False


class FieldError(Struct, rename="pascal"):
    """What is wrong with one field of a value that has Errors."""

    field_name: str | None = None
    message: list[str] | str | None = None


Plain = int | float | str | bool | State | list[Any] | None


class Sample(Struct, rename="pascal", gc=False):
    """A timed value. ``good`` is None when the server does not say."""

    timestamp: str
    value: Plain = None
    good: bool | None = None
    questionable: bool = False
    substituted: bool = False
    annotated: bool = False
    units_abbreviation: str | None = None
    errors: list[FieldError] | None = None


class WebException(Struct, rename="pascal"):
    """What broke while a 200 was being written: the data before it is not all there is."""

    status_code: int | None = None
    errors: list[str] | None = None


class Stream(Struct, rename="pascal"):
    """The samples of one stream in a streamset."""

    web_id: str = ""
    name: str = ""
    path: str = ""
    units_abbreviation: str | None = None
    items: list[Sample] | None = None
    errors: list[str] | None = None
    web_exception: WebException | None = None


class Streams(Struct, rename="pascal"):
    """A streamset's samples."""

    items: list[Stream] | None = None
    errors: list[str] | None = None
    web_exception: WebException | None = None


class Now(Struct, rename="pascal"):
    """The current value of one stream in a streamset."""

    web_id: str = ""
    name: str = ""
    path: str = ""
    value: Sample | None = None
    errors: list[str] | None = None
    web_exception: WebException | None = None


class Nows(Struct, rename="pascal"):
    """A streamset's current values."""

    items: list[Now] | None = None
    errors: list[str] | None = None
    web_exception: WebException | None = None


class Summary(Struct, rename="pascal"):
    """One summary of one interval."""

    type: str = ""
    value: Sample | None = None


class SummarizedStream(Struct, rename="pascal"):
    """The summaries of one stream in a streamset."""

    web_id: str = ""
    name: str = ""
    path: str = ""
    items: list[Summary] | None = None
    errors: list[str] | None = None
    web_exception: WebException | None = None


class SummarizedStreams(Struct, rename="pascal"):
    """A streamset's summaries."""

    items: list[SummarizedStream] | None = None
    errors: list[str] | None = None
    web_exception: WebException | None = None


class About(Struct, rename="pascal"):
    """A point, or an AF attribute (``type`` and ``default_units_name`` are its own words)."""

    web_id: str = ""
    name: str = ""
    path: str = ""
    descriptor: str | None = None
    description: str | None = None
    point_type: str | None = None
    type: str | None = None
    engineering_units: str | None = None
    default_units_name: str | None = None
    default_units_name_abbreviation: str | None = None
    zero: float | None = None
    span: float | None = None


ABOUT_FIELDS: Final = tuple(one.encode_name for one in fields(About))
"""What is asked of a point or attribute, and nothing else."""


class ItemException(Struct, rename="pascal"):
    """Why one of several objects could not be had."""

    errors: list[str] | None = None


class Found(Struct, rename="pascal"):
    """One of several objects asked for at once."""

    identifier: str = ""
    object: About | None = None
    exception: ItemException | None = None


class FoundList(Struct, rename="pascal"):
    """Several objects asked for at once."""

    items: list[Found] | None = None


class AboutList(Struct, rename="pascal"):
    """A page of a search."""

    items: list[About] | None = None
    errors: list[str] | None = None
    web_exception: WebException | None = None


class BatchPart(Struct, rename="pascal"):
    """The answer to one request of a batch."""

    status: int
    content: Any = None
