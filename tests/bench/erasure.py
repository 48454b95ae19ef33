"""How fast people are erased, how fast a whole database is searched for them, and how both grow.

People live in organizations of a hundredth of all: with 100,000, in a hundred organizations of 1,000. Free text of
the person's organization is looked through, so that the size of one organization is asked apart.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from statistics import median

from accounts import policy
from accounts.models import Organization, User
from gdpr.models import Erasure
from gdpr.operations.erasure import erase_rows
from gdpr.operations.findings import ScanReport
from gdpr.operations.finish import Erased, finish
from gdpr.operations.scan import scan
from tests.bench.world import analyzed, load, load_histories

__all__ = ["measure"]

Pass = tuple[list[Erased], float]


def measure(people: int = 100_000, erased: int = 1_000) -> None:
    """Erase some out of many, among fewer, and out of one large organization; print people per second and ratios."""
    size = max(people // 100, 1)
    everybody: list[Erased] = []
    medians: dict[int, float] = {}
    for total, number in ((size, erased // 20), (people // 10, erased // 20), (people, erased)):
        settle(total, size)
        done, medians[total] = erase_some(Organization.objects.filter(slug__startswith="of-"), max(number, 1))
        everybody += done
    print(f"growth from {size:,} to {people:,} people, organizations of {size:,}: {compared(medians)}")

    search(everybody[-erased:])
    started = time.perf_counter()
    finish(everybody)
    seconds = time.perf_counter() - started
    print(f"files, search and {len(everybody):,} receipts: {seconds:.1f} s, {len(everybody) / seconds:.0f}/s")

    in_one = {size: medians[people]}
    (large,) = Organization.objects.bulk_create([Organization(slug="large", name="large")])
    for total, first in ((people // 10, 0), (people, people // 10)):
        load(large, total, first=first)
        load_histories(large)
        analyzed()
        _, in_one[total] = erase_some([large], max(erased // 200, 1))
    print(f"growth from {size:,} to {people:,} people in one organization: {compared(in_one)}")


def settle(total: int, size: int) -> None:
    """Have this many people, in organizations of this size, with a history."""
    started = time.perf_counter()
    for place in range(Organization.objects.filter(slug__startswith="of-").count(), total // size):
        organization = Organization.objects.create(slug=f"of-{place}", name=f"Organization {place}")
        load(organization, size)
        load_histories(organization)
    analyzed()
    print(f"{total:,} people are there after {time.perf_counter() - started:.0f} s", flush=True)


def erase_some(organizations: Iterable[Organization], number: int) -> Pass:
    """Erase people of these organizations, as many of each, a transaction each; gives the median of the seconds."""
    listed = list(organizations)
    done, lengths = [], []
    actor = policy.operator(os_user="bench")
    for user in islice(chosen(listed, number), number):
        started = time.perf_counter()
        done.append(erase_rows(actor=actor, user=user, how=Erasure.PURGE))
        lengths.append(time.perf_counter() - started)
    print(
        f"{len(done):,} of {User.objects.count():,} people erased, with the check: {len(done) / sum(lengths):.1f} "
        f"people/s (each {median(lengths) * 1e3:.1f} ms, of {len(lengths)} the slowest {max(lengths) * 1e3:.0f} ms)",
        flush=True,
    )
    return done, median(lengths)


def chosen(organizations: Sequence[Organization], number: int) -> Iterator[User]:
    """Give living people, from each organization as many."""
    each = -(-number // len(organizations))
    for organization in organizations:
        people = User.objects.filter(organization=organization).exclude(email=None)
        yield from people.select_related("organization").order_by("pk")[:each]


def search(erased: Sequence[Erased]) -> None:
    """Print what one pass over the whole database costs for one person and for all of them."""
    for some in (erased[:1], erased):
        report = scan({entry.erasure.public_id: entry.known_by for entry in some if entry.known_by})
        print(f"searched for {len(some):,} people in one pass, residue {report.residue()}: {rate(report)}", flush=True)


def rate(report: ScanReport) -> str:
    """Say how fast it went."""
    megabytes = report.bytes / 1e6
    return (
        f"{report.rows:,} rows, {megabytes:.0f} MB in {report.seconds:.1f} s: "
        f"{report.rows / report.seconds:,.0f} rows/s, {megabytes / report.seconds:.1f} MB/s"
    )


def compared(medians: dict[int, float]) -> str:
    """Set the cost of one person beside that at the smallest size."""
    least = next(iter(medians.values()))
    return ", ".join(f"{total:,}: {length / least:.2f} times" for total, length in medians.items())
