"""A peer's share of the compiler's work, in the peer's own environment: account files in, CUSTOMER_LLM_CONFIG out.

Called as ``transform.py PEER ACCOUNTS OUT PROCESSES``. Checks nothing, proves nothing, writes one JSON document per
account. Imports the standard library and the peer only. Files go to the peer in batches, since to start its interpreter
for each costs more than the file; the batches go to that many processes.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

BATCH = 50
"""Files in one evaluation: of 50, 250 and 1,000 the fastest for KCL and jrsonnet, and as good as any for Jsonnet."""
Documents = dict[str, object]
"""By account, what its file comes to."""

_JSONNET = """
local endpoint(it) = {
  local oauth = std.get(it, "oauth", {}),
  provider: it.provider, version: std.get(it, "version"), supported_models: it.supported_models,
  deployment_prefix: std.get(it, "deployment_prefix"), base_url: it.base_url, api_key: std.get(it, "api_key"),
  oauth_token_url: std.get(oauth, "token_url"), oauth_client_id: std.get(oauth, "client_id"),
  oauth_client_secret: std.get(oauth, "client_secret"), scopes: std.get(oauth, "scopes"),
};
local account(text) = std.mapWithKey(function(name, it) endpoint(it), std.parseYaml(text).endpoints);
"""
_KCL = """
import file
import yaml
_get = lambda it: {str:}, key: str {
    it[key] if it and key in it else None
}
_endpoint = lambda it: {str:} {
    _oauth = _get(it, "oauth")
    {
        provider = it.provider
        version = _get(it, "version")
        supported_models = it.supported_models
        deployment_prefix = _get(it, "deployment_prefix")
        base_url = it.base_url
        api_key = _get(it, "api_key")
        oauth_token_url = _get(_oauth, "token_url")
        oauth_client_id = _get(_oauth, "client_id")
        oauth_client_secret = _get(_oauth, "client_secret")
        scopes = _get(_oauth, "scopes")
    }
}
_account = lambda path: str {
    {name: _endpoint(it) for name, it in yaml.decode(file.read(path)).endpoints}
}
"""


def jsonnet(files: list[Path]) -> Documents:
    """By Google's Jsonnet in C++."""
    import _jsonnet

    return json.loads(_jsonnet.evaluate_snippet("fleet", _jsonnet_program(files)))


def jrsonnet(files: list[Path]) -> Documents:
    """By the same program on jrsonnet, in Rust."""
    import rjsonnet

    return json.loads(rjsonnet.evaluate_snippet("fleet", _jsonnet_program(files)))


def _jsonnet_program(files: list[Path]) -> str:
    fields = [f"{json.dumps(each.stem)}: account(importstr {json.dumps(str(each))})" for each in files]
    return f"{_JSONNET}{{ {', '.join(fields)} }}"


def kcl(files: list[Path]) -> Documents:
    """By KCL, in Rust."""
    from kcl_lib import api

    paths = json.dumps({each.stem: str(each) for each in files})
    program = f"{_KCL}_files = {paths}\ndocuments = {{name: _account(path) for name, path in _files}}\n"
    told = api.API().exec_program(api.ExecProgramArgs(k_filename_list=["main.k"], k_code_list=[program]))
    if told.err_message:
        raise RuntimeError(told.err_message)
    return json.loads(told.json_result)["documents"]


PEERS: dict[str, Callable[[list[Path]], Documents]] = {"KCL": kcl, "Jsonnet": jsonnet, "jrsonnet": jrsonnet}


def write(name: str, out: Path, files: list[Path]) -> int:
    """Transform a batch and write its documents."""
    documents = PEERS[name](files)
    for account, document in documents.items():
        folder = out / account
        folder.mkdir()
        (folder / "CUSTOMER_LLM_CONFIG.json").write_text(json.dumps(document, indent=2))
    return len(documents)


def main() -> None:
    """Transform all files of a folder."""
    name, accounts, out, processes = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    out.mkdir()
    files = sorted(accounts.glob("*.yaml"))
    batches = [files[at : at + BATCH] for at in range(0, len(files), BATCH)]
    with multiprocessing.Pool(min(len(batches), processes)) as pool:
        if sum(pool.imap_unordered(partial(write, name, out), batches)) != len(files):
            sys.exit("documents are missing")


if __name__ == "__main__":
    main()
