"""Cuts what an image needs out of requirements.lock: the same pins and hashes, and nothing else.

``python deploy/lock.py``, in the environment that ``make setup`` makes, writes the files beside it; a test fails where
they are not those of the lock file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
NEEDED = {"requirements.lock": ("runtime", "redis", "otel"), "build.lock": ("hatchling",)}
"""What each file holds, with all that comes with it: extras of this project, else packages."""
IMAGE = {"python_version": "3.13", "python_full_version": "3.13.0", "sys_platform": "linux", "platform_system": "Linux"}
"""Where it is installed; of a dependency that is for elsewhere nothing is needed."""


def needed(requirements: Iterable[str], extra: str = "") -> set[str]:
    """The names of these requirements, and of all that they bring along."""
    found: set[str] = set()
    for each in map(Requirement, requirements):
        if each.marker is None or each.marker.evaluate(IMAGE | {"extra": extra}):
            found.add(canonicalize_name(each.name))
            for wanted in each.extras or {""}:
                found |= needed(requires(each.name) or [], wanted)
    return found


def cut(name: str) -> str:
    """One of the files."""
    lock = (HERE.parent / "requirements.lock").read_text(encoding="utf-8")
    entries = {each.partition("==")[0]: each for each in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]}
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = needed(requirement for each in NEEDED[name] for requirement in extras.get(each, [each]))
    return "".join(re.sub(r"^    #.*\n", "", entries[each], flags=re.MULTILINE) for each in sorted(names))


if __name__ == "__main__":
    for each in NEEDED:
        (HERE / each).write_text(cut(each), encoding="utf-8")
