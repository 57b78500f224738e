"""How large an answer may be, and how much of a form's words is shown. Imports nothing."""

from __future__ import annotations

from typing import Final

TEXT_CAP: Final = 1_000_000
"""Characters in one text of an answer; the content of a file has a limit of its own."""
TEXTS_CAP: Final = 10_000_000
"""Characters in all texts of an answer together, the contents of files aside."""
FILE_CAP: Final = 10_000_000
"""Bytes of an uploaded file where its schema does not say."""
ITEMS_CAP: Final = 10_000
"""Elements of one list."""
VALUES_CAP: Final = 1_000_000
"""Values in an answer, at all levels together."""
PROBLEMS_CAP: Final = 100
"""Problems of an answer that are named; of the others only how many there are."""
LABEL_CAP: Final = 200
"""Characters of a label: they may come from a model, and a screen has to hold them."""
DEEPEST: Final = 100
"""Levels of lists and objects in an answer."""
NESTED_CAP: Final = 5
"""Levels of objects and lists that get controls of their own; what lies deeper is filled in as JSON."""
FIELDS_CAP: Final = 1_000
"""Fields of a form, nested ones included; what comes after them is filled in as JSON."""
