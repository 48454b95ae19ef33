"""What stands before every row of a matrix."""

from copy import deepcopy
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Session


@pytest.fixture
def built(standing: Any, db: None) -> Any:
    """What the module's ``build`` made, for one row: it undoes what it changes, and has copies of its own."""
    now = timezone.now()  # or a minute after the first row its use would be noted, and after five the sign-in be old
    Session.objects.update(last_active_at=now, authenticated_at=now)
    unchanging = {id(value): value for value in vars(standing).values() if isinstance(value, Actor)}
    return deepcopy(standing, unchanging)


@pytest.fixture
def world(built: Any) -> Any:
    """The same under the name that rows give it."""
    return built
