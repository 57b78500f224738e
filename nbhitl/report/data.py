"""A story as JSON for the page's script: each step says only what differs from the one before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nbhitl.report.phrases import clean
from nbhitl.report.picture import SIGNS, WORDS

if TYPE_CHECKING:
    from nbhitl.drawing import Drawing
    from nbhitl.report.phrases import Phrases
    from nbhitl.report.story import Step, Story


def data(story: Story, phrases: Phrases, drawing: Drawing | None) -> str:
    """The story as JSON that may stand inside of a ``script`` element."""
    ids = {} if drawing is None else {node.name: node.id for node in drawing.named}
    known: set[str] = set()
    steps = []
    for step in story.steps:
        made = _step(step, phrases, ids)
        if step.taken is not None and drawing is not None:
            edges = set(phrases.edges(drawing, step.taken))
            made["taken"] = sorted(edges - known)
            known |= edges
        steps.append({name: value for name, value in made.items() if value not in ("", [], {})})
    whole = {
        "texts": [story.texts[number] for number in range(len(story.texts))],
        "keys": [[key, clean(key)] for key in story.keys],
        "nodes": {} if drawing is None else {node.id: node.label for node in drawing.named},
        "signs": SIGNS,
        "words": WORDS,
        "steps": steps,
    }
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    # Within a script element only these could end it, or begin a comment.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _step(step: Step, phrases: Phrases, ids: dict[str, str]) -> dict[str, Any]:
    return {
        "name": phrases.name(step),
        "facts": phrases.facts(step),
        "what": phrases.what(step),
        "ran": [
            [phrases.node(node), [[clean(key), number] for key, number in wrote.items()]] for node, wrote in step.ran
        ],
        "set": dict(step.values),
        "due": [phrases.node(node) for node in step.due],
        "look": {ids[node]: look for node, look in step.looks.items() if node in ids},
        "said": [
            [clean(one.node), one.fate, one.question, one.before, one.answer, clean(one.who), clean(one.note)]
            for one in step.said
        ],
        "errors": [[clean(node), number] for node, number in step.errors],
        "leaving": phrases.leaving(step),
    }
