"""Logs: one JSON object a line, with the request's id, secrets and personal data masked."""

import logging
import logging.config
import re
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import SystemCheckError

__all__ = ["configure", "mask"]

MASK = "[masked]"
TELLING = (ImproperlyConfigured, SystemCheckError)
SECRET_WORDS = re.compile(
    r"(?i)(password|passwd|secret|token|authorization|cookie|api_?key|sessionid|csrf|email|username|phone|"
    r"given_name|family_name|nickname|bio|identifier|login)"
)
PATTERNS = (
    (re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"), "[e-mail]"),
    (re.compile(r"\b[a-z]{3}_[0-9a-z]{12}_[A-Za-z0-9_\-]{20,}"), "[secret]"),
    (re.compile(r"\beyJ[\w\-]+\.[\w\-]+\.[\w\-]+"), "[token]"),
    (re.compile(r"(?i)\b(bearer|api-key)\s+\S+"), r"\1 [secret]"),
    (re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"), "[credentials]"),
)


def mask(value: Any) -> Any:
    """Take secrets and addresses out of anything that is about to be logged."""
    if isinstance(value, str):
        for pattern, replacement in PATTERNS:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, dict):
        return {key: MASK if SECRET_WORDS.search(str(key)) else mask(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [mask(entry) for entry in value]
    return value


def _masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    cleaned: MutableMapping[str, Any] = mask(dict(event))
    # SECURITY: one event is one line, whatever somebody put into an address or a header.
    cleaned["event"] = "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(event["event"]))
    cleaned["event"] = mask(cleaned["event"])
    return cleaned


def _known(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop what other people's records hold beyond masking: requests, queries with their values, raw addresses."""
    event.pop("request", None)
    name, text = str(event.get("logger", "")), str(event.get("event", ""))
    if name.startswith("django.db"):
        event["event"] = "query"
        for key in ("sql", "params"):
            event.pop(key, None)
    elif name == "django.request":
        event["event"] = "fault"
    elif name == "gunicorn.error" and text.startswith("Invalid request from"):
        event["event"] = "invalid request"
    elif name == "gunicorn.error" and text.startswith("Error handling request"):
        event["event"] = "error handling request"
    return event


def _fault(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Write down of an exception its kinds and places, from the one that came first to the last."""
    # SECURITY: not its message, which repeats whatever went wrong: a password, an address, a row. Those that
    # speak of code and settings alone are told, because nobody could mend the start without.
    failure = event.pop("exc_info", None)
    if failure is True:
        failure = sys.exc_info()
    error = failure[1] if isinstance(failure, tuple) else failure
    lines: list[str] = []
    while isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        places = [f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in frames]
        told = f": {error}" if isinstance(error, TELLING) else ""
        lines = [*places, f"{type(error).__module__}.{type(error).__qualname__}{told}", *lines]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if lines:
        event["exception"] = "\n".join(lines)
    return event


def _wanted(record: logging.LogRecord) -> bool:
    """Leave out the worker's diary, whose level its command sets itself, and what a request's own line says."""
    if record.name == "django.request":
        return bool(record.exc_info)
    return not record.name.startswith("django_tasks") or record.levelno >= logging.ERROR


def _uncaught(kind: type[BaseException], error: BaseException, place: TracebackType | None) -> None:
    """Log the end of a process of the service; somebody at a terminal sees it as Python shows it."""
    if sys.stderr.isatty() or not issubclass(kind, Exception):
        sys.__excepthook__(kind, error, place)
    else:
        structlog.get_logger("identity.process").critical("fault", exc_info=error)


def configure(*, level: str, form: str) -> None:
    """Send everything to stderr, masked, as JSON or (``form="console"``) for reading."""
    sys.excepthook = _uncaught
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _known,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "masked": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        _fault,
                        _masked,
                        renderer,
                    ],
                }
            },
            "filters": {"wanted": {"()": lambda: _wanted}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "masked", "filters": ["wanted"]}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                "django.server": {"level": "WARNING"},
                "django.request": {"level": "ERROR"},
                "django.security": {"level": "CRITICAL"},  # what it says is in the request's own line
            },
        }
    )
