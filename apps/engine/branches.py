"""Where branch nodes lead, as a document writes it (spec/modules.md 3.8)."""

from dataclasses import dataclass

from apps.engine.document import DocumentPath, ModuleEntry

TARGET_KEYS = {"true_target": "true", "trueTarget": "true", "false_target": "false", "falseTarget": "false"}


@dataclass(frozen=True, slots=True)
class Branch:
    """One way out of a branch node."""

    handle: str
    target: str
    path: DocumentPath


def branches_of(entry: ModuleEntry) -> list[Branch]:
    """Return where a branch node leads, `branches` first; `true_target` and `false_target` say the same."""
    found = {
        handle: Branch(handle, target, (*entry.path, "branches", handle)) for handle, target in entry.branches.items()
    }
    for key, handle in TARGET_KEYS.items():
        target = entry.config.get(key)
        if isinstance(target, str) and target:
            found.setdefault(handle, Branch(handle, target, (*entry.path, "config", key)))
    return list(found.values())
