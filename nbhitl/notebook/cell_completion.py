"""What the Tab key offers in the first line of a ``%%graph`` cell: its options, and what these take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from argparse import Action
    from collections.abc import Iterable

    from nbhitl.notebook.workspace import Workspace

_LINE: Final = re.compile(r"%%graph\s+(?P<words>.*\s)?(?P<word>\S*)\Z")
_FUNCTION: Final = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
_CLASS: Final = re.compile(r"^class[ \t]+(\w+)", re.MULTILINE)


def of_cell(workspace: Workspace, source: str, before: str) -> tuple[str, list[str]] | None:
    """The word before the cursor, and what it can become; None where the line is no such line, or takes a file.

    Args:
        workspace: of the kernel.
        source: the whole cell.
        before: its first line up to the cursor.
    """
    line = _LINE.match(before)
    if line is None:
        return None
    words, word = (line["words"] or "").split(), line["word"]
    actions: list[Action] = _parser(workspace)._actions  # noqa: SLF001 - argparse has no other list of its options
    options = {name: action for action in actions for name in action.option_strings}
    option = options.get(words[-1]) if words else None
    if option is not None and option.nargs != 0:
        taken = _taken(workspace, source, option, words[0])
        return None if taken is None else (word, _begin(taken, word))
    if words and (word.startswith("-") or not word):
        return word, _begin((name for name in options if name.startswith("--")), word)
    return word, []


def _parser(workspace: Workspace) -> Any:
    return workspace.shell.find_cell_magic("graph").parser


def _taken(workspace: Workspace, source: str, option: Action, graph: str) -> Iterable[str] | None:
    """What can follow an option; None where nothing of ours does: a file's name."""
    if option.choices is not None:
        return map(str, option.choices)
    match option.dest:
        case "breakpoints":
            return _FUNCTION.findall(source)
        case "state":
            return _CLASS.findall(source)
        case "input" | "context" | "store":
            hidden = getattr(workspace.shell, "user_ns_hidden", {})
            return (name for name in workspace.shell.user_ns if name not in hidden and not name.startswith("_"))
        case "thread":
            return (key.thread for key in workspace.all_stored(graph)) if workspace.is_open else ()
        case "rename":
            return ()
        case _:
            return None


def _begin(names: Iterable[str], word: str) -> list[str]:
    return sorted({name for name in names if name.startswith(word)})
