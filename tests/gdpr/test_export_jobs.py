"""Exports by a job: encrypted, fetched by whoever asked, expiring, taken up again when a worker is killed."""

import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.actors import Actor
from accounts.errors import Conflict, NotAllowed, NotFound
from accounts.models import AuditEvent, User
from accounts.statuses import Status
from gdpr.models import Export
from gdpr.operations import exports
from gdpr.operations.sealed_files import PIECE, DamagedError, SealedWriter, Spool, new_key, unsealed
from tests.accounts.api.programs import API
from tests.accounts.pages.browsing import sign_in
from tests.factories.organizations import give

pytestmark = pytest.mark.django_db
Acting = Callable[[User], Actor]


@pytest.fixture(autouse=True)
def _no_files() -> None:
    """Begin each test without files: rows are rolled back, files are not."""
    shutil.rmtree(settings.EXPORTS_ROOT, ignore_errors=True)


@pytest.fixture
def asked(bob: User, erin: User, acting: Acting) -> Export:
    """An export of bob that erin asked for."""
    return exports.user_export_request(actor=acting(erin), user=bob, form="json")


@pytest.fixture
def ready(asked: Export) -> Export:
    """The same when the worker has been."""
    assert exports.export_make(asked.pk)
    asked.refresh_from_db()
    return asked


def file_of(export: Export) -> Path:
    """Say where the file is."""
    return Path(settings.EXPORTS_ROOT) / str(export.user_id) / f"{export.pk}.sealed"


