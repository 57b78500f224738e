"""The words behind a verb, by argparse; mistakes are our errors, and help comes from the same place."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.notebook.verbs.verb import split


class Arguments(argparse.ArgumentParser):
    """What a verb takes. ``raw`` names options whose text is taken as it stands, quotes inside included."""

    def __init__(self, verb: str, usage: str, raw: tuple[str, ...] = ()) -> None:
        super().__init__(
            prog=f"%graph {verb}",
            usage=f"%graph {usage}".replace("%", "%%"),
            add_help=False,
            allow_abbrev=False,
            formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=16, width=110),
        )
        self.says = usage
        self.raw = raw
        for option in raw:
            self.add_argument(f"--{option}", default="", help=argparse.SUPPRESS)

    @property
    def names(self) -> list[str]:
        """The long names of the options: ``--after``."""
        return [name for action in self._actions for name in action.option_strings if name.startswith("--")]

    def read(self, words: str) -> argparse.Namespace:
        """The words taken apart. Raises `NbhitlError`, with the usage."""
        texts, rest = self._texts(words)
        found = self.parse_args(split(rest, self.says))
        for option, text in texts.items():
            setattr(found, option, text)
        return found

    def _texts(self, words: str) -> tuple[dict[str, str], str]:
        found: dict[str, str] = {}
        names = "|".join(re.escape(name) for name in self.names)
        for option in self.raw:
            match = re.search(rf"(?:^|\s)--{option}(?:\s+|=|$)(.*?)(?=\s(?:{names})(?:\s|=|$)|$)", words)
            if match:
                text = match[1].strip()
                if not text:
                    self.error(f"--{option} needs a text behind it")
                found[option] = _unquoted(text)
                words = words[: match.start()] + words[match.end() :]
        return found, words

    def error(self, message: str) -> NoReturn:
        """Raise `NbhitlError`: argparse would print and exit."""
        unknown = re.fullmatch(r"unrecognized arguments: (--[\w-]+).*", message)
        if unknown:
            message = f"there is no option {unknown[1]}.{did_you_mean(unknown[1], self.names)}"
        number = re.fullmatch(r"argument (\S+): invalid (int|float) value: (.*)", message)
        if number:
            message = f"{number[1]} is a {'whole ' if number[2] == 'int' else ''}number, not {number[3]}"
        message = message if message.endswith("?") else f"{message.rstrip('.')}."
        raise NbhitlError(f"%graph {self.says}: {message} %graph {self.prog.split()[-1]}? explains it.")

    def options(self) -> str:
        """What each argument is, for help."""
        return self.format_help().partition("\n\n")[2].strip()

    def argument(self, *names: str, **more: Any) -> Arguments:
        """As ``add_argument``, to be chained."""
        self.add_argument(*names, **more)
        return self


def _unquoted(text: str) -> str:
    """Without the quotes around all of it."""
    quote = text[0]
    whole = len(text) > 1 and quote in "\"'" and text[-1] == quote and quote not in text[1:-1]
    return text[1:-1] if whole else text
