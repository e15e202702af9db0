"""What the five families mean: config, query, payload and connector of each, and the registry.

``scada``, ``cems``, ``historian``, ``erp`` and ``cmms`` are the families, ``base`` is what a connector
of one's own derives from, ``driven`` a connector that reads through a driver.
"""
