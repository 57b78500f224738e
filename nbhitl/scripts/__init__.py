"""Runs without people: scripted answers from a file or from Python, recorded ones replayed, and threads as tests.

May not know notebooks, graphs as they are built, or savers: what it needs of a run it is given.
"""

from nbhitl.scripts.script import PERSON, ScriptedAnswers

__all__ = ["PERSON", "ScriptedAnswers"]
