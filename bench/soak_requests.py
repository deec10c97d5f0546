"""The soak's requests as clients put them: by the OpenAI client's paths and headers, some by AzureOpenAI's. Pure."""

from __future__ import annotations

from typing import Any

import aiohttp
from soak_documents import router_key
from soak_plan import KINDS, Plan, content, is_azure

_VERSION = "api-version=2024-10-21"


def headers_of(name: str, key: str | None = None) -> dict[str, str]:
    """The key as that client shows it, and the id."""
    shown = router_key(Plan.read(name).key) if key is None else key
    credential = {"api-key": shown} if is_azure(name) else {"authorization": f"Bearer {shown}"}
    return credential | {"x-request-id": name}


def request_of(name: str) -> tuple[str, dict[str, Any]]:
    """Path and arguments of a request."""
    kind = Plan.read(name).kind
    headers = headers_of(name)
    if kind == "hear":
        form = aiohttp.FormData({} if is_azure(name) else {"model": KINDS[kind].model})
        form.add_field("file", content(name), filename="a.wav")
        return path_of(name), {"data": form, "headers": headers}
    body: dict[str, Any] = {"user": name, **({"messages": []} if "chat" in KINDS[kind].path else {"input": "x"})}
    if not is_azure(name) or KINDS[kind].path == "responses":
        body["model"] = KINDS[kind].model
    if KINDS[kind].streams:
        body["stream"] = True
    return path_of(name), {"json": body, "headers": headers}


def path_of(name: str, kept: str = "") -> str:
    """The path, and of Azure's the query; ``kept``: a response that is asked for."""
    model, path, _ = KINDS[Plan.read(name).kind]
    path = f"{path}/{kept}" if kept else path
    if path == "realtime":
        return f"/openai/{path}?{_VERSION}&deployment={model}" if is_azure(name) else f"/v1/{path}?model={model}"
    if not is_azure(name):
        return f"/v1/{path}"
    place = "" if path.startswith("responses") else f"deployments/{model}/"
    return f"/openai/{place}{path}?{_VERSION}"
