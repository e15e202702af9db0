"""SAP Plant Maintenance: the meaning of its OData services; the wire is the OData driver's."""

from greenlang_data.drivers.sappm.driver import SapPmDriver

__all__ = ["SapPmDriver"]
