"""The whole database and the files beside it are searched; whose it is where something is found."""

import base64
import gzip
import hashlib
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection, connections

from accounts.models import AuditEvent, AuditPart, Organization, User
from gdpr.operations.file_scan import PIECE, scan_bytes, scan_files
from gdpr.operations.findings import Place, ScanReport
from gdpr.operations.scan import identifiers_of, scan
from gdpr.traces import Form, Identifiers, Kind
from tests.factories.organizations import make_organization
from tests.factories.users import make_user

pytestmark = pytest.mark.django_db(transaction=True)

GHOST = "ghost@left.example"
GHOSTS = {"ghost": Identifiers(emails=(GHOST,), usernames=("ghostwriter",), phones=("+49 170 7654321",))}


def execute(statement: str, *parameters: Any) -> None:
    """Change the database past the models."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def places(report: ScanReport, person: str) -> dict[tuple[str, str], Place]:
    """Give where a person was found, and whose it is."""
    return {(hit.where, hit.column): hit.place for hit in report.hits.get(person, [])}


@pytest.fixture(autouse=True)
def _no_samples(transactional_db: None) -> None:
    """Begin without what the planner kept of rows that an earlier test had counted."""
    if connection.vendor == "postgresql":
        ours = "SELECT oid FROM pg_class WHERE relname LIKE 'accounts_%%'"
        execute(f"DELETE FROM pg_statistic WHERE starelid IN ({ours})")


@pytest.fixture
def table() -> Iterator[Callable[..., None]]:
    """Make tables that no model knows, gone after the test."""
    made: list[str] = []

    def make(name: str, columns: str) -> None:
        made.append(name)
        execute(f"CREATE TABLE {name} ({columns})")

    yield make
    for name in made:
        execute(f"DROP TABLE {name}")


TEXTS = ["text", "varchar(200)", "char(200)", "json"]
ODD = '"odd name; with ""quotes"" and Ünïcode"'


def types() -> list[str]:
    """Give column types that can hold text or bytes here."""
    if connection.vendor == "postgresql":
        return [*TEXTS, "jsonb", "bytea", "text[]", "xml", '"char"[]']
    return [*TEXTS, "blob", "integer", "numeric", "datetime", ""]


def held(kind: str, text: str) -> Any:
    """Give a text as a column of that type takes it."""
    if kind in {"json", "jsonb"}:
        return json.dumps({"said": [text]})
    if kind in {"bytea", "blob"}:
        return b"\x00\xff" + text.encode() + b"\x00"
    return [text] if kind == "text[]" else list(text) if kind == '"char"[]' else text


class TestTheDatabase:
    """Every table that there is."""

    def test_every_kind_of_column_is_read(self, table: Callable[..., None]) -> None:
        kinds = [kind for kind in types() if kind != '"char"[]']
        table("stray", ", ".join(["id integer PRIMARY KEY", *(f"c{place} {kind}" for place, kind in enumerate(kinds))]))
        marks = ", ".join(["%s"] * (len(kinds) + 1))
        execute(f"INSERT INTO stray VALUES ({marks})", 1, *([None] * len(kinds)))
        execute(f"INSERT INTO stray VALUES ({marks})", 7, *(held(kind, GHOST) for kind in kinds))

        report = scan(GHOSTS, files=False)

        assert {(hit.where, hit.column, hit.row, hit.kind, hit.form) for hit in report.hits["ghost"]} == {
            ("stray", f"c{place}", "7", Kind.EMAIL, Form.RAW) for place in range(len(kinds))
        }
        assert set(places(report, "ghost").values()) == {Place.LOOSE}
        assert report.residue("ghost") == report.residue() == len(kinds)
        assert report.unread == {}

    def test_every_form_is_found_in_rows(self, db: None) -> None:
        forms = {
            Form.URL: quote(GHOST, safe=""),
            Form.JSON: GHOST.replace("@", "\\u0040"),
            Form.HTML: GHOST.replace("@", "&#64;"),
            Form.QUOTED: GHOST.replace("@", "=40"),
            Form.BASE64: base64.b64encode(b"<" + GHOST.encode()).decode(),
            Form.HEX: GHOST.encode().hex(),
            Form.MD5: hashlib.md5(GHOST.encode(), usedforsecurity=False).hexdigest(),
            Form.SHA256: hashlib.sha256(GHOST.encode()).hexdigest(),
        }
        made = {
            form: Organization.objects.create(slug=f"o{place}", name=written)
            for place, (form, written) in enumerate(forms.items())
        }

        hits = scan(GHOSTS, files=False).hits["ghost"]

        assert {(hit.where, hit.column, hit.row, hit.form) for hit in hits} == {
            ("accounts_organization", "name", row(organization.pk), form) for form, organization in made.items()
        }

    def test_a_table_with_an_odd_name_and_without_a_key_is_read(self, table: Callable[..., None]) -> None:
        table(ODD, '"select" text, "Group By" text')
        execute(f"INSERT INTO {ODD} VALUES (%s, %s)", "nobody", f"to {GHOST}")

        report = scan(GHOSTS, files=False)

        (hit,) = report.hits["ghost"]
        assert (hit.where, hit.column) == ('odd name; with "quotes" and Ünïcode', "Group By")
        assert hit.row == ("1" if connection.vendor == "sqlite" else "(0,1)")

    def test_a_key_that_is_an_address_is_not_shown(self, table: Callable[..., None]) -> None:
        table("stray", "address varchar(200) PRIMARY KEY")
        execute("INSERT INTO stray VALUES (%s)", GHOST)

        report = scan(GHOSTS, files=False)

        assert report.residue("ghost") == 1
        assert GHOST not in f"{report} {report.as_dict()} {[hit.as_dict() for hit in report.hits['ghost']]}"

    def test_every_table_of_the_database_is_counted(self, acme: Organization) -> None:
        report = scan(GHOSTS, files=False)

        with connection.cursor() as cursor:
            names = set(connection.introspection.table_names(cursor))
        assert report.tables >= len(names)
        assert report.rows > Organization.objects.count()
        assert report.hits == {}
        assert (report.residue(), report.elsewhere(), report.is_complete) == (0, 0, True)

    def test_a_table_that_cannot_be_read_is_named(self, table: Callable[..., None]) -> None:
        if connection.vendor != "sqlite":
            pytest.skip("the owner of a PostgreSQL database may read all of its tables")
        table("stray", "id integer")
        execute("INSERT INTO stray (id) VALUES (1)")
        execute("ALTER TABLE stray ADD COLUMN broken text GENERATED ALWAYS AS (json(id || '{'))")

        report = scan(GHOSTS, files=False)

        assert (report.unread, report.is_complete) == ({"stray": "OperationalError"}, False)

    def test_writers_do_not_wait_for_it(self, acme: Organization) -> None:
        wrote: list[str] = []

        def write() -> None:
            with closing(connections.create_connection("default")) as other, other.cursor() as cursor:
                cursor.execute("UPDATE accounts_organization SET name = 'written meanwhile'")
                wrote.append("done")

        def watch(name: str, place: int, of: int) -> None:
            if not wrote and place > of // 2:
                writer = threading.Thread(target=write)
                writer.start()
                writer.join(10)

        scan(GHOSTS, files=False, watch=watch)

        assert wrote == ["done"]

    def test_what_the_planner_keeps_is_told_apart(self, acme: Organization) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("SQLite samples nothing unless it was built to")
        for place in range(20):
            make_user(acme, f"person{place}", bio="x")
        User.objects.filter(username="person7").update(email=GHOST, email_key=GHOST)
        execute("ANALYZE accounts_user")
        User.objects.filter(username="person7").update(email="other@left.example", email_key="other@left.example")

        report = scan(GHOSTS, files=False)

        assert set(places(report, "ghost").values()) == {Place.STATISTICS}
        assert (report.residue(), report.statistics() > 0) == (0, True)
        execute("ANALYZE accounts_user")
        assert scan(GHOSTS, files=False).statistics() == 0

    def test_large_objects_are_told_of_where_there_are_any(self) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has none")
        assert scan(GHOSTS, files=False).is_complete
        execute("SELECT lo_from_bytea(4711, %s)", GHOST.encode())
        try:
            report = scan(GHOSTS, files=False)
        finally:
            execute("SELECT lo_unlink(4711)")

        assert report.unread == {"pg_largeobject": "1 large objects that this service did not make"}
        assert not report.is_complete


def row(pk: Any) -> str:
    """Write a key as a report does."""
    return str(pk.hex) if connection.vendor == "sqlite" else str(pk)


class TestWhose:
    """Own rows, text of the organization, other people's rows."""

    def test_a_live_person_is_found_in_their_own_rows(self, bob: User) -> None:
        bob.phone_number = "+49 170 7654321"
        bob.save()

        report = scan({"bob": identifiers_of(bob)}, files=False)

        found = places(report, "bob")
        assert found["accounts_user", "email"] == found["accounts_user", "phone_number"] == Place.OWN
        assert found["accounts_usersearch", "text"] == Place.OWN
        if connection.vendor == "sqlite":
            assert found["accounts_usersearch_trigram", "text"] == Place.OWN
        assert set(found.values()) == {Place.OWN}
        assert {hit.row for hit in report.hits["bob"] if hit.where == "accounts_user"} == {row(bob.pk)}

    def test_the_same_address_in_another_organization_is_elsewhere(self, bob: User, nextdoor: Organization) -> None:
        twin = make_user(nextdoor, "twin")
        twin.email, twin.email_key, twin.bio = bob.email, bob.email_key, f"write to {bob.email}"
        twin.save()
        event = AuditEvent.objects.create(**header(twin))
        AuditPart.objects.create(event=event, kind="subject", person_id=twin.pk, salt="s", payload={"to": bob.email})
        identifiers = identifiers_of(bob)
        User.objects.filter(pk=bob.pk).delete()

        report = scan({"bob": identifiers}, files=False)

        assert set(places(report, "bob").values()) == {Place.ELSEWHERE}
        assert {where for where, _ in places(report, "bob")} >= {"accounts_user", "accounts_auditpart"}
        assert (report.residue("bob"), report.elsewhere("bob") > 2) == (0, True)

    def test_who_took_over_the_address_in_the_same_organization_is_elsewhere(self, bob: User, carol: User) -> None:
        identifiers = identifiers_of(bob)
        User.objects.filter(pk=bob.pk).delete()
        carol.email, carol.email_key, carol.bio = identifiers.emails[0], identifiers.emails[1], identifiers.emails[0]
        carol.save()

        report = scan({"bob": identifiers}, files=False)

        assert set(places(report, "bob").values()) == {Place.ELSEWHERE}

    def test_text_of_a_colleague_that_mentions_them_is_residue(self, bob: User, carol: User, mallory: User) -> None:
        identifiers = identifiers_of(bob)
        User.objects.filter(pk__in=[carol.pk, mallory.pk]).update(bio=f"friend of {bob.email}")
        User.objects.filter(pk=bob.pk).delete()

        report = scan({"bob": identifiers}, files=False)

        assert {(hit.row, hit.place) for hit in report.hits["bob"]} == {
            (row(carol.pk), Place.MENTION),
            (row(mallory.pk), Place.ELSEWHERE),
        }
        assert (report.residue("bob"), report.elsewhere("bob")) == (1, 1)

    def test_a_session_leads_to_its_person_by_its_key(self, bob: User) -> None:
        execute(
            "INSERT INTO accounts_session (id, organization_id, user_id, kind, methods, must_enrol, key_hash, "
            "impersonator_kind, reason, created_at, last_active_at, authenticated_at, idle_at, expires_at, end_reason, "
            "device) VALUES (%s, %s, %s, 'browser', '[]', %s, 'k1', '', '', %s, %s, %s, %s, %s, '', '')",
            *(row(pk) for pk in (bob.pk, bob.organization_id, bob.pk)),
            False,
            *["2026-11-21 10:00:00+00:00"] * 5,
        )
        data = base64.urlsafe_b64encode(json.dumps({"to": bob.email}).encode()).decode()
        execute("INSERT INTO django_session VALUES ('k1', %s, '2026-12-21 10:00:00+00:00')", data)

        report = scan({"bob": identifiers_of(bob)}, files=False)

        (hit,) = [hit for hit in report.hits["bob"] if hit.where == "django_session"]
        assert (hit.column, hit.form, hit.place) == ("session_data", Form.BASE64, Place.OWN)
        assert hit.row != "k1"

    def test_a_username_that_is_also_a_word_of_the_house_is_nobody_s(self, acme: Organization) -> None:
        member = make_user(acme, "member")
        identifiers = identifiers_of(member)
        User.objects.filter(pk=member.pk).delete()

        report = scan({"member": identifiers}, files=False)

        assert places(report, "member")["accounts_role", "slug"] == Place.ELSEWHERE

    def test_in_a_batch_of_fifty_each_is_found_exactly_where_they_are(self, acme: Organization) -> None:
        people = [make_user(acme, f"somebody{place:02}") for place in range(50)]
        wanted = {user.public_id: identifiers_of(user) for user in people}
        User.objects.filter(pk__in=[user.pk for user in people]).delete()
        left = people[3:50:7]
        for user in left:
            make_organization(f"o-{user.username}")
        for user in left:
            Organization.objects.filter(slug=f"o-{user.username}").update(name=f"of {user.email}", slug=f"o{user.pk}")

        report = scan(wanted, files=False)

        assert set(report.hits) == {user.public_id for user in left}
        assert all(len(hits) == 1 for hits in report.hits.values())


