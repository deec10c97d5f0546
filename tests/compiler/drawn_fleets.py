"""Small fleets drawn by hypothesis, with what an oracle needs of them without reading them again.

Two accounts in up to two regions, four models with fallbacks of all kinds, endpoints that share hosts, locations, keys
and token endpoints. Often the second account differs from the first only in what no router decides by.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st
from tests.compiler.repo import FILES

CODES = ("m0", "m1", "m2", "m3")
REGIONS = ("east", "west")
LOCATIONS = ("swedencentral", "westeurope", "uksouth", "italynorth")
DETOURS = ("context_window_fallbacks", "content_policy_fallbacks")
GROUP = "group"


@dataclass(frozen=True)
class Spot:
    """An endpoint, and all that it can be gone with."""

    name: str
    side: str
    host: str
    location: str | None
    auth: str
    """The variable of its key, or the path of its token endpoint."""
    geo: str | None
    serves: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"{self.side}:{self.name}"

    @property
    def oauth(self) -> bool:
        return self.auth.startswith("token")

    def yaml(self) -> dict[str, Any]:
        written: dict[str, Any] = {"provider": "azure", "base_url": f"https://{self.host}/"}
        if self.side == "tenant":
            written["supported_models"] = list(self.serves)
        if self.oauth:
            secret = {"client_id": self.name, "client_secret": f"ref+env://SECRET_{self.name.upper()}"}
            written["oauth"] = {"token_url": f"https://login.example.com/{self.auth}", **secret, "scopes": ["a"]}
        else:
            written["api_key"] = f"ref+env://{self.auth}"
        return written | {key: getattr(self, key) for key in ("location", "geo") if getattr(self, key)}


@dataclass(frozen=True)
class Drawn:
    """A fleet."""

    spots: dict[tuple[str, str], list[Spot]]
    """The endpoints by account and region, in the account's order and then the platform's."""
    models: dict[str, dict[str, Any]]
    regions: dict[str, dict[str, Any]]
    accounts: dict[str, dict[str, Any]]

    def files(self, without: tuple[str, ...] = ()) -> dict[str, str | None]:
        """What to write, leaving some keys of regions and accounts out."""
        files: dict[str, str | None] = {**dict.fromkeys(FILES), "llmcompile.yaml": "version: 1\n"}
        for kind, written in (("models", self.models), ("regions", self.regions), ("accounts", self.accounts)):
            for name, each in written.items():
                kept = {key: value for key, value in each.items() if key not in without}
                files[f"{kind}/{name}.yaml"] = json.dumps(kept)
        return files


@st.composite
def fleets(draw: st.DrawFn) -> Drawn:
    """Any of them; all compile where nothing is demanded of them."""
    models = {code: _model(draw, code) for code in CODES}
    keys = ("KEY0", "KEY1", "KEY2", "KEY3")
    platform = {region: _spots(draw, "platform", ("p0", "p1", "p2", "p3"), keys) for region in REGIONS}
    regions = {name: _region(draw, name, spots) for name, spots in platform.items()}
    own = _spots(draw, "tenant", ("t0", "t1"), ("KEY0", "token0", "token0", "token1"))
    first = _account(draw, "acme", own, platform)
    spots = {("acme", region): [*own, *platform[region]] for region in first["regions"]}
    if draw(st.booleans()):
        own = [_moved(draw, each) for each in own]
        second = {**first, "account": "globex", "endpoints": {each.name: each.yaml() for each in own}} | _demands(draw)
        if "route_groups" in first:
            members = first["route_groups"][GROUP]["members"]
            second["route_groups"] = {GROUP: {"members": members[draw(st.integers(0, len(members) - 1)) :]}}
    else:
        own = _spots(draw, "tenant", ("t0", "t1"), ("KEY0", "KEY4", "token0"))
        second = _account(draw, "globex", own, platform)
    spots |= {("globex", region): [*own, *platform[region]] for region in second["regions"]}
    return Drawn(spots, models, regions, {"acme": first, "globex": second})


def _model(draw: st.DrawFn, code: str) -> dict[str, Any]:
    later = st.lists(st.sampled_from(CODES[CODES.index(code) + 1 :] or ("",)), unique=True, max_size=2)
    price = {"start": "2024-01-01", "currency": "USD", "per_million_tokens": {"text_input": 1, "text_output": 2}}
    chains = {kind: [each for each in draw(later) if each] for kind in ("fallbacks", *DETOURS)}
    return {"code": code, "type": "chat", "token_costs": [price], **chains}


def _spots(draw: st.DrawFn, side: str, names: tuple[str, ...], auths: tuple[str, ...]) -> list[Spot]:
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=len(names)))
    serving = st.lists(st.sampled_from(CODES), unique=True, min_size=1)
    return [_spot(draw, name, side, auths, tuple(draw(serving))) for name in chosen]


def _spot(draw: st.DrawFn, name: str, side: str, auths: tuple[str, ...], serves: tuple[str, ...]) -> Spot:
    own = f"{side}-{name}.example.com"
    return Spot(
        name=name,
        side=side,
        host=draw(st.sampled_from([own, own, "shared.example.com"])),
        location=draw(st.sampled_from([*LOCATIONS, *LOCATIONS, None])),
        auth=draw(st.sampled_from(auths)),
        geo=draw(st.sampled_from(["eu", "eu", "ch", "us", None])),
        serves=serves,
    )


def _moved(draw: st.DrawFn, spot: Spot) -> Spot:
    """The same for a router, elsewhere and under another name."""
    auths = ("token0", "token1") if spot.oauth else ("KEY0", "KEY4")
    return replace(_spot(draw, spot.name, spot.side, auths, spot.serves), name=f"{spot.name}moved")


def _region(draw: st.DrawFn, name: str, spots: list[Spot]) -> dict[str, Any]:
    served = {code: [each.name for each in spots if code in each.serves] for code in CODES}
    gate = draw(st.sampled_from([None, None, 0, 1, 2]))
    return {
        "region": name,
        "endpoints": {each.name: each.yaml() for each in spots},
        "models": {code: draw(st.permutations(names)) for code, names in served.items() if names},
        **({} if gate is None else {"survive": gate}),
    }


def _account(draw: st.DrawFn, name: str, own: list[Spot], platform: dict[str, list[Spot]]) -> dict[str, Any]:
    regions = draw(st.sampled_from([["east"], ["west"], ["east", "west"]]))
    source = draw(st.sampled_from(["auto", "platform", *(["tenant"] if own else [])]))
    sides = {
        "auto": lambda region: [*own, *platform[region]], "platform": lambda region: platform[region],
        "tenant": lambda region: own,
    }  # fmt: skip
    everywhere = [
        code for code in CODES if all(any(code in each.serves for each in sides[source](region)) for region in regions)
    ]
    written = {"account": name, "regions": regions, "source": source}
    written["endpoints"] = {each.name: each.yaml() for each in own}
    if everywhere and draw(st.booleans()):
        members = draw(st.lists(st.sampled_from(everywhere), unique=True, min_size=1, max_size=2))
        written["route_groups"] = {GROUP: {"members": [{"model": each} for each in members]}}
    return written | _demands(draw)


def _demands(draw: st.DrawFn) -> dict[str, Any]:
    gate, home = draw(st.sampled_from([0, 1, 1, 2])), draw(st.sampled_from([["eu"], ["eu", "ch"], ["eu", "ch", "us"]]))
    return ({"survive": gate} if draw(st.booleans()) else {}) | ({"residency": home} if draw(st.booleans()) else {})
