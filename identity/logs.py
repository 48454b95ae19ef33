"""Logs: one JSON object a line, with the request's id, secrets and personal data masked."""

import logging
import logging.config
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

__all__ = ["configure", "mask"]

MASK = "[masked]"
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
    return cleaned


def _extra(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep from Django's own records what is safe and drop the request object."""
    event.pop("request", None)
    return event


def configure(*, level: str, form: str) -> None:
    """Send everything to stderr, masked, as JSON or (``form="console"``) for reading."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _extra,
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
                        structlog.processors.format_exc_info,
                        _masked,
                        renderer,
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "masked"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                "django.server": {"level": "WARNING"},
                "django.request": {"level": "ERROR"},
                "django_tasks": {"level": "WARNING"},
            },
        }
    )
