"""The real settings with the migration linter, which only looks."""

from identity.settings import *  # noqa: F403
from identity.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]
