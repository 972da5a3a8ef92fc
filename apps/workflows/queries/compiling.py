"""Compiling texts for an environment: with the values of its secrets where settled texts of a config hold some."""

from dataclasses import replace
from functools import lru_cache
from uuid import UUID

from apps.engine.application import Application
from apps.engine.check import DEPLOYED
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import DocumentRefused, SecretsRefused
from apps.engine.placeholders import ADDRESS
from apps.engine.secret_values import SecretValues
from apps.modules.queries import registry
from apps.tenants.queries import secret_values


def values_of(environment_id: UUID, refused: SecretsRefused) -> SecretValues:
    """Return what an environment of the scope's tenant has of the secrets that a document waits for."""
    return SecretValues(secret_values(environment_id=environment_id, references=refused.references))


def compile_text(text: str, values: SecretValues | None = None) -> Application | DocumentRefused:
    """Return the compiled form of a deployed text, or why there is none.

    A text with secrets in settled texts is a `SecretsRefused` as long as they are not given.
    """
    loaded = load(text)
    if loaded.document is None:
        return DocumentRefused(loaded.findings)
    try:
        return compile_document(loaded.document, registry(), replace(DEPLOYED, values=values))
    except SecretsRefused as refused:
        return SecretsRefused(refused.findings, refused.references)  # a new one, since it is kept: without its frames
    except DocumentRefused as refused:
        return DocumentRefused(refused.findings)


@lru_cache(maxsize=256)
def compiled(text: str, values: SecretValues | None = None) -> Application | DocumentRefused:
    """As `compile_text`, kept by text and values: nobody gets what was compiled with values of somebody else."""
    return compile_text(text, values)


def may_name(text: str, name: str) -> bool:
    """Whether a text may name a secret: told without reading it, so that most need not be read."""
    return name in text or ADDRESS in text or "\\" in text  # which may write it in escapes


def settled_secrets(text: str) -> frozenset[str]:
    """Return the names of the secrets that a text needs for being compiled."""
    found = compiled(text)
    references = found.references if isinstance(found, SecretsRefused) else frozenset()
    return frozenset(reference.partition("#")[0] for reference in references)


def compiled_in(text: str, environment_id: UUID) -> Application | None:
    """Return the compiled form of a text in an environment of the scope's tenant, None when there is none."""
    found = compiled(text)
    if isinstance(found, SecretsRefused):
        found = compiled(text, values_of(environment_id, found))
    return found if isinstance(found, Application) else None
