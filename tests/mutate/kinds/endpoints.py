"""Endpoints: URLs, providers, versions, authentication and names that contradict each other."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from tests.mutate import roles
from tests.mutate.edits import Edit, kind
from tests.mutate.example import Block, Example, Token


def _urls(example: Example) -> Iterator[Token]:
    return roles.scalars(example, "base_url", "token_url")


def _endpoints(example: Example) -> Iterator[Block]:
    return (each for each in example.blocks if each.key and len(each.route) == 2 and each.route[0] == "endpoints")


def _field(example: Example, block: Block, name: str) -> Token | None:
    found = (each for each in example.values() if each.file == block.file and each.route == (*block.route, name))
    return next(found, None)


@kind
def url_over_plain_http(example: Example) -> Iterator[Edit]:
    """A URL is plain http"""
    for token in _urls(example):
        yield example.replace(token, token.value.replace("https://", "http://"), "https://")


@kind
def url_without_a_scheme(example: Example) -> Iterator[Edit]:
    """A URL has no scheme"""
    for token in _urls(example):
        yield example.replace(token, token.value.removeprefix("https://"), "https://")


@kind
def url_with_a_slash_missing(example: Example) -> Iterator[Edit]:
    """A URL has one slash behind its scheme"""
    for token in _urls(example):
        yield example.replace(token, token.value.replace("https://", "https:/"), "https://")


@kind
def url_with_a_scheme_misspelled(example: Example) -> Iterator[Edit]:
    """A URL's scheme is misspelled"""
    for token in _urls(example):
        yield example.replace(token, token.value.replace("https://", "htps://"), "https://")


@kind
def url_with_credentials(example: Example) -> Iterator[Edit]:
    """A URL holds a name and a password"""
    for token in _urls(example):
        yield example.replace(token, token.value.replace("://", "://user:hunter2@"), "with a ref")


@kind
def url_with_a_query(example: Example) -> Iterator[Edit]:
    """A base URL has the API version behind a question mark"""
    for token in roles.scalars(example, "base_url"):
        yield example.replace(token, f"{token.value}?api-version=2024-10-21", "without a query")


@kind
def url_of_cloud_metadata(example: Example) -> Iterator[Edit]:
    """A URL is that of the cloud's metadata"""
    for token in _urls(example):
        yield example.replace(token, "https://169.254.169.254/latest/", "the endpoint's own address")


@kind
def url_with_a_space(example: Example) -> Iterator[Edit]:
    """A URL holds a space"""
    for token in _urls(example):
        yield example.replace(token, token.value.replace(".", " .", 1), "https://host/")


@kind
def url_of_a_deployment(example: Example) -> Iterator[Edit]:
    """A base URL goes on to the operation, which the router adds itself"""
    for token in roles.scalars(example, "base_url"):
        root = token.value.rstrip("/")
        yield example.replace(token, f"{root}/openai/deployments/gpt-4o/chat/completions", f"'{root}", root)


@kind
def url_from_a_placeholder(example: Example) -> Iterator[Edit]:
    """A URL is the placeholder of a manual"""
    for token in _urls(example):
        yield example.replace(token, "https://<resource>.openai.azure.com/")


@kind
def host_with_swapped_letters(example: Example) -> Iterator[Edit]:
    """Two letters of a host's domain are swapped"""
    for token in _urls(example):
        host = re.split(r"[/]+", token.value)[1]
        _label, _, domain = host.partition(".")
        wrong = token.value.replace(domain, roles.swapped_letters(domain))
        yield example.replace(token, wrong, f"'{host}'", f"'{domain}'", f"'{token.value}'")


@kind
def host_named_wrong(example: Example) -> Iterator[Edit]:
    """The name in front of a host's domain has two letters swapped"""
    for token in _urls(example):
        host = re.split(r"[/]+", token.value)[1]
        label = re.split(r"[.]", host)[0]
        word = max(re.split(r"-", label), key=len)
        wrong = roles.swapped_letters(word)
        choice = "" if len(word) > 5 else "a host's name that nothing else in the repository repeats"
        yield example.replace(token, token.value.replace(word, wrong, 1), f"'{word}'", f"'{host}'", choice=choice)


@kind
def host_of_another_endpoint(example: Example) -> Iterator[Edit]:
    """An endpoint has the URL of another endpoint of its file"""
    tokens = list(roles.scalars(example, "base_url"))
    for one in tokens:
        for other in tokens:
            if one != other and one.file == other.file and one.value != other.value:
                mapped = any(each.file == one.file and "supported_models" in each.route for each in example.tokens)
                choice = "one resource may have two deployments" if mapped else ""
                edit = example.replace(one, other.value, choice=choice)
                by = len(other.value) - len(one.value) if other.span[0] > one.span[0] else 0
                spot = other.file, (other.span[0] + by, other.span[1] + by)
                yield Edit(edit.file, edit.changed, (*edit.tokens, spot), (), choice)