def header(user: User) -> dict[str, Any]:
    """Give the columns of an event about somebody."""
    return {
        "chain": user.organization_id,
        "sequence": 10_000,
        "layout": 1,
        "key_id": "k",
        "action": "user.create",
        "outcome": "done",
        "actor_kind": "operator",
        "subject_kind": "user",
        "subject_id": user.pk,
        "organization_id": user.organization_id,
        "door": "cli",
        "request_id": "r",
        "occurred_at": user.created_at,
        "subject_commitment": "",
        "actor_commitment": "",
        "network_commitment": "",
        "hash": "h",
    }


class TestFiles:
    """What the service wrote beside the database."""

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Give a folder that stands for IDENTITY_VAR."""
        monkeypatch.setattr(settings, "VAR", tmp_path)
        return tmp_path

    def test_letters_ledger_and_exports_are_read(self, folder: Path) -> None:
        ledger = Path(settings.LEDGER_URL.removeprefix("file://"))
        ledger.write_text(json.dumps({"who": GHOST}))
        (folder / "mail").mkdir()
        (folder / "mail" / "20261121.log").write_text(f"To: {GHOST}\n")
        (folder / "exports").mkdir()
        with zipfile.ZipFile(folder / "exports" / "one.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data/profile.json", json.dumps({"email": GHOST}))
        (folder / "service.log.1.gz").write_bytes(gzip.compress(b"phone +49 170 765 43 21"))

        report = scan(GHOSTS)

        assert {(hit.where, hit.kind, hit.place) for hit in report.hits["ghost"]} == {
            (ledger.name, Kind.EMAIL, Place.FILE),
            ("mail/20261121.log", Kind.EMAIL, Place.FILE),
            ("exports/one.zip", Kind.EMAIL, Place.FILE),
            ("service.log.1.gz", Kind.PHONE, Place.FILE),
        }
        assert report.files >= 4

    def test_the_name_of_a_file_is_read_and_not_shown(self, folder: Path) -> None:
        (folder / f"export-{GHOST}.json").write_text("{}")
        (folder / f"{GHOST}.json").write_text("{}")

        report = scan(GHOSTS)

        assert [hit.column for hit in report.hits["ghost"]] == ["its name"] * 2
        assert GHOST not in str(report)

    def test_a_letter_to_an_address_that_somebody_else_has_too_is_nobody_s(self, folder: Path, bob: User) -> None:
        identifiers = Identifiers(emails=identifiers_of(bob).emails)
        (folder / "letter").write_text(f"To: {bob.email}\n")

        report = scan({"gone": identifiers})

        assert places(report, "gone")["letter", ""] == Place.ELSEWHERE

    def test_neither_keys_nor_database_nor_static_files_are_read(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("keys.json", "static/app.js"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(GHOST)
        monkeypatch.setattr(settings, "KEYS_FILE", folder / "keys.json")
        monkeypatch.setattr(settings, "STATIC_ROOT", folder / "static")

        assert scan(GHOSTS).hits == {}

    def test_what_lies_across_two_pieces_is_found_once(self, tmp_path: Path) -> None:
        path = tmp_path / "long"
        for shift in range(0, len(GHOST) + 40, 3):
            path.write_bytes(b"." * (PIECE - shift) + b" " + GHOST.encode() + b" " + b"." * PIECE)
            assert scan_files([path], GHOSTS).residue() == 1, shift

    @pytest.mark.parametrize("text", [f"x{GHOST}", f"{GHOST}.au"])
    def test_a_longer_address_across_two_pieces_is_not(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "long"
        for shift in [*range(30), *range(4_070, 4_100)]:
            path.write_bytes(b" " * (PIECE - shift) + text.encode() + b" " * PIECE)
            assert scan_files([path], GHOSTS).residue() == 0, shift

    def test_a_damaged_archive_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "broken.zip"
        path.write_bytes(b"PK\x03\x04 and no more")
        assert scan_files([path], GHOSTS).unread == {"broken.zip": "BadZipFile"}

    def test_the_bytes_of_the_database_itself(self, bob: User) -> None:
        if connection.vendor != "sqlite":
            pytest.skip("one file is the database on SQLite only")
        execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path = Path(connection.settings_dict["NAME"])

        report = scan_bytes([path], {"bob": identifiers_of(bob), **GHOSTS})

        assert report.residue("bob") > 0
        assert report.residue("ghost") == 0
