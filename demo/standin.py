"""A stand-in for Azure OpenAI and for its token endpoint, on loopback: answers with its own name, says what it got.

Usage: python demo/standin.py NAME. Prints its address, then a line for each request. No model, no network.
"""

from __future__ import annotations

import asyncio
import json
import sys

from aiohttp import web

CREATED = 1_700_000_000


def say(line: str) -> None:
    """One line, at once: the demo reads along."""
    print(line, flush=True)


async def token(request: web.Request) -> web.Response:
    """OAuth 2.0 client credentials."""
    form = await request.post()
    say(f"token for client {form['client_id']}, scope {form['scope']}")
    return web.json_response({"access_token": "demo-token", "token_type": "Bearer", "expires_in": 3600})


async def chat(request: web.Request) -> web.StreamResponse:
    """A chat completion, plain or streamed."""
    body, deployment = await request.json(), announced(request)
    text = f"hello from {request.app['name']}, deployment {deployment}"
    usage = {"prompt_tokens": 12, "completion_tokens": 8, "total_tokens": 20}
    whole = {"id": "chatcmpl-demo", "created": CREATED, "model": deployment}
    if not body.get("stream"):
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return web.json_response(whole | {"object": "chat.completion", "choices": [choice], "usage": usage})
    answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await answer.prepare(request)
    for word in text.split(" "):
        choice = {"index": 0, "delta": {"content": word + " "}, "finish_reason": None}
        chunk = whole | {"object": "chat.completion.chunk", "choices": [choice]}
        await answer.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await asyncio.sleep(0.02)
    await answer.write(b"data: [DONE]\n\n")
    return answer


async def embeddings(request: web.Request) -> web.Response:
    """Embeddings of three dimensions."""
    deployment = announced(request)
    data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2, 0.3]}]
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return web.json_response({"object": "list", "model": deployment, "data": data, "usage": usage})


def announced(request: web.Request) -> str:
    """The deployment asked for; says which headers authenticated the request, never their values."""
    headers = " and ".join(name for name in ("api-key", "Authorization") if name in request.headers)
    say(f"{request.path}?{request.query_string} with {headers or 'no credential'}")
    return request.match_info["deployment"]


async def main(name: str) -> None:
    """Serve until killed."""
    app = web.Application()
    app["name"] = name
    app.router.add_post("/{tenant}/oauth2/v2.0/token", token)
    app.router.add_post("/openai/deployments/{deployment}/chat/completions", chat)
    app.router.add_post("/openai/deployments/{deployment}/embeddings", embeddings)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    say(f"http://{host}:{port}")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
