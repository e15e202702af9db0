"""What a BACnet/IP source is configured with, whatever family it belongs to."""

from __future__ import annotations

from datetime import tzinfo

from pydantic import Field, field_validator

from greenlang_data.settings.bacnet_object import BacnetObject
from greenlang_data.settings.endpoint import EndpointSettings
from greenlang_data.times import zone_named


class BacnetSettings(EndpointSettings):
    """Which device to read; ``endpoint`` is ``host`` or ``host:port`` (47808 unless given).

    With ``discover`` it is the broadcast address of a subnet, where Who-Is finds the device
    ``device_instance``; without that number the error lists the devices that are there. In another
    subnet it is a broadcast management device (BBMD) there, with ``foreign_device``.
    A device behind a router has the router's endpoint, and its own ``network`` and ``mac``. A tag
    is named in ``objects``, or given as an object id (``analog-input,1``), or by the name that
    the object has in the device.
    """

    discover: bool = Field(False, description="Find the device by a broadcast Who-Is")
    foreign_device: bool = Field(False, description="discover through the BBMD at endpoint")
    device_instance: int | None = Field(None, ge=0, le=4194302, description="Checked if given")
    local_address: str | None = Field(None, description="Of the interface to use")
    local_port: int = Field(0, ge=0, le=65535, description="0: any that is free")
    network: int | None = Field(None, ge=1, le=65534, description="Of a device behind a router")
    mac: str | None = Field(
        None, pattern=r"^([0-9A-Fa-f]{2}){1,7}$", description="Its address there, hexadecimal"
    )
    max_in_flight: int = Field(4, ge=1, le=8, description="Requests at the same time")
    apdu_timeout_seconds: float = Field(3, ge=0.1, le=60, description="Before asking again")
    apdu_retries: int = Field(3, ge=0, le=10, description="How often the same is asked again")
    confirmed_cov: bool = Field(True, description="Ask for change reports that are acknowledged")
    cov_lifetime_seconds: int = Field(120, ge=10, le=86400, description="Of a subscription")
    time_zone: str | None = Field(None, description="Of the device's clock; needed for history")
    objects: tuple[BacnetObject, ...] = ()

    @property
    def clock_zone(self) -> tzinfo | None:
        """The zone of the device's clock, where one is set."""
        return None if self.time_zone is None else zone_named(self.time_zone)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            zone_named(value)
        return value
