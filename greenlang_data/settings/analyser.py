"""What an analyser is configured with, beside how it is reached."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from greenlang_data.settings.config import ConnectorConfig
from greenlang_data.settings.measurand import Measurand
from greenlang_data.settings.signal import Signal
from greenlang_data.settings.tag import each_once


class AnalyserSettings(ConnectorConfig):
    """What it measures, how it says that a reading is no emission, and where it is recorded.

    ``recording`` is the file that ``greenlang-data record`` writes: an analyser remembers nothing,
    so windows of the past are answered from it, and only from it.
    """

    measurands: tuple[Measurand, ...] = ()
    signals: tuple[Signal, ...] = ()
    polling_interval_ms: int = Field(10_000, ge=100, le=60_000)
    recording: str | None = Field(None, min_length=1)

    _each_once = field_validator("measurands")(each_once)

    @model_validator(mode="after")
    def _signals_of_known_measurands(self) -> Self:
        known = {one.tag for one in self.measurands}
        for signal in self.signals:
            unknown = sorted(set(signal.measurands) - known)
            if unknown:
                raise ValueError(
                    f"signal {signal.tag!r} concerns {unknown[0]!r}, which is no measurand"
                )
        return self
