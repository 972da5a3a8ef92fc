"""What a workflow may be called in an address: `/w/<tenant>/<environment>~<slug>/...`."""

import re

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


def is_slug(text: str) -> bool:
    """Say whether `text` can be a workflow's part of an address."""
    return _SLUG.fullmatch(text) is not None


def slug_from_name(name: str) -> str:
    """Return the nearest slug to a name, empty when nothing of the name can be kept."""
    return _NOT_IN_SLUG.sub("-", name.lower()).strip("-")[:63].rstrip("-")
