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
    *("django.contrib.auth.apps", "django.contrib.auth.password_validation", "django.contrib.auth.tokens"),
    *("django.contrib.auth.validators", "django.contrib.contenttypes.apps", "django.contrib.messages.middleware"),
    *("django.contrib.sessions.backends.db", "django.contrib.sessions.middleware", "django.contrib.sites.shortcuts"),
    *("django.contrib.staticfiles.apps", "django.middleware.clickjacking", "django.middleware.common"),
    *("django.middleware.security", "django.utils.translation.trans_null", "django_celery_beat.clockedschedule"),
    *("django_celery_beat.querysets", "django_celery_beat.signals", "django_celery_beat.tzcrontab"),
    *("django_celery_beat.validators", "django_prometheus.apps", "django_prometheus.db.backends.postgresql.base"),
    *("celery.contrib.django.task", "channels.generic.websocket", "channels.routing", "drf_spectacular.checks"),
    *("django.contrib.admin.templatetags.admin_list", "django.contrib.admin.templatetags.admin_modify"),
    *("django.contrib.admindocs.views", "django.core.cache.backends.redis", "django.core.management.commands.check"),
    *("django.core.management.commands.makemigrations", "django.templatetags.cache", "django.templatetags.l10n"),
    *("django.templatetags.tz", "django.views.csrf", "django.views.decorators.http", "rest_framework.metadata"),
    *("rest_framework.negotiation", "rest_framework.permissions"),
    *("aiokafka", "httpcore2", "nats", "jwt"),
    "apps.core.management.local.timezones",
)
PRELOADED = (*PACKAGES, *(f"{name}.*" for name in (*OURS, *OURS_OF_DJANGO)))
