"""Opens the store that ``--to`` names."""

from __future__ import annotations

from pathlib import Path

from llmcompile.errors import UsageError
from llmcompile.inputs.project import Project
from llmcompile.literals import quote
from llmcompile.push.directory import DirectoryStore
from llmcompile.push.store import Store
from llmcompile.store_uri import STORE_FORMS, parse_uri
from llmcompile.suggest import did_you_mean


def open_store(to: str, project: Project, root: Path) -> Store:
    """A store by its name in ``stores:`` or by its URI. A relative folder starts at the root."""
    uri = parse_uri(project.stores.get(to, to))
    if uri is None:
        hint = did_you_mean(to, project.stores, f"name one of {', '.join(project.stores)}" if project.stores else "")
        raise UsageError(f"no store {quote(to)}", hint or f"write {STORE_FORMS}")
    if uri.kind == "gcpsecrets":
        raise UsageError("this version pushes to dir: stores alone", "use --to dir:PATH")
    return DirectoryStore(root / Path(uri.target).expanduser())
