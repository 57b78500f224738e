"""The linter: traps of asking people, seen in a graph's code before it runs. Pure: runs no code, reads only sources.

It rather misses something than cry wolf: a call is an effect only when its name is known for one, or when a function of
the person's does one.
"""

from nbhitl.lint.findings import RULES, Finding, Rule
from nbhitl.lint.linting import lint_graph, lint_notebook, lint_source

__all__ = ["RULES", "Finding", "Rule", "lint_graph", "lint_notebook", "lint_source"]
