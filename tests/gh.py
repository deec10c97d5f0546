"""What the workflows use of GitHub's program ``gh``, where it is not installed: ``gh api``.

A request with a body of fields, pages followed, a filter by jq. Whatever else it is given is an error.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("verb", choices=["api"])
    parser.add_argument("path")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--jq")
    parser.add_argument("--field", action="append", default=[])
    parser.add_argument("--raw-field", action="append", default=[])
    parser.add_argument("--paginate", action="store_true")
    parser.add_argument("--silent", action="store_true")
    return parser.parse_args()


def body(given: argparse.Namespace) -> dict[str, Any]:
    """The fields: ``name[]`` collects a list, ``@FILE`` is the file's text in a field that is not raw."""
    fields: dict[str, Any] = {}
    for each, raw in [*((each, True) for each in given.raw_field), *((each, False) for each in given.field)]:
        name, _, value = each.partition("=")
        if value.startswith("@") and not raw:
            value = Path(value[1:]).read_text("utf-8")
        if name.endswith("[]"):
            fields.setdefault(name[:-2], []).append(value)
        else:
            fields[name] = value
    return fields


def answers(given: argparse.Namespace) -> Iterator[HTTPResponse]:
    """The answer, and with ``--paginate`` those that it links to."""
    url, data = f"http://api.github.localhost/{given.path}", body(given)
    while url:
        request = urllib.request.Request(url, json.dumps(data).encode() if data else None, method=given.method)
        request.add_header("Authorization", f"token {os.environ['GH_TOKEN']}")
        answer: HTTPResponse = urllib.request.urlopen(request, timeout=20)
        yield answer
        link = answer.headers.get("Link") or ""
        url = link.split(">")[0].removeprefix("<") if given.paginate and 'rel="next"' in link else ""


def main() -> None:
    """Do it."""
    given = arguments()
    try:
        for answer in answers(given):
            text = answer.read().decode()
            if given.jq:
                jq = ["jq", "--raw-output", given.jq]
                text = subprocess.run(jq, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
            if not given.silent:
                sys.stdout.write(text)
    except urllib.error.HTTPError as error:
        sys.exit(f"gh: HTTP {error.code}")


if __name__ == "__main__":
    main()
