"""Template tags for what `frontend/packages/kit` draws too: the same markup, so that both share their styles."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.contrib.staticfiles.storage import staticfiles_storage
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.pages import formats
from apps.core.pages.build import entry_files

register = template.Library()
REDACTED = "[redacted]"
OPEN_DEPTH = 2
OPENED = SafeString(" open")


@register.simple_tag
def built_files() -> SafeString:
    """Link the styles and the script of the frontend's build."""
    styles, scripts = entry_files()
    links = format_html_join("\n", '<link rel="stylesheet" href="{}">', ((url,) for url in styles))
    return links + format_html_join("\n", '<script type="module" src="{}"></script>', ((url,) for url in scripts))


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw a symbol of the sprite; without a label it is decoration."""
    url = f"{staticfiles_storage.url('icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, url)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', url)


@register.simple_tag
def state_pill(state: str) -> SafeString:
    """Show a state with colour, icon and word."""
    tone = {"claimed": "running"}.get(state, state if state in formats.STATES else "unknown")
    word = formats.STATES.get(state, state)
    return format_html('<span class="pill pill--{}">{}{}</span>', tone, icon(f"state-{tone}"), word)


@register.simple_tag
def state_icon(state: str) -> SafeString:
    """Draw the symbol of a state, beside its word."""
    return icon(f"state-{state}")


@register.simple_tag
def finding_pill(severity: str, count: int) -> SafeString:
    """Show how many findings of a severity there are."""
    word = formats.FINDINGS.get(severity, severity)
    return format_html(
        '<span class="finding-pill finding-pill--{}">{}{} {}</span>', severity, icon(severity), count, word
    )


@register.simple_tag
def moment(at: datetime | str | None) -> SafeString:
    """Show a time, given as such or in ISO form: relative to read, exact on hover."""
    if not at:
        return format_html('<span class="muted">{}</span>', "never")
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    words = formats.relative_words(at, timezone.now())
    exact = at.strftime("%d %b %Y, %H:%M:%S UTC")
    return format_html('<time datetime="{}" title="{}" data-relative>{}</time>', at.isoformat(), exact, words)


@register.simple_tag
def identity(value: Any) -> SafeString:
    """Show an id: short to read, whole to copy."""
    return format_html(
        '<span class="id" title="{0}"><span class="id__text">{1}</span>'
        '<button type="button" class="icon-button icon-button--small" data-copy="{0}" aria-label="Copy id {0}">{2}'
        "</button></span>",
        str(value),
        formats.short(value),
        icon("copy"),
    )


@register.filter
def duration(microseconds: int | None) -> str:
    """Say a length of time with its unit; dots while it is not known."""
    return "…" if microseconds is None else formats.duration_words(microseconds)


@register.filter
def entry(value: str) -> str:
    """Say what a run entered by."""
    return formats.entry_words(value)


@register.filter
def prose(text: str) -> SafeString:
    """Set the words of a docstring as paragraphs and lists, with what stands in backticks as code."""
    parts = [part.strip() for part in text.replace("``", "`").split("\n\n")]
    return format_html_join(
        "", "{}", ((_listed(part) if part.startswith("- ") else _paragraph(part),) for part in parts if part)
    )


@register.filter
def coded(text: str) -> SafeString:
    """Set what stands in backticks as code."""
    return _with_code(text)


@register.filter
def grouped(value: int) -> str:
    """Write a count with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u202f")


@register.filter
def shortened(value: Any) -> str:
    """Return the end of an id."""
    return formats.short(value)


@register.simple_tag
def json_tree(value: Any, label: str, folded: bool = False) -> SafeString:
    """Show a JSON value to unfold; what was redacted says so. Folded, only its first level is shown."""
    tree = _json(value, OPEN_DEPTH if folded else 0)
    return format_html('<div class="json" role="group" aria-label="{}">{}</div>', label, tree)


@register.simple_tag
def sparkline(values: Sequence[int], failed: Sequence[int] | None = None, large: bool = False) -> SafeString:
    """Draw counts as bars, the failed part of each on top in its own colour; decoration beside the number."""
    bars = format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}" class="{}"/>', _bars(values, failed or []))
    name = "spark-large" if large else "spark"
    box = f"0 0 {max(1, len(values)) * 10} 100"
    return format_html(
        '<svg class="{}" viewBox="{}" preserveAspectRatio="none" aria-hidden="true">{}</svg>', name, box, bars
    )


def _paragraph(text: str) -> SafeString:
    return format_html("<p>{}</p>", _with_code(" ".join(text.split())))


def _listed(text: str) -> SafeString:
    items = [" ".join(item.split()) for item in f"\n{text}".split("\n- ") if item.strip()]
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((_with_code(item),) for item in items)))


def _with_code(text: str) -> SafeString:
    pieces = ((index % 2, piece) for index, piece in enumerate(text.split("`")))
    marked = ((format_html("<code>{}</code>", piece) if is_code else piece,) for is_code, piece in pieces)
    return format_html_join("", "{}", marked)


def _bars(values: Sequence[int], failed: Sequence[int]) -> list[tuple[str, str, str, str, str]]:
    top = max([1, *values])
    bars = []
    for index, value in enumerate(values):
        height = max(2.0, value / top * 100)
        bad = (failed[index] if index < len(failed) else 0) / top * 100
        x = f"{index * 10 + 1}"
        bars.append((x, f"{100 - height:.1f}", "8", f"{height:.1f}", "spark__all"))
        if bad:
            bars.append((x, f"{100 - height:.1f}", "8", f"{max(4.0, bad):.1f}", "spark__failed"))
    return bars


def _json(value: Any, depth: int) -> SafeString:
    if isinstance(value, dict) and value:
        return _entries([(str(key), inner) for key, inner in value.items()], depth)
    if isinstance(value, list) and value:
        return _entries([(str(index), inner) for index, inner in enumerate(value)], depth)
    return _scalar(value)


def _entries(pairs: list[tuple[str, Any]], depth: int) -> SafeString:
    lines = format_html_join("", "{}", ((_entry(key, inner, depth),) for key, inner in pairs))
    return format_html('<ul class="json__entries">{}</ul>', lines)


def _entry(key: str, value: Any, depth: int) -> SafeString:
    if isinstance(value, dict | list) and value:
        size = f"[{len(value)}]" if isinstance(value, list) else f"{{{len(value)}}}"
        return format_html(
            '<li><details{}><summary><span class="json__key">{}</span> <span class="json__size">{}</span>'
            "</summary>{}</details></li>",
            OPENED if depth < OPEN_DEPTH else "",
            key,
            size,
            _json(value, depth + 1),
        )
    return format_html('<li class="json__leaf"><span class="json__key">{}</span> {}</li>', key, _scalar(value))


def _scalar(value: Any) -> SafeString:
    if value == REDACTED:
        return format_html('<span class="json__redacted">{} redacted</span>', icon("lock"))
    kinds = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
    text = json.dumps(value, ensure_ascii=False, default=str)
    return format_html('<span class="json__{}">{}</span>', kinds.get(type(value), "object"), text)
