"""Every trap in a small lesson: the linter names the line that is marked, and no other."""

import re
from textwrap import dedent

import pytest

from nbhitl.lint import RULES, lint_source

HEAD = """\
import asyncio, contextlib, os, random, requests, smtplib, sqlite3, subprocess, threading, time, uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import nbhitl
from nbhitl import START, END, Command, GraphInterrupt, StateGraph
from nbhitl import approve, ask, ask_until, choose, edit, interrupt, once
"""

TRAPS = {
    # 101: what stands before a question runs again
    "a request is sent before the question": """
        def order(state):
            requests.post("https://shop/orders", json=state["cart"])  # <- NBH101
            return {"ok": interrupt("Right?")}
        """,
    "a request is sent before the question in a task": """
        from nbhitl import task
        @task
        def order(cart):
            requests.post("https://shop/orders", json=cart)  # <- NBH101
            return interrupt("Right?")
        """,
    "a request is sent before a task that asks": """
        from nbhitl import entrypoint, task
        @task
        def sure(cart):
            return interrupt("Right?")
        @entrypoint()
        def order(cart):
            requests.post("https://shop/orders", json=cart)  # <- NBH101
            return sure(cart).result()
        """,
    "a mail is sent by a function that is not shown here": """
        from office import send_mail
        def tell(state):
            send_mail(state["to"], state["draft"])  # <- NBH101
            return {"ok": approve("Was it polite?")}
        """,
    "a function of the lesson keeps a list of what it sent": """
        SENT = []
        def deliver(letter):
            SENT.append(letter)
        def node(state):
            deliver(state["letter"])  # <- NBH101
            return {"reply": interrupt("Any reply?")}
        """,
    "the effect is two calls away": """
        def store(row):
            connection.execute("INSERT INTO rows VALUES (?)", row)
        def remember(row):
            store(row)
        def node(state):
            remember(state["row"])  # <- NBH101
            return {"ok": interrupt("Right?")}
        """,
    "the question is two calls away": """
        def confirm(text):
            return interrupt(text)
        def sure(text):
            return confirm(text) == "yes"
        def node(state):
            os.remove(state["path"])  # <- NBH101
            return {"ok": sure("Gone?")}
        """,
    "a model is asked before the person, and costs again": """
        def draft(state):
            text = llm.invoke(state["topic"])  # <- NBH101
            return {"text": edit(text.content)}
        """,
    "a model's client is asked before the person": """
        def draft(state):
            reply = client.chat.completions.create(model="m", messages=state["messages"])  # <- NBH101
            return {"ok": interrupt(reply.choices[0].message.content)}
        """,
    "a global counter counts each run": """
        runs = 0
        def node(state):
            global runs
            runs += 1  # <- NBH101
            return {"ok": interrupt("Go on?")}
        """,
    "an object counts each run": """
        class Reviewer:
            def __init__(self):
                self.seen = 0
            def __call__(self, state):
                self.seen += 1  # <- NBH101
                return {"ok": interrupt("Fine?")}
        builder.add_node("review", Reviewer())
        """,
    "a default argument is one list for all runs": """
        def node(state, seen=[]):
            seen.append(state["x"])  # <- NBH101
            return {"ok": interrupt("Go on?")}
        """,
    "a factory's list grows": """
        def make(log):
            def node(state):
                log.append("asked")  # <- NBH101
                return {"ok": interrupt("Go on?")}
            return node
        """,
    "the effect comes between two questions": """
        def node(state):
            name = ask("Name?", str)
            requests.post("https://crm/people", json={"name": name})  # <- NBH101
            return {"name": name, "age": ask("Age?", int)}
        """,
    "the effect belongs to the loop's round before": """
        def node(state):
            for number, item in enumerate(state["items"]):
                if interrupt(f"Buy {item}?", key=f"item {number}"):
                    buy(item)  # <- NBH101
        """,
    "a file is opened for appending": """
        def node(state):
            with open("log.txt", "a") as log:  # <- NBH101
                log.write(state["x"])
            return {"ok": interrupt("Go on?")}
        """,
    "only one branch has the effect": """
        def node(state):
            if state["paid"]:
                refund(state["order"])  # <- NBH101
            else:
                print("nothing to do")
            return {"ok": interrupt("Go on?")}
        """,
    "the effect is in what is asked": """
        def node(state):
            return {"ok": interrupt({"ticket": create_ticket(state["x"])})}  # <- NBH101
        """,
    "a row is inserted before the question": """
        def node(state):
            db = sqlite3.connect("shop.db")
            db.execute("INSERT INTO orders VALUES (1)")  # <- NBH101
            return {"ok": interrupt("Go on?")}
        """,
    "a method of the same object has the effect": """
        class Office:
            def mail(self, text):
                self.outbox.append(text)
            def node(self, state):
                self.mail(state["text"])  # <- NBH101
                return {"ok": interrupt("Go on?")}
        """,
    "a program is run before the question": """
        async def node(state):
            subprocess.run(["git", "push"], check=True)  # <- NBH101
            return {"ok": interrupt("Deployed?")}
        """,
    "a lambda has the effect in its first half": """
        log = []
        builder.add_node("node", lambda state: {"x": (log.append(1), interrupt("Go on?"))})  # <- NBH101
        """,
    # 2xx: the pause gets lost
    "a bare except": """
        def node(state):
            try:
                return {"ok": interrupt("Go on?")}
            except:  # <- NBH201
                return {"ok": None}
        """,
    "except BaseException": """
        def node(state):
            try:
                return {"ok": interrupt("Go on?")}
            except ValueError:
                return {"ok": False}
            except (OSError, BaseException) as error:  # <- NBH201
                return {"ok": None}
        """,
    "suppress(BaseException)": """
        def node(state):
            with contextlib.suppress(BaseException):  # <- NBH201
                return {"ok": interrupt("Go on?")}
        """,
    "the question is in a function inside the try": """
        def sure():
            return interrupt("Sure?")
        def node(state):
            try:
                return {"ok": sure()}
            except GraphInterrupt:  # <- NBH201
                return {"ok": None}
        """,
    "return in finally": """
        def node(state):
            try:
                answer = interrupt("Go on?")
            finally:
                return {"ok": True}  # <- NBH202
        """,
    "break in finally": """
        def node(state):
            while True:
                try:
                    answer = interrupt("Go on?", key="go on")  # <- NBH305
                finally:
                    break  # <- NBH202
        """,
    "gather that returns exceptions": """
        async def question(text):
            return interrupt(text, key=text)
        async def node(state):
            answers = await asyncio.gather(question("a?"), question("b?"), return_exceptions=True)  # <- NBH203
            return {"answers": answers}
        """,
    "a thread pool": """
        def question(text):
            return interrupt(text, key=text)
        def node(state):
            with ThreadPoolExecutor() as pool:
                return {"answers": list(pool.map(question, state["texts"]))}  # <- NBH204
        """,
    "a thread": """
        def question():
            interrupt("Go on?")
        def node(state):
            threading.Thread(target=question).start()  # <- NBH204
        """,
    "an executor of the loop": """
        async def node(state):
            loop = asyncio.get_running_loop()
            return {"ok": await loop.run_in_executor(None, lambda: interrupt("Go on?"))}  # <- NBH204
        """,
    "a question in a routing function": """
        def work(state):
            return {}
        def where(state):  # <- NBH205
            return interrupt("Where to?")
        builder.add_node(work)
        builder.add_conditional_edges("work", where)
        """,
    # 3xx: which question is it
    "chance decides whether it asks": """
        def node(state):
            if random.random() < 0.1:  # <- NBH301
                return {"ok": interrupt("A spot check: fine?")}
            return {"ok": True}
        """,
    "the time of day decides": """
        def node(state):
            hour = datetime.now().hour
            if hour >= 18:  # <- NBH301
                approve("It is late. Really?")
        """,
    "an early return depends on chance": """
        def node(state):
            lucky = np.random.rand() > 0.5
            if lucky:  # <- NBH301
                return {}
            return {"ok": interrupt("Go on?")}
        """,
    "a file that somebody may make decides": """
        def node(state):
            if not Path("done.txt").exists():  # <- NBH301
                interrupt("Make it?")
        """,
    "the body changes what its condition looks at": """
        asked = []
        def node(state):
            if not asked:  # <- NBH301
                asked.append(True)  # <- NBH101
                interrupt("Go on?")
        """,
    "a failure that may not come again decides": """
        def node(state):
            try:
                page = requests.get(state["url"]).text
            except requests.RequestException:  # <- NBH301
                page = interrupt("The page cannot be read. Paste it here.")
            return {"page": page}
        """,
    "a short circuit that can flip": """
        def node(state):
            return {"ok": time.time() > state["until"] or interrupt("Earlier than planned?")}  # <- NBH301
        """,
    "the question tells the time": """
        def node(state):
            return {"ok": interrupt(f"It is {datetime.now():%H:%M}. Go on?")}  # <- NBH302
        """,
    "the question has a number that is new each time": """
        def node(state):
            ticket = uuid.uuid4().hex
            question = {"ticket": ticket, "text": state["text"]}
            return {"ok": interrupt(question)}  # <- NBH302
        """,
    "the options are in another order each time": """
        def node(state):
            words = list(state["words"])
            random.shuffle(words)
            return {"word": choose("Which?", words)}  # <- NBH302
        """,
    "a random sample from a function of the lesson": """
        def sample(rows):
            picked = np.random.choice(rows, 3)
            return picked
        def node(state):
            rows = sample(state["rows"])
            return {"ok": interrupt({"rows": rows})}  # <- NBH302
        """,
    "a generator without a seed": """
        def node(state):
            rng = np.random.default_rng()
            return {"guess": interrupt(f"Is it {rng.integers(10)}?")}  # <- NBH302
        """,
    "a key that is new each time": """
        def node(state):
            return {"ok": interrupt("Go on?", key=str(uuid.uuid4()))}  # <- NBH303
        """,
    "a key of once that is new each time": """
        def node(state):
            once(f"mail {time.time()}", send, state["mail"])  # <- NBH303
            return {"ok": interrupt("Go on?")}
        """,
    "asking until it fits": """
        def node(state):
            question = "How old are you?"
            while True:
                answer = interrupt(question)  # <- NBH304
                if isinstance(answer, int):
                    return {"age": answer}
                question = f"{answer!r} is no number. How old are you?"
        """,
    "one question for each item": """
        def node(state):
            return {"ok": [interrupt(f"Keep {item}?") for item in state["items"]]}  # <- NBH304
        """,
    "a key that is the same in each round": """
        def node(state):
            for item in state["items"]:
                once("mail", send, item)  # <- NBH305
                interrupt(f"{item}: did they reply?", key=f"reply of {item}")
        """,
    "a key of two effects": """
        def node(state):
            once("send", send_mail, state["mail"])
            once("send", send_invoice, state["invoice"])  # <- NBH305
            return {"ok": interrupt("Go on?")}
        """,
    "questions side by side": """
        async def question(text):
            return interrupt(text)
        async def node(state):
            return {"answers": await asyncio.gather(*[question(text) for text in state["texts"]])}  # <- NBH306
        """,
    "two tasks of a group": """
        async def question(text):
            return interrupt(text)
        async def node(state):
            async with asyncio.TaskGroup() as group:
                a = group.create_task(question("a?"))
                b = group.create_task(question("b?"))  # <- NBH306
            return {"a": a.result(), "b": b.result()}
        """,
    "two coroutines that ask": """
        async def question(text):
            return interrupt(text)
        async def node(state):
            a, b = await asyncio.gather(question("a?"), question("b?"))  # <- NBH306
            return {"a": a, "b": b}
        """,
    "a deadline without a default": """
        def node(state):
            return {"ok": interrupt("Go on?", deadline=3600)}  # <- NBH307
        """,
    "a default without a deadline": """
        def node(state):
            return {"ok": interrupt("Go on?", default="yes")}  # <- NBH308
        """,
    # 4xx: values
    "appending to a list of the state": """
        def node(state):
            state["log"].append("begun")  # <- NBH401
            return {"x": 1}
        builder.add_node(node)
        """,
    "changing an item of a list of the state": """
        def node(state):
            for task in state["tasks"]:
                task["done"] = True  # <- NBH401
            return {"x": interrupt("Go on?")}
        flow(START, node, END)
        """,
    "changing a value of the state by another name": """
        def node(state):
            log = state.get("log", [])
            log.append("begun")  # <- NBH401
            return {"log": log}
        builder.add_node("node", node)
        """,
    "a fitted model in the state": """
        from sklearn.linear_model import LogisticRegression
        def train(state):
            model = LogisticRegression(C=100)
            model.fit(state["x"], state["y"])
            return {"model": model}  # <- NBH402
        flow(START, train, END)
        """,
    "an exception in the state": """
        def node(state):
            try:
                value = int(state["text"])
            except ValueError as error:
                return {"error": error}  # <- NBH402
            return {"value": value}
        flow(START, node, END)
        """,
    "an open file in the state": """
        def node(state):
            return {"file": open(state["path"])}  # <- NBH402
        flow(START, node, END)
        """,
    "an object of a plain class in the state": """
        class Basket:
            def __init__(self):
                self.items = []
        def node(state):
            return Command(update={"basket": Basket()}, goto="next")  # <- NBH402
        flow(START, node, END)
        """,
    "a lazy map in a question": """
        def node(state):
            return {"ok": interrupt({"rows": map(str, state["rows"])})}  # <- NBH402
        """,
    "input() in a node": """
        def node(state):
            return {"name": input("Name? ")}  # <- NBH403
        flow(START, node, END)
        """,
}


