"""Ground floor: what a graph is, what has happened, and what has to happen now.

Nothing here reads a file, a clock or a random number, starts a thread, or knows asyncio: every function
is pure, so its tests compare plain values with ``==``. Only the standard library may be imported.
"""
