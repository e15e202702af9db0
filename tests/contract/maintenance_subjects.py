"""The maintenance systems that the contract suite is run on, each behind a fault proxy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

import greenlang_data as gd
from tests.drivers.infor import helpers as infor
from tests.drivers.maximo import helpers as maximo
from tests.drivers.sappm import helpers as sap
from tests.peers import maintained_plant as plant
from tests.peers import sap_pm_rows
from tests.peers.proxy import FaultProxy

IMPATIENT: dict[str, Any] = {
    "timeout_seconds": 2,
    "max_retries": 1,
    "retry_min_wait": 0.05,
    "retry_max_wait": 0.1,
    "page_size": 40,
}
SITE = plant.SITES[0]


@dataclass
class Maintained:
    """A system to read the plans of one site from, and what is true of them."""

    config: gd.CMMSConfig
    wrong_login: dict[str, Any]
    site: str
    truth: dict[str, str]
    proxy: FaultProxy

    @property
    def name(self) -> str:
        return self.config.connector_id

    @property
    def absent(self) -> gd.CMMSConfig:
        """A config like this one, of an address where there is nothing."""
        address = self.config.api_url.replace("127.0.0.1", "no-such-host.invalid")
        # The login would go there in clear text.
        more = {"api_url": address, "allow_clear_text_credentials": True}
        return self.config.model_copy(update=more)

    def read(self, session: gd.Session, **options: Any) -> pd.DataFrame:
        return session.cmms("pm", site=self.site, **options)


def _at(address: str, peer: Any, proxy: FaultProxy) -> str:
    return address.replace(f":{peer.port}", f":{proxy.port}")


def _plans(number: Any) -> dict[str, str]:
    plans = [plant.plan(index) for index in range(plant.PLANS)]
    return {number(one): one.description for one in plans if one.site is SITE}


def maximo_subject(peer: Any, proxy: FaultProxy) -> Maintained:
    config = maximo.config(peer, **IMPATIENT, api_url=_at(peer.url, peer, proxy))
    truth = _plans(lambda one: one.number)
    return Maintained(config, {"api_key": "wrong"}, SITE.name, truth, proxy)


def infor_subject(peer: Any, proxy: FaultProxy) -> Maintained:
    # No grid of plans has a name that all systems share.
    statuses = {"A": "active", "I": "inactive", "D": "draft"}
    known = {"objects": {"pm": "OSPPMS"}, "status_map": {"pm": statuses}}
    config = infor.config(peer, **IMPATIENT, **known, api_url=_at(peer.url, peer, proxy))
    truth = _plans(lambda one: one.number)
    return Maintained(config, {"password": "wrong"}, SITE.name, truth, proxy)


def sap_subject(peer: Any, proxy: FaultProxy) -> Maintained:
    login = {"username": "reader", "password": "s3cret-Pässword"}
    known = {"status_map": {"pm": {"I0001": "draft"}}}
    config = sap.config(peer, **IMPATIENT, **login, **known, api_url=_at(peer.origin, peer, proxy))
    truth = _plans(lambda one: sap_pm_rows.plan_number(one.row))
    return Maintained(config, {"password": "wrong"}, SITE.plant, truth, proxy)
