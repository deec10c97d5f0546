"""The Upstream port over aiohttp: pooled connections, the three time limits, failures in our own words."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp
from yarl import URL

from llmrouter.upstream import RawHeaders, TimeLimits, UpstreamFailure, UpstreamRequest

_KEEP_SECONDS = 30.0
_DNS_SECONDS = 30
_OWN_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ConnectionTimeoutError():
            return "no connection in time"
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ClientConnectorDNSError():
            return "host not found"
        case aiohttp.ClientSSLError():
            return "TLS failed"
        case aiohttp.ClientConnectorError():
            return "connection refused"
        case aiohttp.ClientResponseError():
            return "no valid HTTP answer"
        case _:
            return "connection lost"


class AiohttpAnswer:
    """An answer of aiohttp's."""

    def __init__(self, response: aiohttp.ClientResponse, deadline: float, idle: float) -> None:
        self._response, self._deadline, self._idle = response, deadline, idle
        self.status = response.status
        self.headers: RawHeaders = response.raw_headers

    async def read(self) -> bytes:
        """The next bytes; the first read has what is left of the first-byte limit, later ones the idle limit."""
        try:
            async with asyncio.timeout_at(self._deadline):
                data = await self._response.content.readany()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.close()
            raise UpstreamFailure(_reason(error)) from None
        self._deadline = asyncio.get_running_loop().time() + self._idle
        return data

    def close(self) -> None:
        """Close the connection unless the body was read to its end."""
        self._response.close()


class AiohttpUpstream:
    """A client session of aiohttp."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the session. The environment is not trusted: a .netrc or a proxy would see credentials."""
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=_DNS_SECONDS, keepalive_timeout=_KEEP_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_OWN_HEADERS,
            trust_env=False,
        )

    async def send(self, request: UpstreamRequest) -> AiohttpAnswer:
        """POST it; returns when the headers are in."""
        if self._session is None:
            raise UpstreamFailure("not open")
        limits = request.limits
        deadline = asyncio.get_running_loop().time() + limits.first_byte
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._session.post(
                    URL(request.url, encoded=True),
                    data=request.body,
                    headers=request.headers,
                    allow_redirects=False,
                    timeout=_timeout(limits),
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise UpstreamFailure(_reason(error)) from None
        return AiohttpAnswer(response, deadline, limits.idle)

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            with suppress(aiohttp.ClientError, OSError):
                await self._session.close()


def _timeout(limits: TimeLimits) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=limits.connect)
