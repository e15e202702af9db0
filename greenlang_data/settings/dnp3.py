"""What a DNP3 source is configured with, whatever family it belongs to."""

from __future__ import annotations

from pydantic import Field, field_validator

from greenlang_data.settings.endpoint import EndpointSettings
from greenlang_data.settings.point import Point, PointType

_VARIATIONS: dict[PointType, tuple[int, ...]] = {
    "binary": (0, 2),
    "double_bit": (0, 2),
    "binary_output_status": (0, 2),
    "counter": (0, 1, 2),
    "frozen_counter": (0, 1, 2, 5, 6),
    "analog": (0, 1, 2, 5, 6),
    "analog_output_status": (0, 1, 2, 3, 4),
}


class Dnp3Settings(EndpointSettings):
    """How to reach an outstation; ``endpoint`` is ``host:port``, the port 20000 unless given.

    A tag is named in ``points``, or is ``analog:12``, ``binary:3`` and so on, or ``g30i12``.

    With ``tls`` the outstation's certificate is checked against the system's authorities, or those
    in ``ca_certificate_path``, and has to name the host; ``certificate_path`` and
    ``private_key_path`` are the client's own.

    Static values are asked for in the variation that loses nothing: doubles for analog points, and
    where the device has none floats, and else its own default. ``static_variations`` overrides it
    by type; 0 is the device's default.
    """

    points: tuple[Point, ...] = ()
    outstation_address: int = Field(10, ge=0, le=65519)
    master_address: int = Field(1, ge=0, le=65519)
    response_timeout_seconds: float = Field(5, ge=0.1, le=120, description="For each fragment")
    unsolicited: bool = Field(
        True, description="While watching, let the outstation report by itself as well"
    )
    static_variations: dict[PointType, int] = Field(default_factory=dict)
    tls: bool = False
    ca_certificate_path: str | None = Field(None, description="Authorities to trust, PEM")
    certificate_path: str | None = Field(None, description="Client certificate, PEM")
    private_key_path: str | None = None

    @field_validator("static_variations")
    @classmethod
    def _known_variations(cls, value: dict[PointType, int]) -> dict[PointType, int]:
        for kind, variation in value.items():
            allowed = _VARIATIONS.get(kind, (0,))
            if variation not in allowed:
                raise ValueError(
                    f"static_variations.{kind}: {variation} is none with flags; "
                    f"choose among {', '.join(map(str, allowed))}"
                )
        return value
