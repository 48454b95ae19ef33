"""The key file: made once, refused when it is not what it should be, rotated without losing the old keys."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from accounts import keys
from accounts.keys import KeysRefused, Purpose


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A fresh key file."""
    path = tmp_path / "folder" / "keys.json"
    keys.create(path)
    return path


def test_is_made_for_its_owner_alone_with_a_key_for_each_purpose(file: Path) -> None:
    ring = keys.load(file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [len(ring.keys[purpose]) for purpose in Purpose] == [1] * 5
    assert len({ring.current(purpose).secret for purpose in Purpose}) == 5
    assert [path.name for path in file.parent.iterdir()] == ["keys.json"]


def test_is_never_made_twice(file: Path) -> None:
    before = file.read_bytes()

    keys.create(file)

    assert file.read_bytes() == before


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    path, made = tmp_path / "keys.json", []
    barrier = threading.Barrier(8)

    def make() -> None:
        barrier.wait()
        made.append(keys.create(path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 8
    assert all(ring == keys.load(path) for ring in made)
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.json"]


def test_rotating_puts_fresh_keys_first_and_keeps_the_old_ones(file: Path) -> None:
    old = keys.load(file)

    new = keys.rotate(file)

    assert new == keys.load(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for purpose in Purpose:
        assert new.keys[purpose][1:] == old.keys[purpose]
        assert new.current(purpose).id != old.current(purpose).id
        assert new.named(purpose, old.current(purpose).id) == old.current(purpose)
    assert [path.name for path in file.parent.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_readable_by_others_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)

    with pytest.raises(KeysRefused, match=f"can be read by others: chmod 600 {file}"):
        keys.load(file)


def damaged(document: dict[str, Any], damage: str) -> Any:
    first = document["keys"]["audit"][0]
    if damage == "no purpose":
        del document["keys"]["audit"]
    elif damage == "no key":
        document["keys"]["audit"] = []
    elif damage == "short secret":
        first |= {"secret": "YWJj"}
    elif damage == "no base64":
        first |= {"secret": "!"}
    elif damage == "long id":
        first["id"] = "0123456789"
    elif damage == "id of another kind":
        first["id"] = 7
    else:
        return [document]
    return document


@pytest.mark.parametrize(
    "damage", ["no purpose", "no key", "short secret", "no base64", "long id", "id of another kind", "a list"]
)
def test_damaged_is_refused_without_showing_a_secret(file: Path, damage: str) -> None:
    document = json.loads(file.read_text())
    secrets = [key["secret"] for entries in document["keys"].values() for key in entries]
    file.write_text(json.dumps(damaged(document, damage)))

    with pytest.raises(KeysRefused) as refusal:
        keys.load(file)

    assert str(file) in str(refusal.value)
    assert not [secret for secret in secrets if secret in str(refusal.value)]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"null"])
def test_what_is_no_json_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)

    with pytest.raises(KeysRefused, match="cannot be read as a key file"):
        keys.load(file)


def test_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeysRefused, match="does not exist: restore it from its backup"):
        keys.load(tmp_path / "keys.json")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(KeysRefused, match="cannot be made: File exists"):
        keys.create(tmp_path / "file" / "keys.json")


def test_what_is_sealed_opens_for_the_same_purpose_alone() -> None:
    sealed = keys.seal("cursor", "where we were")

    assert keys.open_sealed("cursor", sealed) == "where we were"
    assert keys.open_sealed("link", sealed) is None
    assert keys.open_sealed("cursor", sealed[:-2] + ("AA" if sealed[-2:] != "AA" else "BB")) is None
    assert keys.open_sealed("cursor", "") is None
    assert keys.open_sealed("cursor", "ü") is None


def test_from_the_shell(tmp_path: Path) -> None:
    def make(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "accounts.keys", *words]
        root = Path(__file__).resolve().parents[2]
        return subprocess.run(command, cwd=root, env={**os.environ}, capture_output=True, text=True, check=False)

    assert make(str(tmp_path / "keys.json")).returncode == 0
    assert keys.load(tmp_path / "keys.json")
    assert make().stderr == "Usage: python -m accounts.keys FILE\n"
    (tmp_path / "keys.json").chmod(0o644)
    refused = make(str(tmp_path / "keys.json"))
    assert (refused.returncode, refused.stderr.startswith("Error: ")) == (1, True)
