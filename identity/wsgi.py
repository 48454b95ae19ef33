"""The entry point of web servers."""

import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "identity.settings")
application = get_wsgi_application()
BaseCommand().check(tags=["gdpr"])  # no server starts while a column is not classified (docs/personal-data.md)
