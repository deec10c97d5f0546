"""A new repository of YAML: the templates of ``init``, rendered, and the editor's schemas."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from llmcompile import __version__
from llmcompile.emit.input_schemas import render as render_schemas
from llmcompile.errors import OutsideError, RefusedError
from llmcompile.load.vocabulary import read_vocabulary

_TEMPLATES = Path(__file__).parents[1] / "templates" / "init"


def render() -> dict[str, str]:
    """Every file of a new repository: path below its root to text."""
    # <% %> because GitHub's workflows and their scripts use all brackets themselves; the output is YAML, never HTML.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        variable_start_string="<%",
        variable_end_string="%>",
        keep_trailing_newline=True,
    )
    files = {name: environment.get_template(name).render(version=__version__) for name in environment.list_templates()}
    vocabulary, _ = read_vocabulary(_TEMPLATES)
    return files | {f"schemas/{name}": text for name, text in render_schemas(vocabulary).items()}


def write(folder: Path) -> list[str]:
    """Write a new repository; the files written. Nothing is overwritten, and nothing is written if anything is there.

    Raises ``RefusedError`` where one of the files exists, ``OutsideError`` where the disk fails.
    """
    files = render()
    taken = [name for name in sorted(files) if (folder / name).exists() or (folder / name).is_symlink()]
    if taken:
        raise RefusedError(f"{folder / taken[0]} exists; nothing was written", "choose another folder")
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise OutsideError(f"cannot write {folder}: {error.strerror}", "make room or choose another folder") from error
    return sorted(files)
