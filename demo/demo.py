"""The whole path in under a minute: YAML is checked and built, a router starts from it and answers; then it is planned,
pushed to a local Secret Manager, edited by hand there, and rolled back.

Run by ``make demo``. Everything is on loopback and made up; everything that was started is stopped at the end.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import openai
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
ACCOUNT = "acme"
PROJECT = "example-llm-prod"  # of the example's store
# The example's hosts, and which stand-in answers for them today.
HOSTS = {
    "https://switzerlandnorth-001.azure.example": "switzerlandnorth",
    "https://swedencentral-001.azure.example": "swedencentral",
    "https://acme.example-eu.cloud": "acme",
    "https://login.example-eu.cloud": "login",
}
# Made-up values for the variables that the example's refs point to.
SECRETS = {
    f"EXAMPLE_{name}": f"made-up-{name.lower()}"
    for name in (
        "AZURE_SHARED_KEY", "AZURE_SWITZERLANDNORTH_KEY", "AZURE_EASTUS2_KEY", "GROQ_KEY", "OPENAI_KEY",
        "ACME_CLIENT_SECRET", "INITECH_KEY",
    )
}  # fmt: skip


class Process:
    """A started program whose lines can be waited for."""

    def __init__(self, name: str, *command: str | Path, cwd: Path) -> None:
        environment = os.environ | SECRETS | {"PYTHONUNBUFFERED": "1"}
        self.name, self.lines = name, queue.Queue[str]()
        self.process = subprocess.Popen(
            [str(each) for each in command],
            cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put(line.rstrip("\n"))
        self.lines.put("")  # the end

    def wait_for(self, part: str) -> str:
        """The next line that holds this text; the demo ends with what was said instead if there is none."""
        seen = []
        while line := self.lines.get(timeout=30):
            seen.append(line)
            if part in line:
                return line
        sys.exit(f"{self.name} ended without saying {part!r}: {seen}")

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self.process.terminate()
        self.process.wait(timeout=20)


@contextmanager
def started(name: str, *command: str | Path, cwd: Path) -> Iterator[Process]:
    """A program for as long as the block lasts."""
    process = Process(name, *command, cwd=cwd)
    try:
        yield process
    finally:
        process.stop()


def title(text: str) -> None:
    print(f"\n== {text}", flush=True)


def run(*arguments: str, cwd: Path, expected: int = 0, **environment: str) -> None:
    """A command of the compiler, as a user types it."""
    print(f"$ llmcompile {' '.join(arguments)}", flush=True)
    command = [PROGRAMS / "llmcompile", *arguments]
    code = subprocess.run(command, cwd=cwd, env=os.environ | SECRETS | environment, check=False).returncode
    if code != expected:
        sys.exit(f"the command ended with {code} instead of {expected}")
    if code:
        print(f"  (exit code {code})", flush=True)


def copy_example(target: Path, addresses: dict[str, str]) -> None:
    """The worked example, with loopback addresses in place of its hosts."""
    for name in ("accounts", "regions", "models", "schemas"):
        shutil.copytree(ROOT / name, target / name)
    shutil.copy(ROOT / "llmcompile.yaml", target)
    for path in (*target.glob("accounts/*.yaml"), *target.glob("regions/*.yaml")):
        text = path.read_text(encoding="utf-8")
        for host, name in HOSTS.items():
            text = text.replace(host, addresses[name])
        path.write_text(text, encoding="utf-8")


def commit(root: Path, message: str) -> None:
    """Commit everything, as the merge of a pull request does."""
    who = ("-c", "user.name=Example", "-c", "user.email=demo@example.com")
    for arguments in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "--message", message)):
        subprocess.run(["git", *arguments], cwd=root, check=True)


def edit_by_hand(address: str, secret: str) -> None:
    """What someone does in the console: a new version that git knows nothing of."""
    channel = grpc.insecure_channel(address)
    transport = SecretManagerServiceGrpcTransport(channel=channel)
    client = SecretManagerServiceClient(transport=transport)
    name = f"projects/{PROJECT}/secrets/{secret}"
    client.add_secret_version(parent=name, payload={"data": b'{"edited": "by hand"}'})
    channel.close()
    print(f"  someone adds a version to {secret} by hand", flush=True)


def push_and_look_after(root: Path) -> None:
    """From a plan to a rollback, over a Secret Manager of our own that the real client speaks to."""
    emulator = ("-m", "llmcompile_secretmanager_emulator", "--project", PROJECT, "--port", "0")
    with started("Secret Manager", sys.executable, *emulator, cwd=root) as manager:
        address = manager.wait_for("listening on ").split("listening on ")[1].split()[0]
        here = {"SECRET_MANAGER_EMULATOR_HOST": address}
        title("The merge: what a push would do, the push, and a second one that writes nothing")
        for arguments in (("plan", "--to", "production"), *[("push", "--to", "production")] * 2):
            run(*arguments, cwd=root, **here)
        title("A hand edit drifts; a push takes it back")
        edit_by_hand(address, f"{ACCOUNT}_llm_config")
        run("drift", "--to", "production", cwd=root, expected=3, **here)
        run("push", "--to", "production", cwd=root, **here)
        title("A change that was a mistake: pushed, and rolled back")
        account = root / "accounts" / f"{ACCOUNT}.yaml"
        account.write_text(account.read_text(encoding="utf-8").replace("tier: pro", "tier: free"), encoding="utf-8")
        commit(root, "Put acme on the free tier")
        run("plan", "--to", "production", cwd=root, **here)
        run("push", "--to", "production", cwd=root, **here)
        run("rollback", "--store", "production", ACCOUNT, cwd=root, **here)
        run("drift", "--to", "production", cwd=root, expected=3, **here)
        run("history", "--to", "production", cwd=root, **here)


def report(router: Process, upstream: Process, answer: str) -> dict[str, object]:
    """Print an answer, the router's log line about it, and what the upstream got: what went where, at which price."""
    line: dict[str, object] = json.loads(router.wait_for('"request_id"'))
    cost = (
        f"{line['cost']} {line['currency']} by {line['price_id']}" if line["cost"] else "cost unknown (no usage given)"
    )
    where = f"{line['source']}:{line['endpoint']} after {line['attempts']} attempt(s)"
    print(f"  {answer}\n    {line['model']} from {where}, {line['status']}, {cost}")
    print(f"    {upstream.name} got {upstream.wait_for('/openai/')}", flush=True)
    return line


