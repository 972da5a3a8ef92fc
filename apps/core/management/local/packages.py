"""What the product's own programs load, to be held by a preloaded process: nothing that reads Django's settings.

Those are a program's own. Of our own code that leaves what knows no settings; a program finds it as it is on disk when
it starts (`held.py`).
"""

OURS = ("apps.engine", "apps.modules.catalog")
OURS_OF_DJANGO = (
    *("config.env", "apps.core.outbound", "apps.core.paging", "apps.core.startup"),
    *("apps.tenants.rules", "apps.workflows.rules", "apps.runs.rules", "apps.runs.adapters.unit"),
    *("apps.runs.adapters.access_log", "apps.runs.adapters.arrivals", "apps.runs.adapters.consumers"),
    *("apps.runs.adapters.hub", "apps.runs.adapters.sweeping", "apps.runs.operations.answered"),
    *("apps.runs.operations.lanes", "apps.runs.operations.poison"),
)
PACKAGES = (
    *("django.contrib.admin", "django.contrib.admin.views.main", "django.contrib.postgres.fields", "django.test"),
    *("django.contrib.auth.hashers", "django.contrib.staticfiles.handlers", "django.core.mail.backends.smtp"),
    *("django.core.management.commands.migrate", "django.db.backends.postgresql.base", "django_prometheus.middleware"),
    *("rest_framework.serializers", "channels.auth", "channels.layers", "channels_redis.pubsub"),
    *("whitenoise.middleware", "whitenoise.storage", "a2wsgi"),
    *("psycopg_pool", "structlog", "pydantic_settings", "argon2", "cron_descriptor", "crontab"),
    *("celery.bin.celery", "celery.apps.worker", "celery.apps.beat", "celery.app.log", "celery.backends.base"),
    *("celery.worker.consumer", "celery.worker.strategy", "celery.worker.components", "celery.concurrency.thread"),
    *("celery.fixups.django", "celery.app.events", "celery.events.state", "kombu.transport.redis"),
    *("uvloop", "uvicorn", "uvicorn.lifespan.on", "uvicorn.protocols.http.httptools_impl", "daphne.endpoints"),
    *("uvicorn.protocols.websockets.websockets_sansio_impl", "anyio._backends._asyncio"),
    *("aiokafka", "httpcore2", "nats", "jwt", "requests", "google.protobuf.internal.python_message"),
    "apps.core.management.local.timezones",
)
PRELOADED = (*PACKAGES, *(f"{name}.*" for name in (*OURS, *OURS_OF_DJANGO)))
