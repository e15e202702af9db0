"""What is asked for when tags are watched."""

from __future__ import annotations

from pydantic import Field, field_validator

from greenlang_data.connectors.query import Query, distinct


class WatchQuery(Query):
    """Values of ``tag_ids`` from now on, for ``for_seconds`` (None: until stopped).

    ``every_seconds`` is the time between two looks where the source does not report by itself,
    and the shortest between two reports where it does; None is the source's
    ``polling_interval_ms``. The time counts from when the source, once connected, was asked.
    """

    tag_ids: list[str] = Field(min_length=1)
    for_seconds: float | None = Field(None, gt=0, allow_inf_nan=False)
    every_seconds: float | None = Field(None, ge=0.01, allow_inf_nan=False)

    _distinct = field_validator("tag_ids")(distinct)
