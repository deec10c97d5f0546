"""What it takes to validate a fleet's policies, with the validator in use and with the one in pure Python."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import jsonschema_rs
from fleet import generate

from llmcompile.emit.contract import schema_folder
from llmcompile.pipeline import compile_repository


def validators() -> str:
    """Both, in one process, on the same 500 policies."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "fleet", 500)
        documents = compile_repository(Path(folder) / "fleet", datetime.now(UTC)).documents
    policies = [each.plain() for each in documents if each.kind == "ROUTER_POLICY"]
    schema = json.loads((schema_folder() / "router_policy.schema.json").read_bytes())
    seconds = []
    for validator in (jsonschema_rs.validator_for(schema), jsonschema.Draft202012Validator(schema)):
        start = time.perf_counter()
        if not all(validator.is_valid(policy) for policy in policies):
            sys.exit("a policy is not valid")
        seconds.append((time.perf_counter() - start) / len(policies))
    fast, plain = seconds
    words = f"jsonschema-rs {fast * 1e6:.0f} µs, jsonschema {plain * 1e6:,.0f} µs"
    return f"Validating one policy: {words}: {plain / fast:.0f} times"
