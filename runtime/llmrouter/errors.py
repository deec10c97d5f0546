"""Errors as clients of the OpenAI API expect them: a status and ``{"error": {message, type, param, code}}``.

Messages are written here and by callers for people; they never carry a credential or an upstream's address.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import ceil


class ApiError(Exception):
    """A request that ends in an error of the router's own."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        kind: str = "invalid_request_error",
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.kind, self.param = status, message, code, kind, param
        self.headers: Mapping[str, str] = headers or {}

    def body(self) -> bytes:
        """The JSON body."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return json.dumps({"error": error}).encode()


def unauthorized() -> ApiError:
    """No key, or not one of this router's."""
    message = "No valid API key was given. Send it as 'Authorization: Bearer KEY' or as 'api-key: KEY'."
    return ApiError(401, message, code="invalid_api_key", headers={"www-authenticate": "Bearer"})


def model_not_found(name: str, suggestion: str | None) -> ApiError:
    """A model that does not exist, or that this caller may not know to exist: the answer is the same."""
    hint = f" Did you mean '{suggestion}'?" if suggestion else ""
    message = f"The model '{name[:200]}' does not exist or you do not have access to it.{hint}"
    return ApiError(404, message, code="model_not_found", param="model")


def bad_request(message: str, *, param: str | None = None, code: str = "invalid_request") -> ApiError:
    """A request that no endpoint could make sense of."""
    return ApiError(400, message, code=code, param=param)


def too_large(limit: int) -> ApiError:
    """A body over the limit, in bytes."""
    return ApiError(413, f"The request body is over the limit of {limit} bytes.", code="request_too_large")


def bad_framing() -> ApiError:
    """Not HTTP as it should be: what of it is a request and what is not cannot be told."""
    return ApiError(400, "The request is not valid HTTP.", code="invalid_http")


def too_long_head() -> ApiError:
    """A request line and headers that do not end."""
    return ApiError(431, "The request's headers are too large.", code="headers_too_large")


def timed_out() -> ApiError:
    """A request that did not arrive in time."""
    return ApiError(408, "The request did not arrive in time.", code="request_timeout")


def all_resting(seconds: float) -> ApiError:
    """Endpoints that all asked to be left alone for at least these seconds."""
    message = "All endpoints are over their limits at the moment. Try again later."
    headers = {"retry-after": str(ceil(seconds)), "retry-after-ms": str(ceil(seconds * 1000))}
    return ApiError(429, message, code="rate_limit_exceeded", kind="rate_limit_error", headers=headers)


def over_limit(limit: str, seconds: float, told: Iterable[tuple[str, str]]) -> ApiError:
    """A limit of the account or the key is reached for these seconds."""
    headers = {**dict(told), "retry-after": str(ceil(seconds)), "retry-after-ms": str(ceil(seconds * 1000))}
    message = f"The limit of {limit} is reached. Try again in {ceil(seconds)} seconds."
    return ApiError(429, message, code="rate_limit_exceeded", kind="rate_limit_error", headers=headers)


def over_budget(budget: str, seconds: float) -> ApiError:
    """The money of a month is spent; the next one begins after these seconds."""
    headers = {"retry-after": str(ceil(seconds)), "x-should-retry": "false"}  # clients would try at once, in vain
    message = f"The budget of {budget} a month is spent. The next month begins in {ceil(seconds)} seconds."
    return ApiError(429, message, code="budget_exceeded", kind="insufficient_quota", headers=headers)


def limits_unavailable() -> ApiError:
    """What counts the requests of all replicas does not answer, and nothing may pass uncounted."""
    message = "The limits of this request cannot be checked at the moment. Try again later."
    headers = {"retry-after": "1"}
    return ApiError(503, message, code="limits_unavailable", kind="server_error", headers=headers)


def upstream_failed(problems: Iterable[str]) -> ApiError:
    """No candidate gave an answer; the problems are in the order tried."""
    return ApiError(502, f"No endpoint answered: {'; '.join(problems)}.", code="upstream_failed", kind="server_error")


def upstream_error(status: int) -> ApiError:
    """What an upstream meant by an error that is no JSON: a page, nothing, half of something."""
    kind = "rate_limit_error" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"
    message = f"The endpoint answered {status}, with nothing that can be passed on."
    return ApiError(status, message, code="upstream_error", kind=kind)


def stream_broken() -> ApiError:
    """An event stream that ended before it was complete; sent as an event, the status is long out."""
    message = "The upstream's stream broke off before it was complete."
    return ApiError(502, message, code="stream_broken", kind="server_error")


def internal() -> ApiError:
    """A fault of the router."""
    return ApiError(500, "The router failed to handle this request.", code="internal_error", kind="server_error")
