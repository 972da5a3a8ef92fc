"""Log lines: structlog for ours and for everybody else's, one JSON object per line."""

import logging
from typing import Any

import structlog

from apps.runs.adapters.known import hide_secrets
from config.env import Environment

SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]


def configure_structlog() -> None:
    """Send structlog's own loggers through the standard library's handlers."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def logging_config(env: Environment) -> dict[str, Any]:
    """Django's LOGGING: everything to standard error in one shape."""
    colours = env.log_format == "console"
    renderer = structlog.dev.ConsoleRenderer(colors=False) if colours else structlog.processors.JSONRenderer()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer, hide_secrets],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": env.log_level},
        "loggers": {
            "django": {"handlers": [], "propagate": True, "level": env.log_level},
            "django.server": {"handlers": [], "propagate": True},
            "uvicorn": {"handlers": [], "propagate": True, "level": env.log_level},
            "uvicorn.access": {"handlers": [], "propagate": False},  # with a handler uvicorn formats a line per request
            "celery": {"handlers": [], "propagate": True, "level": env.log_level},
            "celery.app.trace": {"handlers": [], "propagate": True, "level": logging.WARNING},
            "celery.worker.request": {"handlers": [], "propagate": True, "level": logging.WARNING},
            "celery.worker.strategy": {"handlers": [], "propagate": True, "level": logging.WARNING},
            "celery.beat": {"handlers": [], "propagate": True, "level": logging.WARNING},
            "httpx2": {"handlers": [], "propagate": True, "level": logging.WARNING},
        },
    }
