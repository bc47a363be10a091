"""What there is to say of one setting, beside its default, and which values it can have."""

from dataclasses import Field, dataclass, field
from typing import Any

# The groups of --help and of the reference page, in their order.
SERVING, TIMES, LIMITS = "Serving", "Times", "Limits"
PROXY, LOGS, MEMORY = "Behind a proxy", "Logs", "Memory and disk"
GROUPS = (SERVING, TIMES, LIMITS, PROXY, LOGS, MEMORY)

# Beyond it clocks and select() overflow, and nobody means it.
_LONGEST_S = 86_400.0


@dataclass(frozen=True, slots=True)
class About:
    """What there is to say of one setting."""

    meaning: str
    reason: str
    """Why the default is what it is, or what it defends against."""
    group: str
    unit: str = ""
    option: str | None = None
    """The option of the command line; None: only in Python, since nobody should need it."""
    choices: tuple[str, ...] = ()


def setting(default: Any, meaning: str, reason: str, **more: Any) -> Any:
    """A field of a dataclass, explained."""
    return field(default=default, metadata={"about": About(meaning, reason, **more)})


def is_explained(each: Field[Any]) -> bool:
    """Is it a setting by itself, not a group of them?"""
    return "about" in each.metadata


def about(each: Field[Any]) -> About:
    """What `setting` was told."""
    explained: About = each.metadata["about"]
    return explained


def value_type(each: Field[Any]) -> type:
    """bool, int, float, str, or tuple for several of str."""
    for kind in (bool, int, float, str):
        if each.type in (kind, kind | None):
            return kind
    return tuple if isinstance(each.default, tuple) else str


def fault(each: Field[Any], value: object) -> str | None:
    """What is wrong with a value, to be said behind `name=value`; None: nothing."""
    if value is None and each.default is None:
        return None
    choices = about(each).choices
    if choices:
        return None if value in choices else f"is not known. Use one of {', '.join(choices)}."
    kind = value_type(each)
    if kind is int:
        return None if _is_number(value, int) else "cannot work. Use a whole number above 0."
    if kind is float:
        is_time = _is_number(value, int | float)
        return None if is_time else "cannot work. Use seconds above 0, 86400 (a day) at most."
    if kind is tuple:
        is_texts = isinstance(value, tuple) and all(isinstance(item, str) for item in value)
        return None if is_texts else "is no tuple of texts, as ('/healthz',)."
    return None if isinstance(value, kind) else f"is no {kind.__name__}."


def _is_number(value: object, kind: Any) -> bool:
    # A bool is an int, and `threads=True` is a mistake. NaN is not above 0 either.
    if not isinstance(value, kind) or isinstance(value, bool):
        return False
    return value > 0 and (kind is int or value <= _LONGEST_S)
