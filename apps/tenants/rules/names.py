"""Which names tenants, projects and secrets may have."""

import re

SLUG = re.compile(r"[a-z](?:[a-z0-9]|-(?!-)){0,48}[a-z0-9]")
SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
RESERVED = frozenset({"admin", "api", "app", "www", "static", "docs", "health", "metrics", "mail", "weft", "system"})


def slug_fault(slug: str) -> str | None:
    """Say what is wrong with a slug, None when nothing is; two hyphens separate environment and tenant in hosts."""
    if not SLUG.fullmatch(slug):
        return "Two to fifty small letters, digits and single hyphens, beginning with a letter."
    return None


def tenant_slug_fault(slug: str) -> str | None:
    """Say what is wrong with a tenant's slug, None when nothing is."""
    return "This name is reserved." if slug in RESERVED else slug_fault(slug)


def secret_name_fault(name: str) -> str | None:
    """Say what is wrong with a secret's name, None when nothing is."""
    return None if SECRET_NAME.fullmatch(name) else "Capital letters, digits and underscores, beginning with a letter."