class TestJob:
    """Asked for, made, fetched."""

    def test_the_task_carries_nothing_but_the_id(self, asked: Export) -> None:
        assert DBTaskResult.objects.get().args_kwargs == {"args": [str(asked.pk)], "kwargs": {}}
        assert (asked.status, asked.file_key) == (Export.QUEUED, "")

    @pytest.mark.parametrize("form", ["json", "html", "zip"])
    def test_is_made_and_fetched_by_whoever_asked(self, bob: User, erin: User, acting: Acting, form: str) -> None:
        row = exports.user_export_request(actor=acting(erin), user=bob, form=form)
        assert exports.export_make(row.pk)

        fetched = exports.user_export_fetch(actor=acting(erin), user=bob, export=row)
        content = b"".join(exports.export_read(fetched))

        assert len(content) == fetched.size
        assert (fetched.status, fetched.rows_done) == (Export.READY, fetched.rows_total)
        assert fetched.rows_total > 3
        assert fetched.fetched_at is not None
        assert fetched.expires_at is not None
        assert timedelta(hours=71) < fetched.expires_at - timezone.now() <= timedelta(hours=72)
        if form == "zip":
            content = zipfile.ZipFile(io.BytesIO(content)).read("data.json")
        assert row.public_id.encode() in content or form == "html"
        assert bob.public_id.encode() in content

    def test_what_is_on_the_disk_says_nothing(self, ready: Export, bob: User) -> None:
        place = file_of(ready)
        raw = place.read_bytes()

        assert (place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert bob.email is not None
        assert bob.email.encode() not in raw
        assert b"schema_version" not in raw
        assert ready.file_key
        assert [entry.name for entry in place.parent.iterdir()] == [place.name]

    def test_each_fetch_is_recorded(
        self, ready: Export, bob: User, erin: User, acting: Acting, last_event: Callable[[], AuditEvent]
    ) -> None:
        exports.user_export_fetch(actor=acting(erin), user=bob, export=ready)

        assert last_event().action == "user.export"
        assert last_event().part("subject") == {"export": ready.public_id, "fetched": True}

    def test_somebody_else_does_not_find_it(
        self, ready: Export, bob: User, alice: User, acting: Acting, everything: Callable[[], Any]
    ) -> None:
        before = everything()

        with pytest.raises(NotFound):
            exports.user_export_fetch(actor=acting(alice), user=bob, export=ready)

        assert everything() == before

    def test_whoever_lost_the_permission_does_not_get_it(
        self, ready: Export, bob: User, erin: User, acting: Acting, everything: Callable[[], Any]
    ) -> None:
        erin.memberships.get().assignments.filter(role__slug="admin").delete()
        give(erin, erin.organization, "moderator")
        before = everything()

        with pytest.raises(NotAllowed):
            exports.user_export_fetch(actor=acting(erin), user=bob, export=ready)

        assert everything() == before
        assert AuditEvent.objects.filter(action="user.export", outcome="refused").count() == 1

    def test_is_not_there_before_it_is_ready(self, asked: Export, bob: User, erin: User, acting: Acting) -> None:
        with pytest.raises(Conflict):
            exports.user_export_fetch(actor=acting(erin), user=bob, export=asked)

    def test_nor_when_its_time_is_over(self, ready: Export, bob: User, erin: User, acting: Acting) -> None:
        Export.objects.update(expires_at=timezone.now())

        with pytest.raises(NotFound):
            exports.user_export_fetch(actor=acting(erin), user=bob, export=ready)

    def test_nor_when_the_file_is_lost(self, ready: Export, bob: User, erin: User, acting: Acting) -> None:
        file_of(ready).unlink()

        with pytest.raises(NotFound):
            exports.user_export_fetch(actor=acting(erin), user=bob, export=ready)

    def test_is_made_once(self, ready: Export) -> None:
        assert not exports.export_make(ready.pk)
        assert not exports.export_make(UUID(int=7))

    def test_of_somebody_erased_meanwhile_fails_and_leaves_nothing(self, asked: Export, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(status=Status.PURGING)

        assert not exports.export_make(asked.pk)

        asked.refresh_from_db()
        assert (asked.status, asked.file_key) == (Export.FAILED, "")
        assert list(file_of(asked).parent.iterdir()) == []

    def test_a_worker_that_lost_the_job_leaves_nothing(self, asked: Export, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exports, "NOTED_EVERY", 0.0)
        progress = exports._Progress.now

        def taken_over(self: Any, seen: int) -> None:
            Export.objects.update(file_key="another")
            progress(self, seen)

        monkeypatch.setattr(exports._Progress, "now", taken_over)

        assert not exports.export_make(asked.pk)
        asked.refresh_from_db()
        assert (asked.status, asked.file_key) == (Export.RUNNING, "another")
        assert list(file_of(asked).parent.iterdir()) == []


class TestSweep:
    """What has run out goes; what was left is taken up."""

    def test_deletes_what_has_run_out(self, ready: Export) -> None:
        Export.objects.update(expires_at=timezone.now())
        assert exports.sweep() == 1

        ready.refresh_from_db()
        assert (ready.status, ready.file_key) == (Export.EXPIRED, "")
        assert not file_of(ready).exists()

    def test_leaves_what_has_not(self, ready: Export) -> None:
        assert exports.sweep() == 0
        assert file_of(ready).exists()

    def test_takes_up_what_a_killed_worker_left(self, asked: Export) -> None:
        DBTaskResult.objects.all().delete()
        now = timezone.now()
        Export.objects.update(status=Export.RUNNING, leased_until=now + timedelta(minutes=1), file_key="lost")
        assert exports.sweep() == 0

        Export.objects.update(leased_until=now - timedelta(seconds=1))
        assert (exports.sweep(), exports.sweep()) == (1, 0)
        assert DBTaskResult.objects.get().args_kwargs["args"] == [str(asked.pk)]
        assert exports.export_make(asked.pk)

    def test_gives_up_what_never_ends(self, asked: Export) -> None:
        Export.objects.update(created_at=timezone.now() - timedelta(hours=25))
        exports.sweep()

        asked.refresh_from_db()
        assert asked.status == Export.FAILED
        assert not exports.export_make(asked.pk)

    def test_deletes_old_rows_and_files_without_one(self, ready: Export) -> None:
        Export.objects.update(created_at=timezone.now() - timedelta(days=91))
        assert exports.sweep() == 2  # the row, and then its file

        assert not Export.objects.exists()
        assert not file_of(ready).parent.exists()


def test_forgetting_somebody_deletes_their_files_alone(ready: Export, carol: User, erin: User, acting: Acting) -> None:
    other = exports.user_export_request(actor=acting(erin), user=carol)
    exports.export_make(other.pk)

    assert (exports.forget(ready.user_id), exports.forget(ready.user_id)) == (1, 0)
    assert not file_of(ready).parent.exists()
    assert file_of(other).exists()


class TestDoors:
    """By program and by click."""

    def test_by_program(self, bob: User, erin: User) -> None:
        api = API.of(erin)
        made = api.post(f"users/{bob.public_id}/export/", {"format": "json"}, Idempotency_Key="one")
        again = api.post(f"users/{bob.public_id}/export/", {"format": "json"}, Idempotency_Key="one")
        identifier = made.body["id"]
        assert (made.status_code, made.body["status"], again.body["id"]) == (202, "queued", identifier)
        assert Export.objects.count() == 1
        assert api.get(f"personal-data/exports/{identifier}/download/").status_code == 409

        exports.export_make(Export.objects.get().pk)
        answer = api.get(f"personal-data/exports/{identifier}/download/")

        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
        assert answer["Content-Disposition"] == f'attachment; filename="{identifier}.json"'
        assert len(answer.body) == int(answer["Content-Length"])
        assert json.loads(answer.body)["subject"]["id"] == bob.public_id
        assert json.loads(answer.body)["request"]["export"] == identifier
        (listed,) = api.get("personal-data/exports/").body["data"]
        assert (listed["status"], listed["requested_by"]) == ("ready", erin.public_id)
        assert "file_key" not in listed

        Export.objects.update(expires_at=timezone.now())
        assert api.get(f"personal-data/exports/{identifier}/download/").status_code == 404

    def test_by_click(self, bob: User, erin: User, alice: User) -> None:
        client = Client()
        sign_in(client, erin)
        page = f"/admin/accounts/user/{bob.public_id}/personal-data/"
        assert "Make a copy" in client.get(page).content.decode()

        client.post(page, {"scope": "access", "format": "json", "reason": ""})
        assert "queued" in client.get(page).content.decode()
        exports.export_make(Export.objects.get().pk)
        assert "Download" in client.get(page).content.decode()
        public_id = Export.objects.get().public_id
        answer: Any = client.post(page, {"fetch": public_id})

        assert json.loads(b"".join(answer.streaming_content))["subject"]["id"] == bob.public_id
        assert answer["Content-Disposition"].startswith("attachment")
        sign_in(other := Client(), alice)
        assert "Download" not in other.get(page).content.decode()
        assert other.post(page, {"fetch": public_id}).status_code == 404


class TestSealedFiles:
    """Of no use without the key, and not to be changed unnoticed."""

    @pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
    def test_come_back_as_they_were(self, tmp_path: Path, size: int) -> None:
        key, content = new_key(), bytes(range(256)) * (size // 256 + 1)
        content = content[:size]
        place = sealed(tmp_path, key, content)

        assert b"".join(unsealed(place, key, "exp_1")) == content
        assert len(content) < 16 or content not in place.read_bytes()  # a byte or two may be there by chance

    def test_a_change_a_cut_a_swap_and_another_key_or_name_are_noticed(self, tmp_path: Path) -> None:
        key = new_key()
        place = sealed(tmp_path, key, b"x" * (3 * PIECE))
        raw = place.read_bytes()
        step = PIECE + 16
        wrong = {
            "changed": bytes([raw[0] ^ 1]) + raw[1:],
            "cut": raw[: 2 * step],
            "swapped": raw[step : 2 * step] + raw[:step] + raw[2 * step :],
            "longer": raw + b"x",
        }
        for content in wrong.values():
            place.write_bytes(content)
            with pytest.raises(DamagedError):
                list(unsealed(place, key, "exp_1"))
        place.write_bytes(raw)
        for other in ((new_key(), "exp_1"), (key, "exp_2")):
            with pytest.raises(DamagedError):
                list(unsealed(place, *other))


def test_what_waits_on_disk_is_of_no_use_to_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept: list[Path] = []

    def file(**_: Any) -> Any:
        kept.append(tmp_path / f"spool-{len(kept)}")
        return kept[-1].open("w+b")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", file)
    with Spool() as spool:
        for _ in range(10_000):
            spool.write("bob@acme.example ")

        assert b"".join(spool.pieces()) == b"bob@acme.example " * 10_000

    (raw,) = (place.read_bytes() for place in kept)
    assert len(raw) > 170_000
    assert b"bob@" not in raw


def sealed(folder: Path, key: str, content: bytes) -> Path:
    """Write a sealed file."""
    place = folder / "file"
    with place.open("wb") as file:
        writer = SealedWriter(file, key, "exp_1")
        writer.write(content)
        writer.finish()
    return place
