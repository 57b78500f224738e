"""The text of an expression -> its tree, and errors that say where in the text something is wrong."""

from __future__ import annotations

import ast

from nbhitl.engine.errors import ExpressionError

MOST_TEXT = 1_000
"""Characters of an expression."""
_SHOWN = 80


def parsed(text: str) -> ast.expr:
    """The tree of an expression. Raises `ExpressionError` for what is no expression of Python."""
    if len(text) > MOST_TEXT:
        raise ExpressionError(f"an expression has at most {MOST_TEXT:,} characters, this one has {len(text):,}", text)
    if not text.strip():
        raise ExpressionError("the expression is empty: write something such as score > 3", text)
    if "\n" in text or "\r" in text:
        raise ExpressionError(f"an expression is one line, and {quoted(text)} has several", text)
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        column = min((error.offset or len(text)) + _indent(text), len(text))
        message = f"{quoted(text)} is no expression, column {column}: {_reason(error, text)}"
        raise ExpressionError(message, text, column) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{quoted(text)} is no expression: {_cause(error)}", text) from None


def _cause(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else "its parts stand too deep in each other"


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _reason(error: SyntaxError, text: str) -> str:
    bare = text.replace("==", "").replace("<=", "").replace(">=", "").replace("!=", "")
    if "=" in bare:
        return "nothing can be assigned here; to compare, write =="
    return error.msg or "it cannot be read"


def complaint(node: ast.AST, text: str, message: str, name: str = "") -> ExpressionError:
    """The error that says where in an expression something is wrong, and keeps the place."""
    column, piece = _place(node, text)
    where = "" if piece == text.strip() else f", column {column} ({quoted(piece)})"
    return ExpressionError(f"the expression {quoted(text.strip())}{where}: {message}", text, column, name)


def _place(node: ast.AST, text: str) -> tuple[int, str]:
    """The first column of a part, counted from 1, and its own text; Python counts in bytes."""
    raw = text.strip().encode("utf-8", "surrogatepass")
    begin, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", None) or len(raw)
    if not 0 <= begin < end <= len(raw) or getattr(node, "lineno", 1) != 1:
        begin, end = 0, len(raw)  # before Python 3.12, parts of an f-string do not know where they stand
    before, piece = raw[:begin].decode("utf-8", "replace"), raw[begin:end].decode("utf-8", "replace")
    return len(before) + 1 + _indent(text), piece


def quoted(text: str) -> str:
    """A piece of text for a message: short, in quotes, and without characters that move a cursor."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "\u2026")
