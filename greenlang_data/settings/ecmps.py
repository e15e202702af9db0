"""What emissions reports of ECMPS are configured with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from greenlang_data.settings.epa import EpaSettings
from greenlang_data.settings.files import FileSettings


class EcmpsSettings(EpaSettings, FileSettings):
    """One unit or stack of the quarterly emissions reports under 40 CFR 75.

    The reports are ``files`` (XML or JSON, as the plant's DAHS writes them), or are asked of EPA's
    export by ``monitor_plan_id``. By ``facility_id`` EPA's streaming service gives derived values
    only, with their codes; a report of another facility is refused where it is given. ``location`` is a unit or stack as the report calls it (``1``,
    ``CS0AAN``); it may be left out where a report has one. ``hourly_value`` chooses the values with or
    without the bias adjustment; where a parameter is never adjusted there is one only.
    """

    monitor_plan_id: str | None = Field(None, min_length=1)
    location: str | None = Field(None, min_length=1)
    hourly_value: Literal["adjusted", "unadjusted"] = "adjusted"
