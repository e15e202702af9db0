"""The HTTP base: what every driver of a web system shares. It is no driver itself.

A driver holds one :class:`~greenlang_data.drivers.http.client.HttpClient`, opens it in
``connect``, and asks with :class:`~greenlang_data.drivers.http.message.Ask`.
"""
