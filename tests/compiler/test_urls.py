"""URLs: the quick way and the long way say the same of every one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from llmcompile.inputs.urls import Url, host_of

URL = TypeAdapter(Url)
LABELS = st.one_of(
    st.sampled_from(["azure", "metadata", "google", "internal", "127", "0x7f", "a-", "-", "--", "", "a_b", "A", "ä"]),
    st.text("abz019-_", min_size=1, max_size=65),
)
PATHS = st.text("aZ9/._-~%?#@ :{", max_size=12)


def accepted(url: str) -> bool:
    """Whether an endpoint may have it."""
    try:
        return bool(URL.validate_python(url) == url)
    except ValidationError:
        return False


@given(st.lists(LABELS, min_size=1, max_size=4), st.one_of(st.just(""), PATHS.map("/".__add__)))
@example(["metadata", "google", "internal"], "/")
@example(["a", "---", "example"], "/")
@example(["sk-aaaaaaaaaaaaaaaaaaaaaaaa", "example"], "/")
@example(["a" * 64, "example"], "/")
def test_a_url_is_judged_like_the_same_one_with_its_port_written_out(labels: list[str], path: str) -> None:
    host = ".".join(labels)
    # A port makes the long way of any URL, and changes nothing else about this one.
    assert accepted(f"https://{host}{path}") == accepted(f"https://{host}:443{path}")


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://one.azure.example/", True),
        ("https://one.azure.example:8443/v1", True),
        ("https://metadata.google.internal/", False),
        ("https://169.254.169.254/", False),
        ("https://a.---.example/", False),
        ("https://one.azure.example/?key=1", False),
        ("http://one.azure.example/", False),
        ("http://127.1/", True),
        ("http://0x7f000001:4000/", True),
    ],
)
def test_which_urls_are_taken(url: str, fine: bool) -> None:
    assert accepted(url) is fine


def test_the_host_of_a_url() -> None:
    assert host_of("https://One.Azure.example:443/x") == "one.azure.example"
