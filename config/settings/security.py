"""What the browser is told, how passwords are kept, how long a session lives."""

from datetime import timedelta
from typing import Any

from config.env import Environment

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'; "
    "object-src 'none'"
)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]

PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]


def security(env: Environment) -> dict[str, Any]:
    """Django's security settings; several depend on whether the product is served over TLS."""
    return {
        "PASSWORD_HASHERS": PASSWORD_HASHERS,
        "AUTH_PASSWORD_VALIDATORS": PASSWORD_VALIDATORS,
        "SECURE_SSL_REDIRECT": False,
        "SECURE_HSTS_SECONDS": int(timedelta(days=365).total_seconds()) if env.tls else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": env.tls,
        "SECURE_HSTS_PRELOAD": env.tls,
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if env.tls and env.trusted_proxies else None,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        "SESSION_COOKIE_SECURE": env.tls,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_AGE": int(timedelta(hours=12).total_seconds()),
        "SESSION_COOKIE_NAME": "weft_session",
        "CSRF_COOKIE_SECURE": env.tls,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_NAME": "weft_csrf",
    }
