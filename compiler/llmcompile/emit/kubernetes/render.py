"""Routers to files: the templates of ``kubernetes/``, rendered. The same routers give the same bytes.

The templates write what is constant; every value from outside is quoted as JSON, whatever it is. YAML reads JSON, and
no id (``no``, ``1e3``, ``2026-01-01``) is then anything but text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from llmcompile import __version__
from llmcompile.emit import dist
from llmcompile.emit.kubernetes.routers import SYNC_ACCOUNT, Router

_TEMPLATES = Path(__file__).parents[2] / "templates" / "kubernetes"
_OF_A_ROUTER = ("kustomization.yaml", "namespace.yaml", "documents.yaml", "router.yaml")

Mount = Literal["files", "env"]
PLACEHOLDER_IMAGE = f"registry.example/llmrouter:{__version__}"
"""Stands until somebody names the real one; ``.example`` never resolves, so nobody else's image is ever pulled."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is the same for all routers."""

    project: str
    """The project that holds the secrets."""
    mount: Mount = "files"
    """How a pod gets its documents: as files, or in its environment."""
    image: str = PLACEHOLDER_IMAGE
    allow_unauthenticated: bool = False
    """Whether routers without keys serve everyone who reaches them; else they refuse to start."""


def write(out: Path, routers: Sequence[Router], settings: Settings) -> int:
    """Replace the folder ``out`` by every router's files and a manifest; the number of routers.

    Raises ``RefusedError`` where the folder holds something else, ``OutsideError`` where the disk fails.
    """

    def fill(fresh: Path) -> list[bytes]:
        for name, text in render(routers, settings):
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        return [dist.listed(_entry(each)) for each in routers]

    return dist.replace(out, "routers", fill)


def render(routers: Iterable[Router], settings: Settings) -> Iterator[tuple[str, str]]:
    """Every file, path and text. The routers come by region."""
    templates = Environment(  # noqa: S701 - the output is YAML, never HTML
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        finalize=json.dumps,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    region_template = templates.get_template("region/kustomization.yaml")
    of_a_router = [(name, templates.get_template(f"router/{name}")) for name in _OF_A_ROUTER]
    for region, group in groupby(routers, key=lambda each: each.region):
        held = list(group)
        yield f"{region}/kustomization.yaml", region_template.render(routers=held)
        for router in held:
            for name, template in of_a_router:
                text = template.render(router=router, settings=settings, sync_account=SYNC_ACCOUNT)
                yield f"{router.path}/{name}", text


def _entry(router: Router) -> dict[str, Any]:
    """What a script needs in order to give each router the rights to its secrets, and no other."""
    return {
        "account": router.account,
        "region": router.region,
        "path": router.path,
        "namespace": router.namespace,
        "service_account": SYNC_ACCOUNT,
        "secrets": list(router.secrets.values()),
    }
