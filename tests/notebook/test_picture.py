"""What a cell shows of a moment: the data for the page, the picture that stands alone, and the words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from nbhitl.debugging.breakpoint import Breakpoint
from nbhitl.drawing import Fan, describe
from nbhitl.engine.description import Graph, Node, Router, WaitingEdge
from nbhitl.engine.records import END, START
from nbhitl.layout import Layout, lay_out
from nbhitl.notebook.pictures.bake import bake
from nbhitl.notebook.pictures.drawn_text import as_text
from nbhitl.notebook.pictures.moment import STATES, STATUSES, Moment
from nbhitl.notebook.pictures.picture import MIME, bundle

CORPUS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text(encoding="utf-8"))
SVG = "{http://www.w3.org/2000/svg}"


def choose(state):
    return "publish"


def graph(names, edges, routers=None, waiting=(), name="post"):
    nodes = {n: Node(n, lambda s: {}) for n in names}
    return Graph(nodes=nodes, channels={}, edges=edges, routers=routers or {}, waiting=waiting, name=name)


POST = describe(
    graph(
        ["draft", "review", "publish"],
        {START: ("draft",), "draft": ("review",), "publish": (END,)},
        {"review": (Router("review", choose, {"publish": "publish", "revise": "draft"}),)},
    )
)
WAITING = Moment(
    status="interrupted",
    text="review waits for an answer",
    states={START: "done", "draft": "done", "review": "waiting", "publish": "idle", END: "idle"},
    breakpoints=(Breakpoint(node="publish"), Breakpoint(node="draft", enabled=False)),
    taken={(START, "draft"), ("draft", "review")},
)


@pytest.fixture(scope="module")
def laid_out():
    found = lay_out(POST)
    assert found.svg is not None
    return found


def group(svg, id):
    return next(g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("id") == id)


def markers(svg):
    """The markers of breakpoints that stand on the drawing."""
    graph = next(g for g in ET.fromstring(svg).iter(f"{SVG}g") if "scale" in g.get("transform", ""))
    return [g for g in graph.findall(f"{SVG}g") if g.get("id") is None and g.find(f"{SVG}circle") is None]


def at(marker):
    return [float(number) for number in re.findall(r"-?[\d.]+", marker.get("transform"))]


class TestBundle:
    def test_the_data_for_the_page_is_as_agreed(self, laid_out):
        def point(id, **rest):
            plain = {"id": id, "kind": "before", "target": "", "branch": None, "condition": "", "hits": "", "log": ""}
            return {**plain, "once": False, "enabled": True, **rest}

        def marker(**rest):
            return {"sign": "", "log": False, "enabled": True, "known": True, **rest}

        off = "before draft, disabled"
        assert bundle(POST, laid_out, WAITING, view="d1", thread="demo")[MIME] == {
            "version": 2,
            "view": "d1",
            "graph": "post",
            "thread": "demo",
            "svg": laid_out.svg,
            "nodes": [
                {"id": "n0", "name": START, "label": "START", "state": "done", "said": "done"},
                {
                    "id": "n1",
                    "name": "draft",
                    "label": "draft",
                    "state": "done",
                    "said": f"done; breakpoint {off}",
                    "breakable": True,
                    "markers": {"before": marker(enabled=False, said=off)},
                    "breakpoints": [point("before draft", enabled=False)],
                },
                {
                    "id": "n2",
                    "name": "review",
                    "label": "review",
                    "state": "waiting",
                    "said": "waits for a person",
                    "breakable": True,
                },
                {
                    "id": "n3",
                    "name": "publish",
                    "label": "publish",
                    "state": "idle",
                    "said": "not run yet; breakpoint before publish",
                    "breakable": True,
                    "markers": {"before": marker(said="before publish")},
                    "breakpoints": [point("before publish")],
                },
                {"id": "n4", "name": END, "label": "END", "state": "idle", "said": "not run yet"},
            ],
            "edges": [
                {"id": "e0", "taken": True, "pairs": [[START, "draft"]]},
                {"id": "e1", "taken": True, "pairs": [["draft", "review"]]},
                {"id": "e2", "pairs": [["review", "publish"]]},
                {"id": "e3", "pairs": [["review", "draft"]]},
                {"id": "e4", "pairs": [["publish", END]]},
            ],
            "status": "interrupted",
            "heading": "Waiting for a person",
            "text": "review waits for an answer",
            "legend": [
                {"sign": "done", "text": "done"},
                {"sign": "waiting", "text": "waits for a person"},
                {"sign": "dot", "text": "breakpoint"},
                {"sign": "disabled", "text": "disabled"},
            ],
            "elsewhere": [],
        }

    def test_picture_and_text_come_along(self, laid_out):
        made = bundle(POST, laid_out, WAITING, view="d1", thread="demo")
        assert list(made) == [MIME, "image/svg+xml", "text/plain"]
        assert made["text/plain"] == as_text(POST, WAITING, "demo")

    def test_without_a_layout_there_are_words_the_cure_and_the_dot_text(self):
        assert bundle(POST, Layout("digraph {}", problem="Install it."), Moment(), view="d1") == {
            "text/plain": as_text(POST, Moment()) + "\nInstall it.\ndigraph {}"
        }

    def test_hostile_names_can_be_sent_and_leave_only_text(self):
        names = [name for name in dict.fromkeys(CORPUS["names_graph"]) if name not in (START, END)]
        drawing = describe(graph(names, {START: tuple(names)}, name="<script>\ud800"))
        moment = Moment("failed", "<img src=x onerror=alert(1)>\x1b[2J", dict.fromkeys(names, "failed"))
        made = bundle(drawing, lay_out(drawing), moment, view="d1", thread='"><script>\x00')
        json.dumps(made, ensure_ascii=False, allow_nan=False).encode()
        root = ET.fromstring(made["image/svg+xml"])
        assert {e.tag.removeprefix(SVG) for e in root.iter()} == {
            *("svg", "desc", "rect", "text", "g", "title", "path", "circle", "polygon")
        }
        assert not [name for e in root.iter() for name in e.attrib if name.startswith("on") or "href" in name]
        assert "\x1b" not in made["text/plain"]


class TestWords:
    def test_the_status_and_one_line_a_node(self):
        assert as_text(POST, WAITING, "demo") == (
            "post / demo: waiting for a person. review waits for an answer\n"
            "  START [done] -> draft\n"
            "  draft [done; breakpoint before draft, disabled] -> review\n"
            "  review [waits for a person] -> publish, draft (revise)\n"
            "  publish [not run yet; breakpoint before publish] -> END"
        )

    def test_joins_and_unknown_ends_are_said(self):
        drawing = describe(
            graph(
                "abc",
                {START: ("a", "b")},
                {"c": (Router("c", choose),)},
                (WaitingEdge(("a", "b"), "c"),),
                name="",
            )
        )
        assert as_text(drawing, Moment()) == (
            "Not started\n"
            "  START [not run yet] -> a, b\n"
            "  a [not run yet] -> c (waits for all)\n"
            "  b [not run yet] -> c (waits for all)\n"
            "  c [not run yet] -> any node"
        )

    def test_a_long_list_has_an_end(self):
        names = [f"n{n}" for n in range(500)]
        lines = as_text(describe(graph(names, {START: names[:1]})), Moment()).splitlines()
        assert len(lines) == 62
        assert lines[-1] == "  and 441 nodes more"


class TestBake:
    @pytest.mark.parametrize("state", STATES)
    def test_each_state_is_told_by_words_and_by_more_than_colour(self, laid_out, state):
        def look(state):
            svg = bake(POST, laid_out.svg, Moment(states={"draft": state}))
            assert group(svg, "n1").findtext(f"{SVG}title") == f"draft: {STATES[state]}"
            outline = group(svg, "n1").find(f"{SVG}path").attrib
            signs = [p.get("d") for p in ET.fromstring(svg).iter(f"{SVG}path") if p.get("stroke-linecap")]
            return outline["stroke-width"], outline.get("stroke-dasharray"), tuple(signs)

        assert all(look(state) != look(other) for other in STATES if other != state)

    @pytest.mark.parametrize(
        ("point", "fill", "signs", "strikes"),
        [
            (Breakpoint(node="draft"), "#cf222e", [], 0),
            (Breakpoint(node="draft", condition="n > 3"), "#cf222e", ["="], 0),
            (Breakpoint(node="draft", hits=">=3"), "#cf222e", ["≥3"], 0),
            (Breakpoint(node="draft", branch=2), "#cf222e", ["[2]"], 0),
            (Breakpoint(node="draft", enabled=False), "#6e7781", [], 1),
            (Breakpoint(node="draft", hits="3", enabled=False), "#6e7781", ["3"], 1),
        ],
    )
    def test_a_breakpoint_is_told_by_its_shape_and_its_sign(self, laid_out, point, fill, signs, strikes):
        [found] = markers(bake(POST, laid_out.svg, Moment(breakpoints=(point,))))
        outline, *pens = found.findall(f"{SVG}path")
        assert outline.get("fill") == fill
        assert "A6,6" in outline.get("d")  # round, where a diamond has corners
        assert [text.text for text in found.findall(f"{SVG}text")] == signs
        assert len(pens) == strikes

    def test_a_breakpoint_that_prints_is_a_diamond(self, laid_out):
        point = Breakpoint(node="draft", log="n is {n}")
        [found] = markers(bake(POST, laid_out.svg, Moment(breakpoints=(point,))))
        assert re.fullmatch(r"M-\d+,0L[^A]*Z", found.find(f"{SVG}path").get("d"))

    def test_before_is_the_upper_left_corner_and_after_the_lower_right_one(self, laid_out):
        both = (Breakpoint(node="draft"), Breakpoint("after", "draft"))
        first, second = (at(marker) for marker in markers(bake(POST, laid_out.svg, Moment(breakpoints=both))))
        assert first[0] < second[0]
        assert first[1] < second[1]

    def test_a_breakpoint_on_an_edge_stands_on_it(self, laid_out):
        point = Breakpoint("edge", "review", "publish")
        svg = bake(POST, laid_out.svg, Moment(breakpoints=(point,)))
        [found] = markers(svg)
        ways = re.findall(r"-?[\d.]+", group(svg, "e2").find(f"{SVG}path").get("d"))
        xs = [float(x) for x in ways[::2]]
        assert min(xs) < at(found)[0] < max(xs)
        assert group(svg, "e2").findtext(f"{SVG}title") == "on the edge review -> publish"

    def test_a_count_stands_below_its_node(self, laid_out):
        moment = Moment(
            states={"draft": "running"}, fans={"draft": Fan(10, 3, 1, 2)}, visits={"review": 4, "publish": 1}
        )
        svg = bake(POST, laid_out.svg, moment)
        texts = [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]
        assert "3/10 done, 1 failed, 2 waiting" in texts
        assert "x4" in texts
        assert "x1" not in texts
        assert group(svg, "n1").findtext(f"{SVG}title") == "draft: running, 3/10 done, 1 failed, 2 waiting"
        assert group(svg, "n2").findtext(f"{SVG}title") == "review: not run yet, ran 4 times"

    def test_what_has_no_place_is_said_below_the_drawing(self, laid_out):
        points = (Breakpoint("error"), Breakpoint(node="gone"), Breakpoint("change", key="draft"))
        root = ET.fromstring(bake(POST, laid_out.svg, Moment(breakpoints=points)))
        texts = [text.text for text in root.findall(f"{SVG}text")]
        assert texts[-3:] == ["when a node fails", "before gone (not in the graph)", points[2].words]
        hollow = [
            path
            for path in root.iter(f"{SVG}path")
            if path.get("stroke") == "#cf222e" and path.get("fill") == "#ffffff"
        ]
        assert len(hollow) == 1

    def test_the_legend_names_only_what_is_in_use(self, laid_out):
        def words(moment):
            return [text.text for text in ET.fromstring(bake(POST, laid_out.svg, moment)).findall(f"{SVG}text")][2:]

        assert words(Moment()) == []
        assert words(Moment(states={"draft": "failed"}, breakpoints=(Breakpoint(node="draft", hits="%2"),))) == [
            *("failed", "breakpoint", "at a hit count")
        ]

    def test_taken_edges_are_thicker(self, laid_out):
        svg = bake(POST, laid_out.svg, WAITING)
        widths = {id: group(svg, id).find(f"{SVG}path").get("stroke-width") for id in ("e0", "e1", "e2", "e3", "e4")}
        assert widths == {"e0": "2", "e1": "2", "e2": "1.2", "e3": "1.2", "e4": "1.2"}
        assert group(svg, "e3").find(f"{SVG}path").get("stroke-dasharray") is not None

    @pytest.mark.parametrize("status", STATUSES)
    def test_it_has_a_light_ground_a_status_line_and_a_description(self, laid_out, status):
        root = ET.fromstring(bake(POST, laid_out.svg, Moment(status), "demo"))
        rect = root.find(f"{SVG}rect")
        assert (rect.get("fill"), rect.get("rx")) == ("#ffffff", "8")
        assert [text.text for text in root.findall(f"{SVG}text")] == [STATUSES[status], "post / demo"]
        assert root.get("role") == "img"
        assert root.get("aria-label") == as_text(POST, Moment(status), "demo").splitlines()[0]
        assert root.findtext(f"{SVG}desc") == as_text(POST, Moment(status), "demo")

    def test_joins_and_unknown_ends_say_what_they_mean(self):
        drawing = describe(
            graph("abc", {START: ("a", "b")}, {"c": (Router("c", choose),)}, (WaitingEdge(("a", "b"), "c"),))
        )
        svg = bake(drawing, lay_out(drawing).svg, Moment())
        assert group(svg, "j0").findtext(f"{SVG}title") == "c waits for all of: a, b"
        assert group(svg, "u0").findtext(f"{SVG}title").startswith("choose may lead to any node.")
        assert group(svg, "j0").find(f"{SVG}ellipse").get("fill") == "#6e7781"

    def test_a_long_reason_is_wrapped_inside_the_frame(self, laid_out):
        root = ET.fromstring(bake(POST, laid_out.svg, Moment("failed", "W" * 120 + " and so on" * 60)))
        lines = [text for text in root.findall(f"{SVG}text") if text.get("x") == "12.0"]
        assert len(lines) == 3
        assert lines[-1].text.endswith("…")
