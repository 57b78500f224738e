"""Questions that read well in a lesson: each is a thin `interrupt` with a schema, and gives back a typed value.

The value of such a question is its text; or, where something is shown beside it, the dict
``{"question": text, "show": [what is shown, ...]}``, with ``"problem"`` where it is asked again.
"""
