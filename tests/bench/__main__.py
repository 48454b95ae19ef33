"""``python -m tests.bench [USERS]``: ratios, both databases, one run; no figure is asserted.

Loads users in bulk (100,000 unless told otherwise), then prints

- a page of ``user_list`` at depth beside the first one,
- ``user_list --all --format jsonl`` in a process of its own: first byte, peak memory, at a tenth and at all,
- ``user_show``'s look-up by e-mail beside the same row in raw SQL.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from tests import postgresql

ROOT = Path(__file__).resolve().parents[2]
BATCH = 5_000
REPEATS = 15


def main(arguments: list[str]) -> int:
    """Run on each database in a process of its own, so that each has its own settings."""
    if arguments[:1] == ["--here"]:
        return measure(int(arguments[1]))
    users = arguments[0] if arguments else "100000"
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="identity-bench-"))
        addresses = {"sqlite": f"sqlite:///{scratch}/bench.sqlite3"}
        try:
            addresses["postgresql"] = stack.enter_context(postgresql.running())
        except postgresql.NotInstalledError:
            print("PostgreSQL is not installed: SQLite only.")
        for name, address in addresses.items():
            print(f"\n=== {name}, {users} users ===", flush=True)
            environment = {**os.environ, "DATABASE_URL": address, "IDENTITY_VAR": scratch, "LOG_LEVEL": "ERROR"}
            environment["DJANGO_SETTINGS_MODULE"] = "identity.settings"
            command = [sys.executable, "-m", "tests.bench", "--here", users]
            subprocess.run(command, env=environment, cwd=ROOT, check=True)
    return 0


def measure(number: int) -> int:
    """Load and measure on the database of the environment."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from accounts.filters import USER_ORDERS, UserFilter
    from accounts.models import Organization, User
    from accounts.pagination import page_of

    call_command("migrate", verbosity=0)
    few, all_of_them = (Organization.objects.create(slug=slug, name=slug) for slug in ("few", "default"))
    started = time.perf_counter()
    load(few, number // 10)
    load(all_of_them, number)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"loaded {number + number // 10} in {time.perf_counter() - started:.0f} s")

    queryset = UserFilter().apply(User.objects.filter(organization=all_of_them)).with_shown()
    depth = number * 9 // 10
    for word in ("created_at", "email"):
        order = USER_ORDERS[word]
        first = timed(partial(page_of, queryset, order, limit=20))
        cursor_at = cursor_to(all_of_them, word, depth)
        deep = timed(partial(page_of, queryset, order, limit=20, cursor=cursor_at))
        print(
            f"page by {word}: first {first * 1e3:.1f} ms, at row {depth} {deep * 1e3:.1f} ms: {deep / first:.2f} times"
        )

    email = f"person{number // 2}@default.example"
    by_orm = timed(lambda: User.objects.named(email, organization_id=all_of_them.pk).get())
    row_id = all_of_them.pk.hex if connection.vendor == "sqlite" else all_of_them.pk

    def raw() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM accounts_user WHERE organization_id = %s AND email_key = %s", [row_id, email])
            assert cursor.fetchone()

    by_sql = timed(raw)
    print(f"look-up by e-mail: {by_orm * 1e3:.2f} ms, raw SQL {by_sql * 1e3:.2f} ms: {by_orm / by_sql:.1f} times")

    results = {slug: streamed(slug) for slug in ("few", "default")}
    for slug, (first_byte, total, memory, lines) in results.items():
        print(
            f"user_list --all --format jsonl --org {slug}: {lines} lines, first byte after {first_byte:.2f} s, "
            f"all after {total:.1f} s, peak {memory / 1024:.0f} MiB"
        )
    (byte_few, _, memory_few, _), (byte_all, _, memory_all, _) = results.values()
    print(
        f"ten times the users: first byte {byte_all / byte_few:.2f} times, memory {memory_all / memory_few:.2f} times"
    )
    return 0


def load(organization: Any, number: int) -> None:
    """Put users there as ``user_create`` would leave them, without events."""
    from django.db import transaction

    from accounts.models import Membership, Role, RoleAssignment, User, UserSearch

    member = Role.objects.built_in().get(slug="member")
    for start in range(0, number, BATCH):
        with transaction.atomic():
            users = [
                User(
                    organization=organization,
                    email=f"person{place}@{organization.slug}.example",
                    email_key=f"person{place}@{organization.slug}.example",
                    name=f"Person {place}",
                    name_key=f"person {place}",
                )
                for place in range(start, min(start + BATCH, number))
            ]
            User.objects.bulk_create(users)
            UserSearch.objects.bulk_create(UserSearch(user=user, text=user.search_text) for user in users)
            memberships = Membership.objects.bulk_create(
                Membership(user=user, organization=organization) for user in users
            )
            RoleAssignment.objects.bulk_create(
                RoleAssignment(organization=organization, membership=entry, role=member) for entry in memberships
            )


def cursor_to(organization: Any, word: str, depth: int) -> str:
    """Give the cursor that a reader would hold at this depth."""
    from accounts.filters import USER_ORDERS, UserFilter
    from accounts.models import User
    from accounts.pagination import _mark, _sealed

    order = USER_ORDERS[word]
    queryset = UserFilter().apply(User.objects.filter(organization=organization))
    row = queryset.order_by(order.column, "id")[depth - 1]
    return _sealed(order, row, _mark(User, order, ""), backward=False)


def timed(call: Callable[[], object]) -> float:
    """Give the median of some calls, after one to warm up."""
    call()
    lengths = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        call()
        lengths.append(time.perf_counter() - started)
    return median(lengths)


def streamed(slug: str) -> tuple[float, float, int, int]:
    """Run the list as its own process: seconds to the first byte and to the last, peak KiB, lines."""
    command = [sys.executable, "manage.py", "user_list", "--org", slug, "--all", "--format", "jsonl"]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    lines = process.stdout.read(1).count(b"\n")
    first_byte = time.perf_counter() - started
    while block := process.stdout.read(65_536):
        lines += block.count(b"\n")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return first_byte, time.perf_counter() - started, usage.ru_maxrss, lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