def marked(text):
    """The findings that comments of a text promise: ``(line, code)``."""
    lines = enumerate(text.splitlines(), 1)
    return sorted((n, code) for n, line in lines if "# <-" in line for code in re.findall(r"NBH\d+", line))


@pytest.mark.parametrize("snippet", TRAPS.values(), ids=TRAPS)
def test_a_trap_is_found_in_its_line(snippet):
    text = HEAD + dedent(snippet)
    assert sorted((one.line, one.code) for one in lint_source(text)) == marked(text)


def test_every_rule_has_a_trap_here():
    assert {code for snippet in TRAPS.values() for code in re.findall(r"<- (NBH\d+)", snippet)} == set(RULES)


@pytest.mark.parametrize("snippet", TRAPS.values(), ids=TRAPS)
def test_a_comment_on_the_line_switches_the_finding_off(snippet):
    text = re.sub(r"# <- (NBH\d+)", r"# nbhitl: ignore[\1]", HEAD + dedent(snippet))
    assert lint_source(text) == []
    assert lint_source(re.sub(r"ignore\[\w+\]", "ignore", text)) == []


def test_a_comment_for_another_rule_switches_nothing_off():
    text = "def node(state):\n    return interrupt('Go on?', default=1)  # nbhitl: ignore[NBH101, NBH304]\n"
    assert [one.code for one in lint_source(text)] == ["NBH308"]


def test_a_finding_names_its_place_its_reason_and_its_cure():
    text = "def review(state):\n    try:\n        interrupt('Go on?')\n    except:\n        pass\n"
    (found,) = lint_source(text, "lesson.py")
    assert (found.file, found.line, found.column, found.node, found.text) == ("lesson.py", 4, 5, "review", "except:")
    assert found.severity == "error"
    assert found.message == (
        "a bare except catches the pause of the question that is tried above it, and the run fails. "
        "Catch Exception, which lets a pause pass, or raise it again."
    )
    assert found.brief().startswith("line 4: NBH201 in review: a bare except")
