"""A named BACnet tag: the name that calls use for an object of a device."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from greenlang_data.settings.unit import Unit


class BacnetObject(BaseModel):
    """``tag`` in calls and frames stands for ``object_id``, as in ``analog-input,1``.

    A property other than the present value follows a point: ``AV:7.high-limit``. ``unit`` (UCUM
    or the source's own) is for devices that do not tell one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tag: str = Field(min_length=1)
    object_id: str = Field(min_length=1)
    unit: Unit = None
