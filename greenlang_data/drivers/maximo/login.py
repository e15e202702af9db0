"""How Maximo is logged in to."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from greenlang_data.drivers.http.login import HeaderLogin, Login, login_of
from greenlang_data.drivers.http.tokens import FetchForm
from greenlang_data.settings.cmms import CmmsSettings
from greenlang_data.settings.secret import Secret


class NativeLogin(Login):
    """Maximo's own: ``maxauth``, with every request, so that no session can run out."""

    def __init__(self, username: str, password: Secret) -> None:
        self._username = username
        self._password = password

    async def headers(self, fetch: FetchForm) -> Mapping[str, str]:
        pair = f"{self._username}:{self._password.get_secret_value()}"
        return {"maxauth": base64.b64encode(pair.encode()).decode()}


def maximo_login(settings: CmmsSettings, source: str) -> Login:
    """An API key, or Maximo's own login; with ``login`` set, that of the web server before it.

    ``login = "basic"`` is for directories (LDAP).
    """
    if settings.api_key is not None:
        return HeaderLogin(settings.api_key, header="apikey")
    if settings.login is None and settings.username is not None and settings.password is not None:
        return NativeLogin(settings.username, settings.password)
    return login_of(settings, source)
