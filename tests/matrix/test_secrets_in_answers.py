"""T-SEC-01, CVE-2018-16984 (Django), CVE-2023-46128 (Nautobot), CVE-2025-11794: hashes and keys in answers.

Every answer of the API, asked for by a super-user: what the map of personal data calls a secret is in none.
"""

import pytest

from tests.matrix.secrets import secrets_in, stored_secrets
from tests.matrix.test_api import ROUTES, World, asked, build

__all__ = ["build"]


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_no_answer_holds_one(world: World, name: str) -> None:
    stored = stored_secrets()
    assert {"accounts_user.password", "accounts_apikey.secret_hash", "accounts_factor.secret"} <= set(stored.values())

    answer = asked(world, "root", name)

    assert secrets_in(answer, stored) == []
