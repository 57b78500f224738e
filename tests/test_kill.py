"""kill -9 at any moment of a run: what was acknowledged is never run again, and the run ends as if never killed."""

import operator
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, TypedDict

from nbhitl import END, START, Command, DuckDBSaver, StateGraph, interrupt

KILLS = 50
ROUNDS = 12
CONFIG = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    round: int
    left: Annotated[list, operator.add]
    right: Annotated[list, operator.add]
    answers: Annotated[list, operator.add]


def started(log, node, state):
    """Write down that a node began, so that a kill cannot take it back."""
    line = f"{node} {state.get('round', 0)}\n".encode()
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line)
    os.fsync(file)
    os.close(file)


def build(log):
    """Rounds of: count, a parallel pair, and in every third round a question."""

    def count(state):
        started(log, "count", state)
        return {"round": state.get("round", 0) + 1}

    def left(state):
        started(log, "left", state)
        return {"left": [state["round"]]}

    def right(state):
        started(log, "right", state)
        return {"right": [-state["round"]]}

    def ask(state):
        started(log, "ask", state)
        return {"answers": [interrupt(f"round {state['round']}?")]}

    def route(state):
        if state["round"] % 3 == 0:
            return "ask"
        return "count" if state["round"] < ROUNDS else END

    built = StateGraph(State)
    for node in (count, left, right, ask):
        built.add_node(node)
    built.add_node("join", lambda state: started(log, "join", state))
    built.add_edge(START, "count").add_edge("count", "left").add_edge("count", "right")
    built.add_edge(["left", "right"], "join").add_conditional_edges("join", route, ["ask", "count", END])
    return built.add_conditional_edges("ask", lambda state: "count" if state["round"] < ROUNDS else END)


def go_on(graph):
    """What takes a thread on, wherever it stands: input, an answer to its question, or nothing."""
    state = graph.get_state(CONFIG)
    if state.metadata is None:
        return {"round": 0}
    return Command(resume=state.interrupts[0].value.upper()) if state.interrupts else None


def step(graph):
    """How far a thread has come: the number of its newest checkpoint."""
    metadata = graph.get_state(CONFIG).metadata
    return -2 if metadata is None else metadata["step"]


def work(path, log):
    """The child: run until the end, and say on stdout what is done. A values chunk follows its commit."""
    with DuckDBSaver(path) as saver:
        graph = build(log).compile(saver)
        print("open", flush=True)
        while True:
            print("step", step(graph), flush=True)
            for mode, chunk in graph.stream(go_on(graph), CONFIG, stream_mode=["values", "updates"], durability="sync"):
                if mode == "values" and "__interrupt__" not in chunk:
                    print("step", step(graph), flush=True)
                elif "__interrupt__" in chunk:
                    print("asked", chunk["__interrupt__"][0].value, flush=True)
            state = graph.get_state(CONFIG)
            if not state.next:
                print("end", flush=True)
                return


def truth(path, log):
    """The final state and the history of a run that nobody killed."""
    work(path, log)
    with DuckDBSaver(path) as saver:
        graph = build(log).compile(saver)
        return graph.get_state(CONFIG).values, told(graph)


def told(graph):
    """A thread's history, newest first."""
    return [(s.metadata["step"], s.values, s.next) for s in graph.get_state_history(CONFIG)]


def lines(log):
    return log.read_text().splitlines() if log.exists() else []


def test_fifty_kills_run_no_acknowledged_step_again(tmp_path, capsys):
    calm, history = truth(tmp_path / "calm.duckdb", tmp_path / "calm.log")
    capsys.readouterr()
    due = {at: nodes for at, _, nodes in history}  # the nodes whose work makes the step after this one
    chance = random.Random(20240811)
    child_code = "import sys; from tests.test_kill import work; work(sys.argv[1], sys.argv[2])"
    root = Path(__file__).parent.parent
    kills = acknowledged_in_all = again = thread = 0
    slowest = 0.0
    seen = Counter()
    while kills < KILLS:
        thread += 1
        path, log = tmp_path / f"{thread}.duckdb", tmp_path / f"{thread}.log"
        acknowledged = -2
        for _ in range(200):
            known = len(lines(log))
            child = subprocess.Popen(
                [sys.executable, "-c", child_code, str(path), str(log)], stdout=subprocess.PIPE, text=True, cwd=root
            )
            assert child.stdout.readline() == "open\n"
            if kills < KILLS:
                time.sleep(chance.uniform(0.0, 0.15))
                child.send_signal(signal.SIGKILL)
            said = [line.split() for line in child.stdout if line.endswith("\n")]
            killed = child.wait() == -signal.SIGKILL
            child.stdout.close()
            kills += killed
            # What began in this life of the run must belong to steps after the one acknowledged before it.
            begun = lines(log)[known:]
            finished = {f"{node} {_round(history, at)}" for at in range(acknowledged) for node in due.get(at, ())}
            again += sum(line in finished for line in begun)
            assert finished <= set(lines(log))
            steps = [int(words[1]) for words in said if words[0] == "step"]
            acknowledged_in_all += max(0, max(steps, default=acknowledged) - acknowledged)
            acknowledged = max([acknowledged, *steps])
            began = time.perf_counter()
            with DuckDBSaver(path) as saver:
                graph = build(log).compile(saver)
                now = step(graph)
                slowest = max(slowest, time.perf_counter() - began)
                assert now >= acknowledged
                seen["a step was there that was not acknowledged"] += now > acknowledged
                state = graph.get_state(CONFIG)
                asked = [words for words in said if words[0] == "asked"]
                if asked and steps[-1] == now and state.next == ("ask",):
                    seen["killed at an open question"] += 1
                    assert len(state.interrupts) <= 1
                if not killed:
                    assert state.values == calm
                    assert told(graph) == history
                    break
            acknowledged = now
        else:
            raise AssertionError("the run never came to its end")
    assert again == 0
    assert slowest < 2
    with capsys.disabled():
        print(
            f"\n{kills} kills over {thread} runs, {acknowledged_in_all} acknowledged steps, "
            f"{again} committed steps run again, slowest reopen {slowest:.3f} s, {dict(seen)}"
        )


def _round(history, at):
    return next(values.get("round", 0) for step, values, _ in history if step == at)
