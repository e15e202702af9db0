"""The habits of the systems that speak OData, as far as the protocol leaves them free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from greenlang_data.settings.odata import ODataSettings


@dataclass(frozen=True, slots=True)
class Profile:
    """What is sent beside the query itself, and what the server can be relied on for.

    ``skips``: it knows ``$skip``. ``by_key``: rows after a key may be asked for. ``steady_links``:
    what others write does not shift the pages that it links to. ``counts_up_to``: its counts end
    there. ``asks_all``: all columns may be asked for at once.
    """

    ping: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    skips: bool = True
    orders: bool = True
    by_key: bool = True
    steady_links: bool = False
    counts_up_to: int | None = None
    asks_all: bool = True


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
        return Profile("/data", params=(("cross-company", "true"),), asks_all=False)
    headers, params = {}, []
    if settings.sap_client is not None:
        # The header too, because links to next pages need not repeat the parameter.
        headers["sap-client"] = settings.sap_client
        params.append(("sap-client", settings.sap_client))
    if settings.sap_language is not None:
        params.append(("sap-language", settings.sap_language.upper()))
    return Profile(settings.v2_path, tuple(params), headers)
