"""Layouts: both engines, what happens without them, and what an SVG may hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from nbhitl import layout as module
from nbhitl.drawing import describe, dot, printable
from nbhitl.engine.description import Graph, Node, Router, WaitingEdge
from nbhitl.engine.records import END, START
from nbhitl.layout import CURE, Layout, RefusedSvgError, clean_svg, lay_out, layout, svg_size

CORPUS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text(encoding="utf-8"))
HAS_DOT = shutil.which("dot") is not None
ENGINES = [
    pytest.param("dot", marks=pytest.mark.skipif(not HAS_DOT, reason="graphviz is not installed")),
    "wasm",
]


def graph(names, edges, **rest):
    return Graph(nodes={n: Node(n, lambda s: {}) for n in names}, channels={}, edges=edges, routers={}, **rest)


def chain(*names):
    return graph(
        names,
        {START: names[:1], **{a: (b,) for a, b in pairwise(names)}, names[-1]: (END,)},
    )


@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    module._remembered.cache_clear()


@pytest.fixture
def only(monkeypatch):
    """Leaves one engine, or none."""

    def choose(engine):
        if engine != "dot":
            monkeypatch.setattr(module.shutil, "which", lambda name: None)
        if engine != "wasm":
            monkeypatch.setattr(module, "find_spec", lambda name: None)

    return choose


def ids(svg):
    return re.findall(r'<g id="([neju]\d+)" class="(?:node|edge)">', svg)


@pytest.mark.parametrize("engine", ENGINES)
class TestEngines:
    def test_nodes_and_edges_are_groups_with_our_ids(self, only, engine):
        only(engine)
        waiting = (WaitingEdge(("a", "b"), "c"),)
        made = Graph(
            nodes={n: Node(n, lambda s: {}) for n in "abc"},
            channels={},
            edges={START: ("a", "b"), "c": (END,)},
            routers={"c": (Router("c", lambda s: "a", {"again": "a"}), Router("c", lambda s: "a"))},
            waiting=waiting,
        )
        drawing = describe(made)
        found = lay_out(drawing)
        assert found.problem == ""
        assert set(ids(found.svg)) == {part.id for part in (*drawing.nodes, *drawing.edges)}
        assert re.search(r'<g id="n0" class="node">\s*<title>n0</title>', found.svg)
        assert set(ET.fromstring(found.svg).itertext()) >= {"START", "a", "b", "c", "?", "END"}

    def test_every_name_of_the_corpus_is_shown_as_text(self, only, engine):
        only(engine)
        names = [name for name in dict.fromkeys(CORPUS["names_graph"]) if name not in (START, END)]
        found = lay_out(describe(chain(*names)))
        shown = [text.text.strip() for text in ET.fromstring(found.svg).iter("{http://www.w3.org/2000/svg}text")]
        assert sorted(shown) == sorted(["START", "END", *(printable(name) for name in names)])
        assert len(ids(found.svg)) == len(names) + 2 + len(names) + 1

    def test_a_label_is_narrower_than_its_box(self, only, engine):
        only(engine)
        names = ["日本語のノード名", "WWWWWWWWWWWWMMMMMMMMM", "проверка результата", "😀😀😀😀😀"]
        widths = {"日本語のノード名": 8 * 14, "WWWWWWWWWWWWMMMMMMMMM": 21 * 12.5, "😀😀😀😀😀": 5 * 18}
        root = ET.fromstring(lay_out(describe(chain(*names)), "TB").svg)
        for group in root.iter("{http://www.w3.org/2000/svg}g"):
            label = group.findtext("{http://www.w3.org/2000/svg}text")
            if group.get("class") == "node" and label in widths:
                xs = re.findall(r"(-?[\d.]+),", group.find("{http://www.w3.org/2000/svg}path").get("d"))
                assert max(map(float, xs)) - min(map(float, xs)) > widths[label]

    def test_a_long_row_goes_downwards_unless_told_otherwise(self, only, engine):
        only(engine)
        long = describe(chain(*(f"step number {n}" for n in range(12))))
        width, height = svg_size(lay_out(long).svg)
        assert width < height
        width, height = svg_size(lay_out(long, "LR").svg)
        assert width > height

    def test_a_text_that_is_no_dot_is_a_line_and_no_error(self, only, engine):
        only(engine)
        found = layout("digraph {")
        assert found.svg is None
        assert found.problem.startswith(f"The drawing failed: {engine}: ")
        assert found.problem.endswith(CURE)

    def test_a_layout_that_takes_too_long_is_given_up_and_not_tried_again(self, only, engine, monkeypatch):
        only(engine)
        # A dense graph, which takes far longer than the limit.
        nodes = [f"n{n}" for n in range(40)]
        text = "digraph {" + ";".join(f"{a} -> {b}" for a in nodes for b in nodes if a != b) + "}"
        found = layout(text, 0.5)
        assert found == Layout(text, problem="The drawing was given up: the layout took more than 0.5 s.")
        monkeypatch.setattr(module.subprocess, "run", None)
        assert layout(text, 0.5) == found


class TestWithoutEngines:
    def test_the_dot_text_comes_with_the_cure(self, only):
        only("none")
        text = dot(describe(chain("a")))
        assert layout(text) == Layout(text, problem=CURE)

    def test_an_engine_that_is_installed_later_is_found(self, only, monkeypatch):
        only("none")
        text = dot(describe(chain("a")))
        assert layout(text).svg is None
        monkeypatch.undo()
        assert layout(text).svg is not None

    def test_a_broken_dot_leaves_it_to_wasm(self, monkeypatch):
        monkeypatch.setattr(module, "_by_dot", lambda text, limit: b"not an svg")
        assert layout(dot(describe(chain("a")))).svg is not None

    def test_what_is_wrong_with_each_engine_is_said(self, monkeypatch):
        def refused(text, limit):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(module, "_by_dot", refused)
        monkeypatch.setattr(module, "_by_wasm", lambda text, limit: b"<svg/>")
        monkeypatch.setattr(module._by_dot, "__name__", "_by_dot")
        monkeypatch.setattr(module._by_wasm, "__name__", "_by_wasm")
        assert layout("digraph {}").problem == (
            "The drawing failed: dot: [Errno 13] Permission denied; wasm: this is no SVG with a viewBox. " + CURE
        )

    def test_a_graph_that_is_too_large_is_not_laid_out(self, monkeypatch):
        monkeypatch.setattr(module.subprocess, "run", None)
        found = lay_out(describe(chain(*(f"n{n}" for n in range(10_000)))))
        assert (found.dot, found.svg) == ("", None)
        assert found.problem.startswith("The graph is too large to be drawn")


def test_a_layout_is_made_once_per_text(monkeypatch):
    calls = []
    real = subprocess.run
    monkeypatch.setattr(module.subprocess, "run", lambda *a, **k: (calls.append(1), real(*a, **k))[1])
    assert layout(dot(describe(chain("a")))) is layout(dot(describe(chain("a"))))
    assert len(calls) == 1


def svg(inner):
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 9 9">{inner}</svg>'
    )


class TestSanitiser:
    def test_shapes_texts_and_node_titles_stay(self):
        inner = (
            '<g id="n0" class="node">\n<title>n0</title>\n<ellipse cx="1" cy="2" rx="3" ry="4"/>\n'
            '<text x="1" y="-2.5" font-family="Helvetica,Arial,sans-serif">a &lt;b&gt; &amp;</text>\n</g>\n'
        )
        assert clean_svg(svg(inner)) == (
            '<svg xmlns="http://www.w3.org/2000/svg" width="9px" height="9px" viewBox="0 0 9 9">\n' + inner + "</svg>\n"
        )

    @pytest.mark.parametrize(
        "inner",
        [
            "<script>alert(1)</script>",
            "<style>@import 'x'</style>",
            "<foreignObject><b>x</b></foreignObject>",
            '<image href="http://127.0.0.1/x.png"/>',
            '<use href="#x"/>',
            '<a xlink:href="javascript:alert(1)"><text>x</text></a>',
            '<animate attributeName="x" onbegin="alert(1)"/>',
            "<title>n0</title>",
            '<x:path xmlns:x="http://other.example/" d="M0,0"/>',
        ],
    )
    def test_other_elements_go_with_all_they_hold(self, inner):
        assert clean_svg(svg(inner)) == clean_svg(svg(""))

    @pytest.mark.parametrize(
        "attribute",
        [
            'onload="alert(1)"',
            'style="fill:url(http://127.0.0.1/)"',
            'fill="url(#x)"',
            'xlink:href="javascript:alert(1)"',
            'href="x"',
            'id="jp-main"',
            'id="constructor"',
            'class="jp-Cell"',
            'class="node jp-Cell"',
            'd="url(x)"',
            'transform="translate(1) url(x)"',
            'data-commandlinker-command="x"',
            'x="1e9999999999999x"',
        ],
    )
    def test_other_attributes_and_values_go(self, attribute):
        assert clean_svg(svg(f"<path {attribute}/>")) == clean_svg(svg("<path/>"))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "<svg",
            "<html/>",
            "<svg viewBox='0 0 9 9'/>",
            svg("").replace("0 0 9 9", "0 0 9"),
            svg("").replace("0 0 9 9", "0 0 9 inf"),
            '<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + svg("<text>&a;</text>"),
        ],
    )
    def test_what_is_no_drawing_is_refused(self, text):
        with pytest.raises(RefusedSvgError):
            clean_svg(text)

    def test_deep_nesting_is_cut_and_does_no_harm(self):
        assert len(clean_svg(svg("<g>" * 5_000 + "</g>" * 5_000))) < 500

    @pytest.mark.parametrize("text", [*CORPUS["xss_html"], *CORPUS["xss_markdown"]])
    def test_nothing_of_the_corpus_gets_through(self, text):
        try:
            clean = clean_svg(svg(text))
        except RefusedSvgError:
            return
        assert {element.tag.rpartition("}")[2] for element in ET.fromstring(clean).iter()} <= {
            "svg",
            "g",
            "path",
            "text",
        }
        assert "pwn" not in clean
