"""How Secret Manager behaves, seen through the unmodified client alone. Every test holds for every target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import google_crc32c
import pytest
from google.api_core.exceptions import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from google.cloud.secretmanager_v1 import SecretVersion
from tests.emulator.conformance import Target, lagging, live, local


@pytest.fixture(scope="module", params=[local, lagging, live], ids=["local", "lagging", "live"])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    with request.param() as target:
        yield target


@pytest.fixture(scope="module")
def five(target: Target) -> list[str]:
    """Names, newest first; every other one is labelled odd."""
    prefix = f"{target.prefix}list-"
    names = [
        target.create(f"{prefix}{n}", labels={"list": target.prefix.strip("-"), "odd": str(n % 2)}).name
        for n in range(5)
    ]
    target.eventually(lambda: listed(target, f"name:{prefix}"), lambda seen: len(seen) == 5)
    return names[::-1]


class TestNames:
    def test_replies_name_the_project_by_number(self, target: Target) -> None:
        secret = target.create()
        _, project, _, secret_id = secret.name.split("/")
        assert project.isdigit()
        version = target.add(target.name(secret_id), b"x")
        assert version.name == f"{secret.name}/versions/1"
        assert target.client.access_secret_version(name=f"{target.name(secret_id)}/versions/1").name == version.name

    def test_requests_may_name_it_either_way(self, target: Target) -> None:
        secret = target.create()
        by_id = target.name(secret.name.rpartition("/")[2])
        assert by_id != secret.name
        for name in (by_id, secret.name):
            target.add(name, b"x")
        assert target.read(by_id, 2) == target.read(secret.name, 2) == b"x"

    @pytest.mark.parametrize("secret_id", ["a" * 256, "with.dot", "with space", "ümlaut"])
    def test_an_id_outside_the_rule_is_refused(self, target: Target, secret_id: str) -> None:
        with pytest.raises(InvalidArgument):
            target.create(secret_id)

    def test_control_the_longest_id_with_every_kind_of_character_is_taken(self, target: Target) -> None:
        secret_id = f"{target.prefix}_-Az09".ljust(255, "z")
        assert target.create(secret_id).name.endswith(secret_id)

    @pytest.mark.parametrize("name", ["projects/p", "secrets/x", "projects/p/secrets/x/versions/1"])
    def test_what_names_no_secret_is_refused(self, target: Target, name: str) -> None:
        with pytest.raises(InvalidArgument):
            target.client.get_secret(name=name)


class TestCreate:
    def test_the_same_id_twice_is_refused(self, target: Target) -> None:
        name = target.create().name
        with pytest.raises(AlreadyExists, match=rf"Secret \[{name}\] already exists\."):
            target.create(name.rpartition("/")[2])

    def test_replication_is_required(self, target: Target) -> None:
        with pytest.raises(InvalidArgument):
            target.create(replication={})

    def test_locations_are_kept(self, target: Target) -> None:
        replicas = [{"location": "europe-west1"}, {"location": "us-east1"}]
        secret = target.create(replication={"user_managed": {"replicas": replicas}})
        kept = target.get(secret.name).replication.user_managed.replicas
        assert [replica.location for replica in kept] == ["europe-west1", "us-east1"]

    def test_what_was_given_is_read_back(self, target: Target) -> None:
        given: dict[str, Any] = {"labels": {"team": "ml-platform_1"}, "annotations": {"a.b-c_d": "Any Text / ü"}}
        secret = target.get(target.create(**given).name)
        assert (dict(secret.labels), dict(secret.annotations)) == (given["labels"], given["annotations"])
        assert secret.create_time.timestamp() > 0

    @pytest.mark.parametrize(
        "labels",
        [
            {"Upper": "x"},
            {"1digit": "x"},
            {"with.dot": "x"},
            {"k" * 64: "x"},
            {"key": "Upper"},
            {"key": "with space"},
            {"key": "v" * 64},
            {"": "x"},
            {f"k{n}": "x" for n in range(65)},
        ],
        ids=lambda labels: next(iter(labels))[:9] + "=" + next(iter(labels.values()))[:9],
    )
    def test_a_label_outside_the_rule_is_refused(self, target: Target, labels: dict[str, str]) -> None:
        with pytest.raises(InvalidArgument):
            target.create(labels=labels)

    def test_control_labels_at_the_limits_are_taken(self, target: Target) -> None:
        labels = {f"k{n}": "" for n in range(62)} | {"k" * 63: "v" * 63, "ключ": "中文-1_"}
        assert dict(target.create(labels=labels).labels) == labels

    @pytest.mark.parametrize(
        "annotations",
        [{"with/slash": "x"}, {"-a": "x"}, {"a.": "x"}, {"k" * 64: "x"}, {"": "x"}, {"key": "v" * (16 * 1024 - 3)}],
        ids=lambda annotations: next(iter(annotations))[:10],
    )
    def test_an_annotation_outside_the_rule_is_refused(self, target: Target, annotations: dict[str, str]) -> None:
        with pytest.raises(InvalidArgument):
            target.create(annotations=annotations)

    def test_control_annotations_at_the_limits_are_taken(self, target: Target) -> None:
        annotations = {"k" * 63: "", "key": "v" * (16 * 1024 - 1 - 63 - 3)}
        assert dict(target.create(annotations=annotations).annotations) == annotations


class TestMissing:
    def test_a_secret(self, target: Target) -> None:
        client, name = target.client, target.name(f"{target.prefix}missing")
        calls = [
            lambda: client.get_secret(name=name),
            lambda: client.delete_secret(name=name),
            lambda: target.update(name, labels={"a": "b"}),
            lambda: target.add(name, b"x"),
            lambda: list(client.list_secret_versions(parent=name)),
            lambda: client.disable_secret_version(name=f"{name}/versions/1"),
        ]
        for call in calls:
            with pytest.raises(NotFound, match=r"Secret.*\[projects/\d+/secrets/.*missing.*\].* not found"):
                call()

    def test_latest_of_no_versions(self, target: Target) -> None:
        name = target.create().name
        with pytest.raises(NotFound, match=rf"Secret \[{name}\] not found or has no versions\."):
            target.read(name, "latest")

    def test_a_number(self, target: Target) -> None:
        name = target.filled(b"one")
        with pytest.raises(NotFound, match=rf"Secret Version \[{name}/versions/2\] not found\."):
            target.read(name, 2)
        assert target.read(name, 1) == b"one"


class TestVersions:
    def test_they_are_numbered_from_one_and_listed_newest_first(self, target: Target) -> None:
        name = target.filled(b"one", b"two", b"three")
        assert [target.read(name, number) for number in (1, 2, 3)] == [b"one", b"two", b"three"]
        listed = target.eventually(
            lambda: [version.name for version in target.client.list_secret_versions(parent=name)],
            lambda names: len(names) == 3,
        )
        assert listed == [f"{name}/versions/{number}" for number in (3, 2, 1)]

    def test_any_bytes_come_back(self, target: Target) -> None:
        assert target.read(target.filled(bytes(range(256))), 1) == bytes(range(256))

    def test_latest_is_the_newest_created_even_when_it_is_disabled(self, target: Target) -> None:
        name = target.filled(b"one", b"two")
        target.eventually(lambda: target.read(name, "latest"), lambda data: data == b"two")
        target.client.disable_secret_version(name=f"{name}/versions/2")
        refused = f"Secret Version [{name}/versions/2] is in DISABLED state."
        target.eventually(lambda: refusal(target, name, "latest"), lambda message: message == refused)
        assert target.read(name, 1) == b"one"

    def test_a_disabled_version_can_be_enabled_again(self, target: Target) -> None:
        name = target.filled(b"one")
        target.client.disable_secret_version(name=f"{name}/versions/1")
        target.eventually(lambda: refusal(target, name, 1), bool)
        version = target.client.enable_secret_version(name=f"{name}/versions/1")
        assert version.state is SecretVersion.State.ENABLED
        target.eventually(lambda: refusal(target, name, 1), lambda message: not message)
        assert target.read(name, 1) == b"one"

    def test_a_destroyed_version_stays_destroyed_and_its_number_taken(self, target: Target) -> None:
        name = target.filled(b"one", b"two")
        version = target.client.destroy_secret_version(name=f"{name}/versions/2")
        assert version.state is SecretVersion.State.DESTROYED
        assert version.destroy_time.timestamp() >= version.create_time.timestamp()
        refused = f"Secret Version [{name}/versions/2] is in DESTROYED state."
        for asked in (2, "latest"):
            target.eventually(lambda asked=asked: refusal(target, name, asked), lambda message: message == refused)
        for change in (target.client.enable_secret_version, target.client.disable_secret_version):
            with pytest.raises(FailedPrecondition, match="DESTROYED"):
                change(name=f"{name}/versions/2")
        assert target.add(name, b"three").name == f"{name}/versions/3"

    def test_metadata_by_number_and_by_latest(self, target: Target) -> None:
        name = target.filled(b"one", b"two")
        for asked, number in ((1, 1), ("latest", 2)):
            version = target.eventually(
                lambda asked=asked: target.client.get_secret_version(name=f"{name}/versions/{asked}"),
                lambda version, number=number: version.name == f"{name}/versions/{number}",
            )
            assert version.state is SecretVersion.State.ENABLED
            assert version.create_time.timestamp() > 0
            assert "automatic" in version.replication_status

    def test_deleting_a_secret_deletes_its_versions(self, target: Target) -> None:
        name = target.filled(b"one")
        target.client.delete_secret(name=name)
        target.eventually(lambda: missing(target, name), bool)
        with pytest.raises(NotFound):
            target.read(name, 1)


class TestPayloads:
    def test_a_checksum_comes_with_every_payload(self, target: Target) -> None:
        name = target.filled(b"hello")
        payload = target.client.access_secret_version(name=f"{name}/versions/1").payload
        assert "data_crc32c" in payload
        assert payload.data_crc32c == google_crc32c.value(b"hello")

    def test_the_reply_says_whether_a_checksum_was_checked(self, target: Target) -> None:
        name = target.create().name
        assert target.add(name, b"x", data_crc32c=google_crc32c.value(b"x")).client_specified_payload_checksum
        assert not target.add(name, b"x").client_specified_payload_checksum

    def test_a_wrong_checksum_adds_nothing(self, target: Target) -> None:
        name = target.filled(b"one")
        with pytest.raises(InvalidArgument):
            target.add(name, b"two", data_crc32c=google_crc32c.value(b"two") ^ 1)
        with pytest.raises(InvalidArgument):
            target.add(name, b"two", data_crc32c=0)  # present, and not to be taken for absent
        assert target.add(name, b"three").name.endswith("/versions/2")

    def test_64_kibibytes_pass_and_one_byte_more_does_not(self, target: Target) -> None:
        name = target.filled(b"x" * 65_536)
        assert len(target.read(name, 1)) == 65_536
        with pytest.raises(InvalidArgument):
            target.add(name, b"x" * 65_537)

    def test_a_payload_is_required_and_not_empty(self, target: Target) -> None:
        name = target.create().name
        with pytest.raises(InvalidArgument, match=r"Field \[payload\] is required\."):
            target.client.add_secret_version(request={"parent": name})
        with pytest.raises(InvalidArgument, match=r"Secret Payload cannot be empty\."):
            target.add(name, b"")


class TestUpdates:
    def test_only_what_the_mask_names_changes(self, target: Target) -> None:
        name = target.create(labels={"old": "1"}, annotations={"old": "1"}).name
        secret = target.update(name, "labels", labels={"new": "2"}, annotations={"new": "2"})
        assert (dict(secret.labels), dict(secret.annotations)) == ({"new": "2"}, {"old": "1"})

    @pytest.mark.parametrize("path", ["replication", "name", "nonsense"])
    def test_a_mask_that_names_nothing_changeable_is_refused(self, target: Target, path: str) -> None:
        name = target.create().name
        with pytest.raises(InvalidArgument):
            target.update(name, path, labels={"a": "b"})

    def test_a_mask_is_required(self, target: Target) -> None:
        name = target.create().name
        with pytest.raises(InvalidArgument):
            target.client.update_secret(request={"secret": {"name": name, "labels": {"a": "b"}}})

    def test_the_rules_hold_for_updates_too(self, target: Target) -> None:
        name = target.create().name
        with pytest.raises(InvalidArgument):
            target.update(name, annotations={"with/slash": "x"})


class TestEtags:
    def test_they_carry_their_quotes(self, target: Target) -> None:
        secret = target.create()
        assert secret.etag.startswith('"')
        assert secret.etag.endswith('"')

    def test_the_current_one_passes_and_a_former_one_changes_nothing(self, target: Target) -> None:
        first = target.create(labels={"n": "0"})
        second = target.update(first.name, "labels", labels={"n": "1"}, etag=first.etag)
        assert second.etag != first.etag
        with pytest.raises(FailedPrecondition):
            target.update(first.name, "labels", labels={"n": "2"}, etag=first.etag)
        third = target.update(first.name, "annotations", annotations={"a": "b"}, etag=second.etag)
        assert dict(third.labels) == {"n": "1"}

    def test_without_the_quotes_it_is_another(self, target: Target) -> None:
        secret = target.create()
        with pytest.raises(FailedPrecondition):
            target.update(secret.name, "labels", labels={}, etag=secret.etag.strip('"'))

    def test_an_update_to_the_same_gives_a_new_one(self, target: Target) -> None:
        secret = target.create(labels={"n": "0"})
        assert target.update(secret.name, labels={"n": "0"}).etag != secret.etag

    def test_a_new_version_leaves_the_secrets_own(self, target: Target) -> None:
        secret = target.create()
        target.add(secret.name, b"x")
        target.client.disable_secret_version(name=f"{secret.name}/versions/1")
        assert target.update(secret.name, "labels", labels={}, etag=secret.etag).name == secret.name

    def test_those_of_versions(self, target: Target) -> None:
        name = target.create().name
        added = target.add(name, b"x")
        enabled = target.client.enable_secret_version(request={"name": added.name, "etag": added.etag})
        assert enabled.etag != added.etag, "even what changes nothing gives a new one"
        with pytest.raises(FailedPrecondition):
            target.client.destroy_secret_version(request={"name": added.name, "etag": added.etag})
        assert target.read(name, 1) == b"x"
        disabled = target.client.disable_secret_version(request={"name": added.name, "etag": enabled.etag})
        assert disabled.state is SecretVersion.State.DISABLED

    def test_a_former_one_deletes_nothing(self, target: Target) -> None:
        first = target.create()
        second = target.update(first.name, labels={"a": "b"})
        with pytest.raises(FailedPrecondition):
            target.client.delete_secret(request={"name": first.name, "etag": first.etag})
        target.client.delete_secret(request={"name": first.name, "etag": second.etag})


class TestAliases:
    def test_one_names_a_version_until_it_is_moved(self, target: Target) -> None:
        name = target.filled(b"one", b"two")
        for number, data in ((1, b"one"), (2, b"two")):
            secret = target.update(name, version_aliases={"live": number})
            assert dict(secret.version_aliases) == {"live": number}
            target.eventually(lambda: target.read(name, "live"), lambda seen, data=data: seen == data)
        metadata = target.eventually(
            lambda: target.client.get_secret_version(name=f"{name}/versions/live"),
            lambda version: version.name == f"{name}/versions/2",
        )
        assert metadata.state is SecretVersion.State.ENABLED

    @pytest.mark.parametrize("alias", ["latest", "NEW", "1st", "with.dot", "a" * 64])
    def test_one_outside_the_rule_is_refused(self, target: Target, alias: str) -> None:
        name = target.filled(b"one")
        with pytest.raises(InvalidArgument):
            target.update(name, version_aliases={alias: 1})

    def test_control_at_the_limits_they_are_taken(self, target: Target) -> None:
        name = target.filled(b"one")
        aliases = {f"A-{n}_".ljust(63, "z"): 1 for n in range(50)}
        assert dict(target.update(name, version_aliases=aliases).version_aliases) == aliases
        with pytest.raises(InvalidArgument):
            target.update(name, version_aliases={**aliases, "more": 1})

    def test_of_a_version_that_does_not_exist(self, target: Target) -> None:
        name = target.filled(b"one")
        with pytest.raises(InvalidArgument):
            target.update(name, version_aliases={"live": 2})

    def test_an_unknown_one(self, target: Target) -> None:
        name = target.filled(b"one")
        with pytest.raises(NotFound):
            target.read(name, "unknown")


class TestLists:
    def test_by_label_by_name_and_by_both(self, target: Target, five: list[str]) -> None:
        label = f"labels.list={target.prefix.strip('-')}"
        for text, names in {
            label: five,
            f"{label} AND labels.odd=1": [five[1], five[3]],
            f"name:{target.prefix}list-3": [five[1]],
            f"{label} AND labels.odd=1 AND name:list-1": [five[3]],
            f"{label} AND labels.odd=2": [],
            f"{label} AND labels.odd:*": five,
        }.items():
            target.eventually(lambda text=text: listed(target, text), lambda seen, names=names: seen == names)

    def test_pages_hold_every_secret_once(self, target: Target, five: list[str]) -> None:
        request = {"parent": target.parent, "filter": f"name:{target.prefix}list-", "page_size": 2}
        pages = target.eventually(
            lambda: [[secret.name for secret in page.secrets] for page in target.client.list_secrets(request).pages],
            lambda pages: len(pages) == 3,
        )
        assert [len(page) for page in pages] == [2, 2, 1]
        assert [name for page in pages for name in page] == five

    def test_a_total_is_told_without_a_filter_alone(self, target: Target, five: list[str]) -> None:
        total = target.eventually(
            lambda: next(target.client.list_secrets(parent=target.parent).pages).total_size,
            lambda total: total >= len(five),
        )
        assert total
        request = {"parent": target.parent, "filter": f"name:{target.prefix}list-"}
        assert next(target.client.list_secrets(request=request).pages).total_size == 0

    @pytest.mark.parametrize("text", ["labels.", "nonsense nonsense", "labels.a==b", "((("])
    def test_a_filter_that_means_nothing_is_refused(self, target: Target, text: str) -> None:
        with pytest.raises(InvalidArgument):
            listed(target, text)

    def test_a_page_token_that_was_never_given_is_refused(self, target: Target) -> None:
        with pytest.raises(InvalidArgument):
            list(target.client.list_secrets(request={"parent": target.parent, "page_token": "x"}))

    def test_a_negative_page_size_is_refused(self, target: Target) -> None:
        with pytest.raises(InvalidArgument):
            list(target.client.list_secrets(request={"parent": target.parent, "page_size": -1}))

    def test_versions_by_state_and_in_pages(self, target: Target) -> None:
        name = target.filled(b"1", b"2", b"3", b"4", b"5")
        target.client.disable_secret_version(name=f"{name}/versions/2")
        target.client.destroy_secret_version(name=f"{name}/versions/3")

        def numbers(text: str, size: int) -> list[int]:
            request = {"parent": name, "filter": text, "page_size": size}
            return [int(v.name.rpartition("/")[2]) for v in target.client.list_secret_versions(request=request)]

        for text, found in {
            "": [5, 4, 3, 2, 1],
            "state:ENABLED": [5, 4, 1],
            "state:DISABLED": [2],
            "state:DESTROYED": [3],
        }.items():
            target.eventually(lambda text=text: numbers(text, size=2), lambda seen, found=found: seen == found)


class TestPermissions:
    PERMISSIONS = ("secretmanager.versions.add", "secretmanager.versions.access")

    def test_an_administrator_has_them_all(self, target: Target) -> None:
        request = {"resource": target.create().name, "permissions": self.PERMISSIONS}
        assert set(target.client.test_iam_permissions(request).permissions) == set(self.PERMISSIONS)

    def test_of_a_secret_that_does_not_exist_there_are_none(self, target: Target) -> None:
        request = {"resource": target.name(f"{target.prefix}missing"), "permissions": self.PERMISSIONS}
        assert list(target.client.test_iam_permissions(request).permissions) == []


def refusal(target: Target, name: str, version: int | str) -> str:
    """Why a version cannot be accessed; empty where it can."""
    try:
        target.read(name, version)
    except FailedPrecondition as error:
        return str(error.message)
    return ""


def missing(target: Target, name: str) -> bool:
    try:
        target.client.get_secret(name=name)
    except NotFound:
        return True
    return False


def listed(target: Target, text: str) -> list[str]:
    return [secret.name for secret in target.client.list_secrets(request={"parent": target.parent, "filter": text})]