@kind
def host_of_another_location(example: Example) -> Iterator[Edit]:
    """An endpoint that is named after a location has a host in another one"""
    for token in roles.scalars(example, "base_url"):
        name = str(token.route[1])
        if token.file.startswith("regions") and name in token.value:
            yield example.replace(token, token.value.replace(name, "francecentral"))


@kind
def url_left_out(example: Example) -> Iterator[Edit]:
    """An endpoint whose provider has no default URL has none"""
    for block in example.blocks:
        if block.route[-1] == "base_url":
            parent = example.block(block.file, *block.route[:-1]).key
            assert parent
            yield example.drop(block, parent, meant=("add base_url",))


@kind
def authentication_left_out(example: Example) -> Iterator[Edit]:
    """An endpoint has no way to authenticate"""
    for block in example.blocks:
        if block.route[-1] in ("api_key", "credential", "oauth") and block.key:
            parent = example.block(block.file, *block.route[:-1]).key
            assert parent
            yield example.drop(block, parent, meant=("api_key",))


@kind
def authentication_twice(example: Example) -> Iterator[Edit]:
    """An endpoint has two ways to authenticate"""
    for block in _endpoints(example):
        provider = _field(example, block, "provider")
        assert provider
        if (_field(example, block, "api_key") or _field(example, block, "credential")) is None:
            continue
        name = "credential: azure-shared" if _field(example, block, "api_key") else "api_key: ref+env://OTHER_KEY"
        line = f"\n    {name}"
        at = provider.span[1]
        key = name.partition(":")[0]
        edit = example.splice(block.file, (at, at), line, (at + 5, at + 5 + len(key)), meant=("keep one",))
        old = _field(example, block, "api_key") or _field(example, block, "credential")
        assert old
        start = example.block(block.file, *old.route).span[0] + len(line)
        yield Edit(edit.file, edit.changed, (*edit.tokens, (block.file, (start, old.span[1] + len(line)))), edit.meant)


@kind
def provider_left_out(example: Example) -> Iterator[Edit]:
    """An endpoint has no provider"""
    for block in example.blocks:
        if block.route[-1] == "provider" and block.route[0] == "endpoints":
            parent = example.block(block.file, *block.route[:-1]).key
            assert parent
            yield example.drop(block, parent, meant=("add provider",))


@kind
def provider_swapped(example: Example) -> Iterator[Edit]:
    """An endpoint is of another provider"""
    for token in roles.scalars(example, "provider"):
        for other in ("azure", "openai", "groq", "anthropic"):
            if other != token.value:
                yield example.replace(token, other)


def _versions(example: Example) -> Iterator[Token]:
    """The API versions; the project file's own ``version`` is none."""
    return (each for each in roles.scalars(example, "version") if len(each.route) > 1)


@kind
def provider_unknown(example: Example) -> Iterator[Edit]:
    """A provider is one that nobody knows"""
    for token in roles.scalars(example, "provider"):
        yield example.replace(token, "zzz", "one of azure")


@kind
def version_without_its_dashes(example: Example) -> Iterator[Edit]:
    """An API version has no dashes"""
    for token in _versions(example):
        yield example.replace(token, f'"{token.value.replace("-", "")}"', "YYYY-MM-DD")


@kind
def version_with_a_month_of_13(example: Example) -> Iterator[Edit]:
    """An API version has a month that does not exist"""
    for token in _versions(example):
        yield example.replace(token, f'"{token.value[:5]}13{token.value[7:]}"', "YYYY-MM-DD")


@kind
def version_of_another_api(example: Example) -> Iterator[Edit]:
    """An API version is that of another product: v1"""
    for token in _versions(example):
        yield example.replace(token, "v1", "YYYY-MM-DD")


@kind
def version_with_preview_misspelled(example: Example) -> Iterator[Edit]:
    """An API version's preview is misspelled"""
    for token in _versions(example):
        yield example.replace(token, f'"{token.value}-prevew"', "YYYY-MM-DD-preview")


@kind
def prefix_without_its_separator(example: Example) -> Iterator[Edit]:
    """A deployment prefix lacks its separator"""
    for token in roles.scalars(example, "deployment_prefix"):
        yield example.replace(token, token.value.rstrip("-"), f"'{token.value}'")


