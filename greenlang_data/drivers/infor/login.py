"""How Infor EAM is logged in to: with every request, or by the session that it opened."""

from __future__ import annotations

from collections.abc import Mapping

from greenlang_data.drivers.http.login import HeaderLogin, Login, login_of
from greenlang_data.drivers.http.tokens import FetchForm
from greenlang_data.settings.cmms import CmmsSettings


class SessionLogin(Login):
    """A login whose session is used for as long as it lasts; ``session`` is its id."""

    def __init__(self, first: Login) -> None:
        self._first = first
        self.auth = first.auth
        self.sends_secret = first.sends_secret
        self.session: str | None = None

    async def headers(self, fetch: FetchForm) -> Mapping[str, str]:
        if self.session is not None:
            return {"sessionid": self.session}
        return {**await self._first.headers(fetch), "keepsession": "true"}

    def refused(self, headers: Mapping[str, str]) -> bool:
        if "sessionid" in headers:
            self.session = None
            return True
        return self._first.refused(headers)


def infor_login(settings: CmmsSettings, source: str) -> SessionLogin:
    """Basic, or a token of the gateway before it; an ``api_key`` is sent as X-API-KEY."""
    if settings.api_key is not None:
        return SessionLogin(HeaderLogin(settings.api_key, header="X-API-KEY"))
    return SessionLogin(login_of(settings, source))
