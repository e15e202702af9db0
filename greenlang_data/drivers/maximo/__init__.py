"""IBM Maximo and Maximo Application Suite, over their REST interface (OSLC and API-key routes)."""

from greenlang_data.drivers.maximo.driver import MaximoDriver

__all__ = ["MaximoDriver"]