@kind
def deployment_misspelled(example: Example) -> Iterator[Edit]:
    """An upstream's own name for a model is misspelled"""
    for token in example.values():
        if token.at("endpoints", None, "supported_models", None) and isinstance(token.route[-1], str):
            yield example.replace(token, roles.swapped_letters(token.value), f"'{token.value}'", token.last)
        if token.at("endpoints", None, "models", None):
            yield example.replace(token, token.value.replace("gpt", "gtp"), f"'{token.value}'", token.last)


@kind
def deployments_swapped(example: Example) -> Iterator[Edit]:
    """The upstream's own names of two models have changed places"""
    names = [each for each in example.values() if each.at("endpoints", None, "supported_models", None)]
    for one, other in itertools.pairwise(names):
        if isinstance(one.route[-1], str) and one.route[:-1] == other.route[:-1] and one.file == other.file:
            middle = example.files[one.file][one.span[1] : other.span[0]]
            yield example.splice(one.file, (one.span[0], other.span[1]), other.value + middle + one.value)


@kind
def id_of_a_client_shortened(example: Example) -> Iterator[Edit]:
    """An application's id lacks its last digit"""
    for token in roles.scalars(example, "client_id"):
        yield example.replace(token, token.value[:-1])


@kind
def tenant_in_a_url_shortened(example: Example) -> Iterator[Edit]:
    """The tenant's id in a token URL lacks a digit"""
    for token in roles.scalars(example, "token_url"):
        yield example.replace(token, token.value.replace("0001/oauth2", "001/oauth2"))


@kind
def scope_misspelled(example: Example) -> Iterator[Edit]:
    """A scope's end is misspelled"""
    for token in example.values():
        if "scopes" in token.route:
            yield example.replace(token, f'"{token.value.replace(".default", ".defualt")}"', ".default")


@kind
def scope_without_its_end(example: Example) -> Iterator[Edit]:
    """A scope lacks its end, /.default"""
    for token in example.values():
        if "scopes" in token.route:
            yield example.replace(token, f'"{token.value.removesuffix("/.default")}"', ".default")


@kind
def time_limit_in_milliseconds(example: Example) -> Iterator[Edit]:
    """A time limit is in milliseconds"""
    for token in roles.scalars(example, "timeout_seconds"):
        yield example.replace(token, f"{token.value}000", "seconds")


@kind
def batches_of_a_chat_model(example: Example) -> Iterator[Edit]:
    """A model that is no embedding model has a size of batches"""
    for token in roles.scalars(example, "type"):
        if token.value != "embedding":
            line = "\nupstream_max_batch_inputs: 96"
            at = token.span[1]
            yield example.splice(token.file, (at, at), line, (at + 1, at + len(line)), meant=("remove the line",))


@kind
def batches_of_an_unready_mode(example: Example) -> Iterator[Edit]:
    """An endpoint batches in a way that needs a size, and has none"""
    for token in example.values():
        if token.at("endpoints", None, "chat_batching", "mode"):
            yield example.replace(token, "sync_microbatch", "upstream_max_batch_size")


@kind
def header_without_its_placeholder(example: Example) -> Iterator[Edit]:
    """A header for the key says nowhere where the key goes"""
    for block in _endpoints(example):
        provider = _field(example, block, "provider")
        if provider and provider.value in ("openai", "groq"):
            line = '\n    auth_header: {name: X-Api-Key, format: "Bearer {key}"}'
            at, spot = provider.span[1], line.index('"Bearer')
            yield example.splice(block.file, (at, at), line, (at + spot, at + len(line) - 1), meant=("{api_key}",))


@kind
def header_of_http_itself(example: Example) -> Iterator[Edit]:
    """A header for the key is one of HTTP's own"""
    for block in _endpoints(example):
        provider = _field(example, block, "provider")
        if provider and provider.value in ("openai", "groq"):
            line = '\n    auth_header: {name: Host, format: "{api_key}"}'
            at, spot = provider.span[1], line.index("Host")
            yield example.splice(block.file, (at, at), line, (at + spot, at + spot + 4), meant=("X-Api-Key",))


@kind
def parameter_out_of_its_range(example: Example) -> Iterator[Edit]:
    """A request parameter is ten times too large"""
    for token in example.values():
        if token.at("default_params", None):
            yield example.replace(token, str(int(float(token.value) * 10)))


@kind
def parameter_in_quotes(example: Example) -> Iterator[Edit]:
    """A request parameter is text"""
    for token in example.values():
        if token.at("default_params", None):
            yield example.replace(token, f'"{token.value} "', token.value)
