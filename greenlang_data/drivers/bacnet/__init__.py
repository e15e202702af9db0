"""BACnet/IP: present values, objects, trend logs and change reports of a device, read-only."""

from greenlang_data.drivers.bacnet.driver import BacnetDriver

__all__ = ["BacnetDriver"]
