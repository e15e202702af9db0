"""Infor EAM (HxGN EAM), over its REST web services: grids, and collections of entities."""

from greenlang_data.drivers.infor.driver import InforDriver

__all__ = ["InforDriver"]
