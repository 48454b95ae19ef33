"""How lists, a look-up and a long print-out grow: ratios.

Loads users in bulk (100,000 unless told otherwise), then prints

- a page of ``user_list`` at depth beside the first one,
- ``user_list --all --format jsonl`` in a process of its own: first byte, peak memory, at a tenth and at all,
- ``user_show``'s look-up by e-mail beside the same row in raw SQL.
"""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from django.db import connection

from accounts.filters import USER_ORDERS, UserFilter
from accounts.models import Organization, User
from accounts.pagination import _mark, _sealed, page_of
from tests.bench.world import analyzed, load, timed

__all__ = ["measure"]

ROOT = Path(__file__).resolve().parents[2]


def measure(number: int = 100_000) -> None:
    """Load and measure on the database of the environment."""
    few, all_of_them = (Organization.objects.create(slug=slug, name=slug) for slug in ("few", "default"))
    started = time.perf_counter()
    load(few, number // 10)
    load(all_of_them, number)
    analyzed()
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


def cursor_to(organization: Organization, word: str, depth: int) -> str:
    """Give the cursor that a reader would hold at this depth."""
    order = USER_ORDERS[word]
    queryset = UserFilter().apply(User.objects.filter(organization=organization))
    row = queryset.order_by(order.column, "id")[depth - 1]
    return _sealed(order, row, _mark(User, order, ""), backward=False)


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
