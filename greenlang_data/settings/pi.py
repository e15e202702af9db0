"""What a PI Web API source is configured with."""

from __future__ import annotations

from pydantic import Field

from greenlang_data.settings.http import HttpSettings


class PiSettings(HttpSettings):
    r"""Where PI Web API is: ``server_url`` is ``https://host/piwebapi``.

    ``database_name`` is the data server (PI Data Archive) of tags that are given without one; it
    may be left out where there is only one. ``asset_database`` is the AF database
    (``\\AFSERVER\Plant``) whose attributes are listed beside the points.
    """

    server_url: str = ""
    database_name: str | None = None
    asset_database: str | None = Field(None, pattern=r"^\\\\[^\\|]+\\[^\\|]+$")
