"""Cells of the notebooks that the tests open."""

LOAD = "%load_ext nbhitl"

POST = '''\
%%graph post
from typing import Literal, TypedDict
from pydantic import BaseModel, Field

class State(TypedDict, total=False):
    topic: str; draft: str; decision: str; notes: str

class Review(BaseModel):
    """Publish this draft?"""
    decision: Literal["publish", "revise"]
    notes: str = Field("", description="What should change?")

def draft(state: State):
    return {"draft": f"About {state.get('topic', 'tea')}. {state.get('notes', '')}"}

def review(state: State):
    return interrupt({"draft": state["draft"]}, response_schema=Review).model_dump()

def publish(state: State):
    print("published:", state["draft"])

flow(START, draft, review)
route(review, by="decision", publish=publish, revise=draft)
flow(publish, END)
'''

WAIT = """\
%%graph slow
from pathlib import Path
from time import sleep
from typing import TypedDict

class State(TypedDict, total=False):
    done: str

def wait(state: State):
    with Path("wait.log").open("a") as log:
        log.write("wait\\n")
    while not Path("go").exists():
        sleep(0.02)
    return {"done": "waited"}

def after(state: State):
    print("after:", state["done"])

flow(START, wait, after, END)
"""
"""A node that is at work until the file ``go`` is there, and writes a line each time that it starts."""
