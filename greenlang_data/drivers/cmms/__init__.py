"""What the drivers of maintenance systems share: the canonical frames and how they are filled.

It is no driver itself. :mod:`~greenlang_data.drivers.cmms.entities` says what the frames are,
:mod:`~greenlang_data.drivers.cmms.columns` makes their columns.
"""