def ask(client: openai.OpenAI, model: str) -> str:
    messages: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
    return client.chat.completions.create(model=model, messages=messages).choices[0].message.content or ""


def ask_streamed(client: openai.OpenAI, model: str) -> str:
    messages: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
    with client.chat.completions.create(model=model, messages=messages, stream=True) as stream:
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices).strip()


def talk(router: Process, address: str, upstreams: dict[str, Process]) -> None:
    """Call the router with the official client, then once more without the primary."""
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="unused", max_retries=0)
    azure = openai.AzureOpenAI(azure_endpoint=address, api_version="2024-10-21", api_key="unused", max_retries=0)
    title("Requests with the official openai client")
    primary, secondary, own = (upstreams[name] for name in ("switzerlandnorth", "swedencentral", "acme"))
    report(router, primary, f"OpenAI, gpt-4o: {ask(client, 'gpt-4o')}")
    report(router, own, f"AzureOpenAI, gpt-4o-mini, the customer's own: {ask(azure, 'gpt-4o-mini')}")
    print(f"    login gave a {upstreams['login'].wait_for('token for')}")
    report(router, primary, f"OpenAI, gpt-4o, streamed: {ask_streamed(client, 'gpt-4o')}")
    vector = client.embeddings.create(model="text-embedding-3-large", input="hello").data[0].embedding
    report(router, own, f"OpenAI, text-embedding-3-large: {vector}")
    title("The primary, switzerlandnorth, is killed")
    primary.stop()
    line = report(router, secondary, f"OpenAI, gpt-4o: {ask(client, 'gpt-4o')}")
    if line["endpoint"] != "swedencentral":
        sys.exit("the secondary did not answer")


def main() -> None:
    """Run the demo."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder) / "example"
        title("Stand-ins for the example's upstreams")
        upstreams, addresses = {}, {}
        for name in dict.fromkeys(HOSTS.values()):
            standin = started(name, sys.executable, ROOT / "demo" / "standin.py", name, cwd=ROOT)
            upstreams[name] = stack.enter_context(standin)
            addresses[name] = upstreams[name].wait_for("http://")
            print(f"  {name} at {addresses[name]}", flush=True)
        copy_example(root, addresses)
        commit(root, "The worked example")
        title("From reviewed YAML to documents")
        for arguments in (("check",), ("build",)):
            run(*arguments, cwd=root)
        run("explain", ACCOUNT, "gpt-4o", cwd=root)
        title("A router for one account, from three environment variables")
        command = ("llmcompile", "exec", ACCOUNT, "--", "llmrouter", "serve", "--port", "0")
        print(f"$ {' '.join(command)}", flush=True)
        serve = (PROGRAMS / "llmcompile", *command[1:4], PROGRAMS / "llmrouter", *command[5:])
        router = stack.enter_context(started("llmrouter", *serve, cwd=root))
        listening = router.wait_for("listening on ")
        print(f"  {listening}", flush=True)
        address = listening.split("listening on ")[1].split()[0]
        talk(router, address, upstreams)
        push_and_look_after(root)
    title("Everything that was started is stopped")


if __name__ == "__main__":
    main()
