"""First floor: does what the engine decides. Performs tasks, asks the saver to remember, streams what happened.

May import the engine only; knows no saver but through `nbhitl.engine.ports`.
"""
