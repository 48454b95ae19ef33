"""How gunicorn serves: ``gunicorn --config python:identity.server identity.wsgi`` (``manage.py serve`` does it)."""

import os

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "identity.settings")

from django.conf import settings


class HouseLogger(Logger):  # type: ignore[misc]
    """Sends gunicorn's own messages where all logs go: masked, in one form."""

    def setup(self, cfg: object) -> None:
        """Take gunicorn's handlers away and let the messages through to ours."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


bind = f"[{settings.BIND}]:{settings.PORT}" if ":" in settings.BIND else f"{settings.BIND}:{settings.PORT}"
worker_class = "gthread"
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
timeout = 30
graceful_timeout = 5
keepalive = 5
max_requests = 10_000
max_requests_jitter = 1_000
limit_request_line = 8_190  # above the bound of ours, so that the answer is ours too
forwarded_allow_ips = ""  # SECURITY: whom to believe is TRUSTED_PROXIES' business alone
control_socket_disable = True
loglevel = "warning"
logger_class = HouseLogger
