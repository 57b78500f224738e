"""A thread as one page that stands alone: what ran at each step, with the state, the questions and the answers. Pure.

`story` reads the positions of a thread, `page` writes HTML of it, `write` does all of it. Everything that comes from a
graph is shown as text; the page asks for nothing from any network, and its policy forbids that.
"""

from nbhitl.report.page import Heading, page
from nbhitl.report.story import Story, story
from nbhitl.report.writing import STEPS, write

__all__ = ["STEPS", "Heading", "Story", "page", "story", "write"]
