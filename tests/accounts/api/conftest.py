"""Clients of the API."""

import pytest

from accounts.actions import BUILT_IN_ROLES
from accounts.models import Organization, User
from accounts.operations.api_keys import SCOPES
from tests.accounts.api.programs import API, key_of


@pytest.fixture
def api(acme: Organization, alice: User) -> API:
    """A client with everything that an owner of acme has."""
    return key_of(acme, *sorted(SCOPES & set(BUILT_IN_ROLES["owner"])))
