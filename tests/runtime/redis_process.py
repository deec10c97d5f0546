"""A real Redis as a process of the tests: killed, stopped, started again, and let time pass in."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import redis

PASSWORD = "canary-redis-password"

_AGE = """
for _, key in ipairs(redis.call('KEYS', 'llmrouter:*:requests')) do
  for at, begun in ipairs(redis.call('LRANGE', key, 0, -1)) do
    redis.call('LSET', key, at - 1, string.format('%.6f', begun - ARGV[1]))
  end
end
for _, key in ipairs(redis.call('KEYS', 'llmrouter:*:running')) do
  for _, lease in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ARGV[1], lease) end
end
"""


class RedisProcess:
    """A Redis with a password, on a socket of its own."""

    available = shutil.which("redis-server") is not None

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self._socket = self._folder / "s"
        self.url = f"unix://:{PASSWORD}@{self._socket}"
        self.client = redis.Redis.from_url(self.url, decode_responses=True)
        self.start()

    def start(self) -> None:
        """Start it, empty."""
        command = ["redis-server", "--port", "0", "--unixsocket", str(self._socket), "--save", "", "--dir"]
        self._process = subprocess.Popen([*command, str(self._folder), "--requirepass", PASSWORD], stdout=-3)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                self.client.ping()
            except redis.RedisError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("redis-server did not start")

    def listen(self) -> str:
        """Let it be reached over TCP as well; returns that URL."""
        for _ in range(50):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            try:
                self.client.config_set("port", port)
            except redis.ResponseError:
                continue  # someone was faster
            return f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        raise AssertionError("no free port")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(30)

    def hold(self) -> None:
        """Let it answer nothing any more."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._process.send_signal(signal.SIGCONT)

    def reset(self) -> None:
        """Forget all data."""
        self.client.flushall()

    def age(self, seconds: float) -> None:
        """Let everything have happened earlier."""
        self.client.eval(_AGE, 0, seconds)

    def rename(self, pattern: str, old: str, new: str) -> None:
        """Let what belongs to one period belong to another."""
        for key in self.keys(pattern):
            self.client.rename(key, key.replace(old, new))

    def keys(self, pattern: str) -> list[str]:
        """The keys that match."""
        found: Any = self.client.keys(pattern)
        return sorted(found)

    def close(self) -> None:
        """End it and leave nothing behind."""
        self.go_on()
        self.kill()
        self.client.close()
        shutil.rmtree(self._folder)
