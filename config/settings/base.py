"""Settings shared by development, test and production; composed from the environment table."""

import os
from typing import Any

from config.env import ROOT, Environment
from config.settings.database import databases
from config.settings.mail import mail
from config.settings.observability import configure_structlog, logging_config
from config.settings.security import POLICY, security

ENV = Environment()
BASE_DIR = ROOT
MODULE_CATALOG = "apps.modules.catalog"  # the package of the module types
MODULE_LEVELS = BASE_DIR / ".weft" / "levels.json"  # what the last whole test run showed about each of them
MODULE_EXAMPLES = BASE_DIR / "examples" / "modules"
GIVEN = dict(os.environ)

SECRET_KEY = ENV.secret_key
SECRET_KEY_FALLBACKS = ENV.secret_key_fallbacks
ENCRYPTION_KEYS = ENV.encryption_keys
DEBUG = ENV.debug
ALLOWED_HOSTS = ENV.allowed_hosts
BASE_HOST = ENV.base_host
PUBLIC_URL = ENV.public_url.rstrip("/")
TRUSTED_PROXIES = ENV.trusted_proxies
OUTBOUND_ALLOW = ENV.outbound_allow
METRICS_TOKEN = ENV.metrics_token
DATA_DIR = ENV.data_dir
DRAIN_SECONDS = ENV.drain_seconds
WEB_THREADS = ENV.web_threads
CLIENT_RATE = ENV.client_rate
DEMO_RECEIVER_URL = ENV.demo_receiver_url
API_CALLS_PER_MINUTE = ENV.api_calls_per_minute

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "apps.core",  # before staticfiles: its runserver is the one that is found
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_prometheus",
    "apps.tenants",
    "apps.modules",
    "apps.workflows",
    "apps.runs",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "config.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apps.tenants.middleware.TenantScopeMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
ASGI_TARGET = "config.asgi:application"
HTTP_PROTOCOL = "config.protocol:Shortcuts"
WSGI_APPLICATION = None
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.tenants.pages.frame.frame",
            ],
            "builtins": ["apps.core.pages.tags"],
        },
    }
]

DATABASES = databases(ENV)
DATABASE_URL = ENV.database_url
DATABASE_RELAY_URL = ENV.database_relay_url
DATABASE_OPS_URL = ENV.database_ops_url
DATABASE_OWNER_URL = ENV.database_owner_url
DATABASE_DIRECT_URL = ENV.database_direct_url or ENV.database_relay_url
WEFT_ROLE_PREFIX = ENV.role_prefix
DATABASE_POOL_APP = ENV.database_pool_app
DATABASE_POOL_RELAY = ENV.database_pool_relay
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "tenants.User"
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in"
globals().update(security(ENV))
CONTENT_SECURITY_POLICY: str = POLICY
CSRF_TRUSTED_ORIGINS: list[str] = []
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
SILENCED_SYSTEM_CHECKS = ["security.W008"]

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

REDIS_URL = ENV.redis_url
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "weft"},
    }
}

CELERY_BROKER_URL = ENV.broker
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 5, "retry_on_timeout": True}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = ENV.worker_threads
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
DJANGO_CELERY_BEAT_TZ_AWARE = True

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.api.bodies.JsonParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "apps.core.api.problems.exception_handler",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Weft",
    "DESCRIPTION": "Workflows as one YAML document: checked, published, deployed, run.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "PREPROCESSING_HOOKS": ["apps.core.api.openapi.only_for_keys"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.modules.api.described.with_configs",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

DEFAULT_FROM_EMAIL = ENV.email_from
globals().update(mail(ENV))
PROMETHEUS_EXPORT_MIGRATIONS = False

configure_structlog()
LOGGING = logging_config(ENV)
