"""Code that is as it should be, as it stands in lessons: the linter says nothing."""

from textwrap import dedent

import pytest

from nbhitl.lint import lint_source
from tests.lint.test_traps import HEAD

SOUND = {
    "a question and its answer": """
        def review(state):
            return interrupt({"draft": state["draft"]}, response_schema=Review).model_dump()
        """,
    "printing before a question is harmless": """
        def ask_digit(state):
            index, number = state["index"], len(state["asked"]) + 1
            print(f"question {number}, image {index}")
            question = {"image": 1 - digits.images[index] / 16, "question": f"{number} of 8"}
            return {"answer": interrupt(question, response_schema=Digit)}
        """,
    "the effect is behind the question": """
        def order(state):
            if approve("Order it?"):
                requests.post("https://shop/orders", json=state["cart"])
                send_mail(state["to"])
            return {"done": True}
        """,
    "the effect is in a task, whose calls are made once": """
        from nbhitl import entrypoint, task
        @task
        def send(mail):
            requests.post("https://shop/orders", json=mail)
            return time.time()
        @task(name="other")
        def send_other(mail):
            send_mail(mail)
        @entrypoint()
        def main(mail):
            at = send(mail).result()
            send_other(mail)
            return {"ok": interrupt(f"sent at {at}")}
        def node(state):
            send(state["mail"]).result()
            return {"ok": interrupt("Right?")}
        """,
    "the effect is kept by once": """
        def order(state):
            number = once("order", requests.post, "https://shop/orders", json=state["cart"]).status_code
            return {"number": number, "ok": interrupt("Right?")}
        """,
    "once with a lambda": """
        def order(state):
            once("mail", lambda: send_mail(state["to"]))
            return {"ok": interrupt("Right?")}
        """,
    "once in a loop with a key of its own for each": """
        def mails(state):
            for name in state["names"]:
                once(f"mail {name}", send_mail, name)
                interrupt(f"Did {name} reply?", key=f"reply of {name}")
        """,
    "the effect is on a way that does not ask": """
        def order(state):
            if state["small"]:
                pay(state["order"])
                return {"paid": True}
            return {"ok": interrupt("Pay it?")}
        """,
    "the effect is in a branch that raises": """
        def order(state):
            if not state["order"]:
                notify("nothing to order")
                raise ValueError("nothing to order")
            return {"ok": interrupt("Pay it?")}
        """,
    "lists of its own may grow": """
        def node(state):
            rows, seen = [], set()
            for row in state["rows"]:
                rows.append(row)
                seen.add(row["id"])
            rows.sort(key=lambda row: row["id"])
            return {"ok": interrupt({"rows": rows})}
        """,
    "a function inside fills a list of the body": """
        def node(state):
            lines = []
            def say(text):
                lines.append(text)
            say(state["a"])
            return {"ok": interrupt(lines)}
        """,
    "pure functions of the lesson": """
        def summary(rows):
            return f"{len(rows)} rows, {sum(row['price'] for row in rows):.2f} in all"
        def send_text(rows):
            return "Send: " + summary(rows).upper()
        def node(state):
            return {"ok": interrupt(send_text(state["rows"]))}
        """,
    "numpy and pandas before a question": """
        import pandas as pd
        def node(state):
            frame = pd.DataFrame(state["rows"]).rename(columns={"a": "b"}).replace(0, 1)
            top = frame.groupby("b").sum().sort_values("price").head(3)
            return {"ok": interrupt({"top": top, "order": np.argsort(state["x"])})}
        """,
    "a model is fitted before a question": """
        from sklearn.linear_model import LogisticRegression
        def pick(state):
            model = LogisticRegression().fit(state["x"], state["y"])
            return {"label": interrupt({"guess": int(model.predict(state["pool"])[0])})}
        """,
    "reading a file before a question": """
        import json
        def node(state):
            with open("data.json") as file:
                rows = json.load(file)
            text = Path("notes.md").read_text()
            return {"ok": interrupt({"rows": rows, "text": text})}
        """,
    "reading a database before a question": """
        def node(state):
            with sqlite3.connect("shop.db") as db:
                rows = db.execute("SELECT * FROM orders").fetchall()
            return {"ok": interrupt({"rows": rows})}
        """,
    "a seed makes chance steady": """
        def node(state):
            rng = np.random.default_rng(7)
            mine = random.Random(7)
            rows = rng.choice(state["rows"], 3)
            return {"ok": interrupt({"rows": rows, "one": mine.choice(state["rows"])})}
        """,
    "a copy of the state may change": """
        def node(state):
            log = list(state["log"])
            log.append("begun")
            tasks = state["tasks"].copy()
            tasks.pop()
            rest = state["rows"][1:]
            rest.append(1)
            return {"log": log, "tasks": tasks, "rest": rest}
        flow(START, node, END)
        """,
    "a reducer appends": """
        def node(state):
            return {"log": ["begun"], "count": state["count"] + 1}
        flow(START, node, END)
        """,
    "except Exception lets a pause pass": """
        def node(state):
            try:
                return {"ok": interrupt("Go on?")}
            except Exception:
                return {"ok": None}
        """,
    "the pause is raised again": """
        def node(state):
            try:
                return {"ok": interrupt("Go on?")}
            except GraphInterrupt:
                raise
            except BaseException:
                return {"ok": None}
        """,
    "a broad except that raises again": """
        def node(state):
            try:
                return {"ok": interrupt("Go on?")}
            except BaseException as error:
                print("left by", error)
                raise
        """,
    "a finally that tidies up": """
        def node(state):
            try:
                return {"ok": interrupt("Go on?")}
            finally:
                for name in ("a", "b"):
                    if name == "a":
                        continue
                    print("done", name)
        """,
    "a broad except around something else": """
        def node(state):
            try:
                value = int(state["text"])
            except:
                value = 0
            return {"ok": interrupt(f"Is it {value}?")}
        """,
    "a condition on the state": """
        def node(state):
            if state["amount"] > 100 and not state.get("approved"):
                return {"approved": approve(f"Pay {state['amount']}?")}
            return {"approved": True}
        """,
    "a condition on an answer": """
        def node(state):
            choice = choose("Which?", ["a", "b"])
            if choice == "b":
                return {"reason": ask("Why?", str)}
            return {}
        """,
    "a condition on what an exception of parsing says": """
        def node(state):
            try:
                age = int(state["age"])
            except ValueError:
                age = interrupt("How old?")
            return {"age": age}
        """,
    "chance that once keeps": """
        def node(state):
            if once("sample", random.random) < 0.1:
                return {"ok": interrupt("A spot check: fine?")}
            return {}
        """,
    "chance behind the question": """
        def node(state):
            answer = interrupt("Go on?")
            return {"answer": answer, "at": time.time(), "lucky": random.random() < 0.5}
        """,
    "a question with a key may tell the time": """
        def node(state):
            return {"ok": interrupt(f"It is {datetime.now():%H:%M}. Go on?", key="go on")}
        """,
    "a deadline may come from the clock": """
        def node(state):
            until = datetime.now() + timedelta(hours=1)
            return {"ok": interrupt("Go on?", deadline=until, default="no")}
        """,
    "a deadline whose end is expected": """
        from nbhitl import InterruptExpired
        def node(state):
            try:
                return {"ok": interrupt("Go on?", deadline=60)}
            except InterruptExpired:
                return {"ok": None}
        """,
    "a name that no longer holds the time": """
        def node(state):
            text = time.ctime()
            print(text)
            text = state["text"]
            return {"ok": interrupt(text)}
        """,
    "asking until it fits, by the helper": """
        def node(state):
            return {"age": ask_until("How old?", int, check=lambda age: None if age > 0 else "above 0, please")}
        """,
    "a loop of questions with keys": """
        def node(state):
            kept = []
            for number, item in enumerate(state["items"]):
                if interrupt(f"Keep {item}?", key=f"item {number}"):
                    kept.append(item)
            return {"kept": kept}
        """,
    "a loop before the question": """
        def node(state):
            total = 0
            for item in state["items"]:
                total += item["price"]
            while total > 100:
                total -= 1
            return {"ok": interrupt(f"Pay {total}?")}
        """,
    "a loop that has ended before the effect": """
        def node(state):
            for item in state["items"]:
                if item["bad"]:
                    break
            else:
                return {"ok": interrupt("All are good. Go on?")}
            send_mail("bad item")
            return {"ok": False}
        """,
    "side by side with keys": """
        async def question(text):
            return interrupt(text, key=text)
        async def node(state):
            return {"answers": await asyncio.gather(*[question(text) for text in state["texts"]])}
        """,
    "side by side without questions": """
        async def fetch(url):
            return url.upper()
        async def node(state):
            pages = await asyncio.gather(*[fetch(url) for url in state["urls"]], return_exceptions=True)
            return {"ok": interrupt({"pages": [str(page) for page in pages]})}
        """,
    "a pool that does not ask": """
        def double(x):
            return 2 * x
        def node(state):
            with ThreadPoolExecutor() as pool:
                doubled = list(pool.map(double, state["xs"]))
            return {"ok": interrupt({"doubled": doubled})}
        """,
    "a thread with the node's context": """
        async def node(state):
            return {"ok": await asyncio.to_thread(interrupt, "Go on?")}
        """,
    "a router that reads the state": """
        def review(state):
            return {"decision": interrupt("Publish?")}
        def where(state):
            return "publish" if state["decision"] == "yes" else END
        builder.add_node(review)
        builder.add_conditional_edges("review", where)
        """,
    "asking where to begin": """
        def where(state):
            return interrupt("Where to begin?")
        builder.add_conditional_edges(START, where)
        """,
    "a sub-graph called in a node": """
        agent = StateGraph(State).add_node(work).compile()
        def node(state):
            found = agent.invoke({"topic": state["topic"]})
            return {"ok": interrupt(found["text"])}
        """,
    "effects in a node that does not ask": """
        def publish(state):
            requests.post("https://blog/posts", json={"text": state["draft"]})
            Path("posts.log").open("a").write(state["draft"])
            return {"published": True}
        flow(START, publish, END)
        """,
    "what can be stored": """
        from dataclasses import dataclass
        from pydantic import BaseModel
        @dataclass
        class Point:
            x: int
        class Review(BaseModel):
            ok: bool
        def node(state):
            rows = [dict(row) for row in state["rows"]]
            return {"p": Point(1), "r": Review(ok=True), "rows": rows, "at": datetime.now(), "a": np.arange(3),
                    "path": Path("x"), "s": {1, 2}, "t": tuple(x for x in rows), "next": sorted(map(str, rows))}
        flow(START, node, END)
        """,
    "a text of an exception": """
        def node(state):
            try:
                value = int(state["text"])
            except ValueError as error:
                return {"error": str(error)}
            return {"value": value}
        flow(START, node, END)
        """,
    "a key that is not stored": """
        from typing import Annotated, TypedDict
        from nbhitl import UntrackedValue
        class State(TypedDict):
            file: Annotated[object, UntrackedValue]
        def node(state):
            return {"file": open("x")}
        flow(START, node, END)
        """,
    "a function of the lesson that is called ask": """
        def ask(state):
            return {"x": 1}
        def node(state):
            send_mail(state["x"])
            return ask(state)
        """,
    "functions that are no nodes may change what they get": """
        def add(rows, row):
            rows["all"].append(row)
            return rows
        """,
    "a factory that only makes a node that asks": """
        def asks(text):
            def node(state):
                return {"ok": interrupt(text)}
            return node
        for name in ("a", "b"):
            builder.add_node(name, asks(name))
        """,
    "a memo that is filled once": """
        CACHE = {}
        def length(text):
            if text not in CACHE:
                CACHE[text] = len(text)
            return CACHE[text]
        def node(state):
            return {"ok": interrupt(f"{length(state['x'])} letters. Right?")}
        """,
    "logging and showing": """
        import logging
        import matplotlib.pyplot as plt
        from IPython.display import display
        log = logging.getLogger("lesson")
        def node(state):
            log.info("asking about %s", state["x"])
            figure, axis = plt.subplots()
            axis.plot(state["x"])
            display(figure)
            time.sleep(0.1)
            return {"ok": interrupt("Go on?")}
        """,
    "a picture that is saved into memory": """
        import io
        import matplotlib.pyplot as plt
        def node(state):
            buffer = io.BytesIO()
            plt.imsave(buffer, state["image"])
            text = io.StringIO()
            text.write("hello")
            return {"label": interrupt({"image": buffer.getvalue(), "text": text.getvalue()})}
        """,
    "a match on the state": """
        def node(state):
            match state["kind"]:
                case "free":
                    return {"ok": True}
                case "dear":
                    question = "Really?"
                case _:
                    question = "Buy it?"
            return {"ok": interrupt(question)}
        """,
}


@pytest.mark.parametrize("snippet", SOUND.values(), ids=SOUND)
def test_nothing_is_said_about(snippet):
    assert [one.brief() for one in lint_source(HEAD + dedent(snippet))] == []
