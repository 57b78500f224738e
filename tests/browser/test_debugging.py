"""A debugging story by clicks: stop under a condition, look, edit, step into a sub-graph, go back, fork, compare."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.cells import LOAD
from tests.browser.lab import expect

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("NBHITL_SHOTS")
"""A folder for pictures to look at."""

QUOTE = """\
%%graph quote --step --input '{"hours": 10, "material": 300, "margin": 0.3, "limit": 1000}'
from typing import TypedDict
from nbhitl import StateGraph

class State(TypedDict, total=False):
    hours: float; material: float; margin: float; limit: float; cost: float; price: float; fits: bool

def parts(state: State):
    return {"cost": state["material"] * 1.1}

def add_margin(state: State):
    return {"price": round((state["cost"] + state["hours"] * 60) * (1 + state["margin"]), 2)}

pricing = StateGraph(State).add_sequence([parts, add_margin]).add_edge(START, "parts").compile()

def check(state: State):
    return {"fits": state["price"] <= state["limit"]}

def cheaper(state: State):
    return {"margin": round(state["margin"] - 0.1, 2)}

def send(state: State):
    print(f"Quote: {state['price']}")

flow(START, node(pricing, name="pricing"), check)
route(check, by="fits", to={True: send, False: cheaper})
flow(cheaper, "pricing")
flow(send, END)
"""


def shot(book, name):
    if SHOTS:
        book.page.set_viewport_size({"width": 1400, "height": 900})
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            book.theme(theme)
            book.page.wait_for_timeout(800)
            book.page.screenshot(path=Path(SHOTS) / f"{name}-{theme.split()[1].lower()}.png")
        book.theme("JupyterLab Light")


def press(book, name):
    """A button below the drawing."""
    book.output(1).get_by_role("button", name=name).click()


def test_a_run_is_debugged_from_the_first_stop_to_the_compared_branches(lab):
    book = lab(
        LOAD,
        QUOTE,
        "%graph state",
        "%graph edit material",
        "%graph back 3",
        "%graph timeline",
        "%graph branches",
        "%graph compare main",
    )
    book.run(0, 1)
    graph = book.graph(1)
    expect(graph.status).to_contain_text("at the start, before pricing")

    # a breakpoint with a condition, from the menu of a node
    graph.node("cheaper").click(button="right")
    book.page.get_by_role("menuitem", name="Condition").click()
    dialog = book.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("margin < 0.25")
    shot(book, "condition")
    dialog.get_by_role("textbox").press("Enter")
    expect(graph.node("cheaper")).to_have_attribute("aria-pressed", "true")
    press(book, "Continue")
    expect(graph.status).to_contain_text("at the breakpoint before cheaper (margin < 0.25)")
    shot(book, "hit")

    # look
    book.run(2)
    expect(book.output(2).get_by_role("row", name="margin")).to_contain_text("0.2")

    # edit the state in a form
    book.run(3)
    form = book.output(3).locator(".nbh-form")
    form.get_by_label("Material").fill("100")
    form.get_by_role("button", name="Write").click()
    expect(form.get_by_role("status")).to_contain_text("Written")

    # step, and into the sub-graph
    press(book, "Step")
    expect(graph.status).to_contain_text("after 1 step, before pricing")
    press(book, "Into")
    expect(graph.status).to_contain_text("after one task, before pricing/parts")
    shot(book, "inside")
    press(book, "Out")
    expect(graph.status).to_contain_text("out of pricing, before check")

    # back three steps, by a verb; the drawing shows where the run stands now
    book.run(4)
    expect(book.output(4)).to_contain_text("back at step")
    expect(graph.status).to_contain_text("back at step")

    # fork at a step of the timeline
    book.run(5)
    steps = book.output(5).locator(".nbh-timeline select")
    steps.select_option(index=1)
    book.output(5).get_by_role("button", name="Fork here").click()
    expect(book.output(5)).to_contain_text("forked at step")
    expect(graph.status).to_contain_text("forked at step")
    shot(book, "timeline")
    press(book, "Continue")
    expect(graph.status).to_contain_text("at the breakpoint before cheaper")

    # the branches, compared
    book.run(6, 7)
    expect(book.output(6).get_by_role("row").filter(has_text="● now")).to_have_count(1)
    expect(book.output(7)).to_contain_text("part after step 0")
    shot(book, "compared")
