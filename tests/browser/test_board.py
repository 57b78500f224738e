"""Boards, deadlines, and answers from elsewhere, as a person sees them."""

import json
import subprocess
import sys

import pytest

from tests.browser.cells import LOAD
from tests.browser.lab import Form, expect

pytestmark = pytest.mark.browser

FAN = '''%%graph fan
import operator
from typing import Annotated, Literal, TypedDict
from pydantic import BaseModel, Field
from nbhitl import Command, Send

class State(TypedDict, total=False):
    done: Annotated[list, operator.add]

class Review(BaseModel):
    """Publish this draft?"""
    decision: Literal["publish", "revise"]

def plan(state: State):
    return Command(goto=[Send("review", n) for n in range(100)])

def review(n):
    return {"done": [interrupt(f"part {n} <b>of</b> it", response_schema=Review).decision]}

def count(state: State):
    print("published:", state["done"].count("publish"), "revised:", state["done"].count("revise"))

flow(START, plan)
flow(review, count, END)
'''
TWO = """%%graph two
from typing import Literal, TypedDict

class State(TypedDict, total=False):
    got: str
    more: str

def ask(state: State):
    return {"got": interrupt("First?", response_schema=Literal["yes", "no"])}

def wait(state: State):
    return {"more": interrupt("Second?", response_schema=Literal["yes", "no"], deadline=5, default="no")}

def after(state: State):
    print("after:", state["got"], state["more"])

flow(START, ask, wait, after, END)
"""
BUSY = "from time import sleep\nfrom pathlib import Path\nwhile not Path('go').exists(): sleep(0.05)"
LOOP = """%%graph loop
from typing import Literal, TypedDict

class State(TypedDict, total=False):
    n: int

def ask(state: State):
    n = state.get("n", 0)
    told = interrupt(f"Round {n}?", response_schema=Literal["to the left", "to the right"])
    with open("effects.log", "a") as log:
        log.write(f"{n} {told[-5:]}\\n")
    return {"n": n + 1}

flow(START, ask, ask)
"""
SUBMIT = ".nbh-submit:visible"
PRESS = """after => {
  const press = () =>
    [...document.querySelectorAll('.nbh-submit')].filter(b => !b.disabled && b.offsetParent).at(-1).click();
  setTimeout(press, after);
}"""


def command(book, *words):
    file = book.path.parent / ".nbhitl" / f"{book.path.stem}.duckdb"
    verb, *rest = words
    return subprocess.run(
        [sys.executable, "-m", "nbhitl.cli", verb, str(file), *rest],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_hundred_questions_are_filtered_answered_alike_and_submitted_in_one_go(lab):
    book = lab(LOAD, FAN, BUSY)
    book.run(0, 1)
    output = book.output(1)
    rows = output.locator(".nbh-board-row")
    expect(rows).to_have_count(100)
    expect(rows.first).to_contain_text("part 0 <b>of</b> it")

    search = output.get_by_label("Filter the questions by node or text")
    book.start(2)  # while the kernel is busy
    search.fill("part 7")
    expect(rows).to_have_count(11)
    expect(output.locator(".nbh-board-count")).to_contain_text("11 of 100 shown")
    (book.path.parent / "go").touch()
    book.ended(2)

    rows.first.click()  # part 7
    form = book.form(1)
    expect(form.box).to_contain_text("part 7")
    form.choose("revise")
    form.submit.click()
    output.get_by_role("button", name="Same answer for 10 more shown").click()
    expect(output.get_by_role("button", name="Submit 11 answers")).to_be_enabled()
    output.get_by_role("button", name="Submit 11 answers").click()  # some of them
    search.fill("")
    expect(output.locator(".nbh-board-count")).to_contain_text("89 open, 0 ready")
    expect(output.locator(".nbh-is-answered")).to_have_count(11)

    output.locator(".nbh-is-open").first.click()
    form = book.form(1)
    expect(form.box).to_contain_text("part 0")
    form.choose("publish")
    form.submit.click()
    output.get_by_role("button", name="Same answer for 88 more shown").click()
    output.get_by_role("button", name="Submit 89 answers").click()
    expect(book.graph(1).box).to_have_attribute("data-status", "finished")
    expect(output).to_contain_text("published: 89 revised: 11")


def test_an_answer_from_the_command_line_and_a_default_arrive_without_a_click(lab):
    book = lab(LOAD, TWO)
    book.run(0, 1)
    book.form(1).box.get_by_role("button", name="no", exact=True).click()
    (question,) = json.loads(command(book, "inbox", "--json").stdout)
    done = command(book, "answer", question["id"], "yes", "--by", "ann", "--note", "by mail")
    assert done.returncode == 0, done.stderr
    forms = book.output(1).locator(".nbh-form")
    expect(forms.first).to_contain_text("Answered elsewhere by ann through the command line at")
    expect(forms.first).to_contain_text("yes (by mail)")
    expect(forms.last).to_contain_text("left, then: no")
    expect(forms.last.get_by_role("timer")).to_be_visible()
    expect(forms.last).to_contain_text("the default no was taken")
    expect(book.output(1)).to_contain_text("after: yes no")
    assert command(book, "answer", question["id"], "no").returncode == 3


def test_after_a_restart_an_old_form_says_that_it_is_dead(lab):
    book = lab(LOAD, TWO)
    book.run(0, 1)
    book.restart()
    expect(book.output(1).locator(".nbh-form")).to_contain_text("The kernel was restarted: run the cell again")
    gone = book.output(1).locator(".nbh-live .jupyter-widgets-disconnected:not(button)")
    expect(gone.first).to_be_attached()
    signs = gone.evaluate_all("all => all.map(e => getComputedStyle(e, '::before').display)")
    assert set(signs) == {"none"}  # it is said in words, and once
    expect(book.output(1).locator(".nbh-submit")).to_be_disabled()


def test_of_two_pages_that_answer_at_once_one_counts_and_both_say_the_same(lab, server):
    book = lab(LOAD, LOOP)
    book.run(0, 1)
    book.save()
    other = book.page.context.new_page()
    name = book.path.relative_to(server.root).as_posix()
    other.goto(f"{server.url}/lab/workspaces/other/tree/{name}?token={server.token}&reset")
    pages = [book.page, other]
    for number in range(5):
        forms = [
            Form(page.locator(".nbh-form").filter(has_text=f"Round {number}?").filter(has=page.locator(SUBMIT)))
            for page in pages
        ]
        for form, choice in zip(forms, ("to the left", "to the right"), strict=True):
            form.choose(choice)
        book.page.evaluate(PRESS, 60)
        other.evaluate(PRESS, 50)
        for page in pages:
            expect(page.locator(".nbh-form").last).to_contain_text(f"Round {number + 1}?")
    effects = (book.path.parent / "effects.log").read_text().split("\n")[:-1]
    assert [line.split()[0] for line in effects] == list("01234")
    other.close()
    book.shutdown()
    assert book.sql("SELECT count(*), count(DISTINCT interrupt) FROM answers") == [(5, 5)]
