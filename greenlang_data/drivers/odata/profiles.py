"""The habits of the systems that speak OData, as far as the protocol leaves them free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from greenlang_data.drivers.http.client_login import with_client_login
from greenlang_data.drivers.http.origin import checked_url, origin_of
from greenlang_data.settings.odata import ODataSettings


@dataclass(frozen=True, slots=True)
class Profile:
    """What is sent beside the query itself, and what the server can be relied on for.

    ``skips``: it knows ``$skip``. ``by_key``: rows after a key may be asked for. ``steady_links``:
    what others write does not shift the pages that it links to. ``counts_up_to``: its counts end
    there. ``counts_pages``: a count may be of nothing but the page that it came with. ``asks_all``:
    all columns may be asked for at once. ``no_date`` stands for no date.
    """

    ping: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    skips: bool = True
    orders: bool = True
    by_key: bool = True
    steady_links: bool = False
    counts_up_to: int | None = None
    counts_pages: bool = False
    asks_all: bool = True
    no_date: datetime | None = None

    def known(self, count: int | None) -> int | None:
        """A count, where the server counts that far."""
        most = self.counts_up_to
        return None if count is not None and most is not None and count >= most else count


def profile_of(settings: ODataSettings) -> Profile:
    """The habits of the system that is configured."""
    if settings.odata_profile == "dataverse":
        versions = {"OData-Version": "4.0", "OData-MaxVersion": "4.0"}
        # Its pages hold a cookie that makes their order; a count of 5000 may be of more.
        return Profile(
            "/api/data/v9.2/WhoAmI",
            headers=versions,
            skips=False,
            orders=False,
            by_key=False,
            steady_links=True,
            counts_up_to=5000,
        )
    if settings.odata_profile == "finance":
        # Without it only the login's own company is answered, and nothing says so.
        companies = (("cross-company", "true"),)
        no_date = datetime(1900, 1, 1, tzinfo=UTC)
        return Profile("/data", params=companies, asks_all=False, no_date=no_date)
    headers, params = {}, []
    if settings.sap_client is not None:
        # The header too, because links to next pages need not repeat the parameter.
        headers["sap-client"] = settings.sap_client
        params.append(("sap-client", settings.sap_client))
    if settings.sap_language is not None:
        params.append(("sap-language", settings.sap_language.upper()))
    # Gateway itself counts the rows of the page where a service does not tell it a number.
    return Profile(settings.v2_path, tuple(params), headers, counts_pages=True)


def with_login(settings: ODataSettings, source: str) -> ODataSettings:
    """The settings with the token server of the system, where only a client's secret is given."""
    origin = origin_of(checked_url(settings.odata_address, "base_url", source))
    if settings.odata_profile == "sap":
        return with_client_login(settings, f"{origin}/sap/bc/sec/oauth2/token")
    tenant = settings.tenant_id
    token_url = tenant and f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    return with_client_login(settings, token_url, f"{origin}/.default")
