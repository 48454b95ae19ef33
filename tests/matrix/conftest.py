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
    # Or it would be noted, a minute after the first row; and asked for anew, five minutes after it.
    Session.objects.update(last_active_at=timezone.now(), authenticated_at=timezone.now())
    unchanging = {id(value): value for value in vars(standing).values() if isinstance(value, Actor)}
    return deepcopy(standing, unchanging)


@pytest.fixture
def world(built: Any) -> Any:
    """The same under the name that rows give it."""
    return built
