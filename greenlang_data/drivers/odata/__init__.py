"""OData V2 and V4: SAP S/4HANA and Gateway, Dynamics 365 Finance & Operations, Dataverse."""

from greenlang_data.drivers.odata.driver import ODataDriver

__all__ = ["ODataDriver"]
