"""Other gateways to measure beside: pinned versions, each in an environment of its own in the user's cache folder.

Each is set up as its own documentation says for one worker, without a database: a key in front where it knows keys.
One that cannot be had here is left out, with the reason.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path

from environments import LeftOutError, installed
from serving import KEY, PATH, Target, answers, free_port, nginx, running

PORTKEY, LITELLM = "1.15.2", "1.102.4"


def plain(stack: ExitStack, folder: Path, upstream: str) -> Target:
    """nginx, passing on and nothing else."""
    keepalive = f"upstream mock {{ server {upstream.removeprefix('http://')}; keepalive 64; }}"
    proxying = 'proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection "";'
    return Target(nginx(stack, folder, "plain", proxying, keepalive).url + PATH)


def bare(stack: ExitStack, folder: Path, upstream: str) -> Target:
    """The least that uvicorn and aiohttp do to pass a request on."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "router_bare:app", "--app-dir", str(Path(__file__).parent)]
    command += ["--port", str(port), "--no-access-log", "--log-level", "critical"]
    server = stack.enter_context(running(command, port, folder / "bare.log", BARE_UPSTREAM=upstream + PATH))
    return Target(server.url + PATH)


def portkey(stack: ExitStack, folder: Path, upstream: str) -> Target:
    """Portkey's gateway on Node.js: no keys of its own, told by headers where to go."""
    package = f"@portkey-ai/gateway@{PORTKEY}"
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", ".", package]
    home, port = installed(f"portkey-{PORTKEY}", [install]), free_port()
    script = home / "node_modules/@portkey-ai/gateway/build/start-server.js"
    command = ["node", str(script), "--headless", f"--port={port}"]
    server = _started(stack, command, port, folder / "portkey.log", NODE_ENV="production")
    own = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{upstream}/v1"}
    return _answering(Target(server + PATH, {"authorization": "Bearer upstream-key", **own}))


def litellm(stack: ExitStack, folder: Path, upstream: str) -> Target:
    """LiteLLM's proxy with a master key and one worker, quiet, without its calls home."""
    install = [
        ["python3", "-m", "venv", "."],
        ["bin/python", "-m", "pip", "install", "-q", f"litellm[proxy]=={LITELLM}"],
    ]
    home, port = installed(f"litellm-{LITELLM}", install), free_port()
    params = {"model": "openai/gpt-4o", "api_base": f"{upstream}/v1", "api_key": "upstream-key"}
    config = {
        "model_list": [{"model_name": "gpt-4o", "litellm_params": params}],
        "general_settings": {"master_key": f"sk-{KEY}"},
    }
    (folder / "litellm.yaml").write_text(json.dumps(config))
    command = [str(home / "bin/litellm"), "--config", str(folder / "litellm.yaml"), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--num_workers", "1", "--telemetry", "False"]
    quiet = {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    server = _started(stack, command, port, folder / "litellm.log", **quiet)
    return _answering(Target(server + PATH, {"authorization": f"Bearer sk-{KEY}"}))


PEERS = {"nginx": plain, "uvicorn + aiohttp": bare, "Portkey": portkey, "LiteLLM": litellm}


def _started(stack: ExitStack, command: list[str], port: int, log: Path, **more: str) -> str:
    try:
        return stack.enter_context(running(command, port, log, **more)).url
    except (OSError, RuntimeError) as error:
        raise LeftOutError(str(error)) from None


def _answering(target: Target) -> Target:
    try:
        answers(target)
    except RuntimeError as error:
        raise LeftOutError(str(error)) from None
    return target
