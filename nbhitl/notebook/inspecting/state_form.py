"""A form with the values of the state, made from its schema: what is changed there is written into the thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypedDict

from IPython.display import display

from nbhitl.asking.frames import frame_from, frame_table, is_frame
from nbhitl.debugging.likeness import is_frame as is_table
from nbhitl.debugging.likeness import same
from nbhitl.engine.channels import BinaryOperatorAggregate, Topic
from nbhitl.engine.errors import AnswerRefused, NbhitlError, Problem, did_you_mean
from nbhitl.engine.records import MISSING, Asked
from nbhitl.notebook.commands import Act
from nbhitl.notebook.inspecting.compared import Compared
from nbhitl.notebook.inspecting.look_style import LOOK_STYLE
from nbhitl.run.drafts import drafted

if TYPE_CHECKING:
    from nbhitl.notebook.questions.form import Form
    from nbhitl.notebook.worker import Worker
    from nbhitl.session import Session

HOW: Final = "how to write"
REPLACE: Final = "Overwrite what is there"
MERGE: Final = "Merge through the reducers"
WRITER: Final = "as node"
"""Fields beside those of the state; no key of a state has a space in its name."""


@dataclass(frozen=True, slots=True)
class StateForm:
    """What a form asks for, and what stands in it."""

    schema: Any
    values: Mapping[str, Any]
    """The values that the form began with; a key without one is absent."""
    left_out: Mapping[str, str]
    """Keys that no form can show, and why."""
    doubts: tuple[str, ...]
    """What the form cannot begin with, in words."""
    checkpoint: str
    """Where the thread stood: what has moved since is not written over."""


def open_form(worker: Worker, keys: tuple[str, ...] = ()) -> None:
    """Show a form for the state's values, or for some of its keys; where no form can be filled in, say so.

    Raises:
        NbhitlError: an unknown key, or none of them can be edited in a form.
    """
    session = worker.session
    asked = state_form(session, keys)
    for doubt in asked.doubts:
        print(doubt)
    for key, why in asked.left_out.items():
        print(f"{key} is not in the form: {why} Or write it from a variable: %graph set {key}=$name")
    if not worker.screen.interactive:
        names = " ".join(f"{key}=..." for key in asked.values)
        print(f"There is nobody to fill in a form here. Use: %graph set {names} [--overwrite]")
        return
    OpenForm(worker, asked).show()


def state_form(session: Session, keys: tuple[str, ...] = ()) -> StateForm:
    """The schema of a form for the state, filled in with its values. Raises `NbhitlError` as `open_form`."""
    known = session.keys()
    for key in keys:
        if key not in known:
            raise NbhitlError(f"%graph edit: {key!r} is no key of the state.{did_you_mean(key, known)}")
    position = session.at()
    values = session.inspect().values
    if len(keys) == 1 and is_frame(values.get(keys[0])):
        return _of_frame(keys[0], values[keys[0]], position.checkpoint.id)
    members: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    doubts: list[str] = []
    for key in keys or known:
        try:
            members[key], doubt = _member(session, key, values.get(key, MISSING))
            doubts += [f"{key} is blank in the form, as its value does not fit the schema: {doubt}."] * bool(doubt)
        except NbhitlError as error:
            left_out[key] = str(error)
    if not members:
        why = " ".join(f"{key}: {text}" for key, text in left_out.items())
        raise NbhitlError(f"%graph edit: no form can show these values. {why} Use: %graph set KEY=$name --overwrite")
    if any(_reduces(session, key) for key in members):
        members[HOW] = drafted(Literal[REPLACE, MERGE], REPLACE)
    ran = [node for node in position.checkpoint.ran if node in session.graph.nodes]
    if len(ran) > 1:  # several wrote side by side, and only a person knows who counts
        members[WRITER] = Literal[tuple(ran)]
    make: Any = TypedDict  # its keys are known only now
    held = {key: values[key] for key in members if key in values}
    return StateForm(make("State", members), held, left_out, tuple(doubts), position.checkpoint.id)


def _of_frame(key: str, frame: Any, checkpoint: str) -> StateForm:
    """A form with one table for a frame's rows. Raises `NbhitlError` for one that is too large or of odd columns."""
    table, rows = frame_table(frame)
    properties = {key: {"title": key, **drafted(table, rows)}}
    schema = {"type": "object", "properties": properties, "required": [key], "additionalProperties": False}
    return StateForm(schema, {key: frame}, {}, (), checkpoint)


def _member(session: Session, key: str, value: Any) -> tuple[Any, str]:
    """The type of a key with its value filled in, or why it is not. Raises `NbhitlError` where no form can show it."""
    if is_table(value):
        alone = f"which has a form of its own: %graph edit {key}." if is_frame(value) else "which no form can show."
        raise NbhitlError(f"it is a {type(value).__name__}, {alone}")
    typ = session.channel(key).typ
    if typ in (None, Any, object):
        typ = type(value) if isinstance(value, bool | int | float | str) else Any
    checker = session.compiled.calls.world.checker
    checker.describe(typ)
    if value is MISSING:
        return NotRequired[typ], ""
    try:
        checker.check(typ, value)
        filled = drafted(typ, value)
        checker.describe(filled)
    except AnswerRefused as error:
        return NotRequired[typ], "; ".join(problem.message for problem in error.problems)
    return filled, ""


def _reduces(session: Session, key: str) -> bool:
    return isinstance(session.channel(key), BinaryOperatorAggregate | Topic)


class OpenForm:
    """A form on the screen."""

    def __init__(self, worker: Worker, asked: StateForm) -> None:
        from nbhitl.notebook.questions.form import Form

        self.worker, self.asked = worker, asked
        self.session = worker.session
        self.checker = worker.session.compiled.calls.world.checker
        step = worker.session.at(asked.checkpoint).checkpoint.step
        self.form: Form = Form(
            Asked("", "", f"The state of {self.session.name} / {self.session.thread} at step {step}", asked.schema),
            title="edit",
            checker=self.checker,
            submit=lambda raw: worker.put(Act(lambda: self.write(raw))),
            action="Write",
            busy="Writing ...",
            done="Written",
        )

    def show(self) -> None:
        """Show it in the cell that runs."""
        display(self.form.widget)

    def write(self, raw: Mapping[str, Any]) -> None:
        """Check what the form has sent, and write what was changed: on the worker's thread."""
        try:
            given = self.checker.build(self.asked.schema, self.checker.take(self.asked.schema, raw))
            if self.session.at().checkpoint.id != self.asked.checkpoint:
                self.form.close("The thread has moved on since this form was opened. Open it again: %graph edit.")
                return
            overwrite, as_node = given.pop(HOW, REPLACE) == REPLACE, given.pop(WRITER, None)
            given = {key: self._typed(key, value) for key, value in given.items()}
            changed = {key: value for key, value in given.items() if not self._stands(key, value)}
            if not changed:
                raise NbhitlError("Nothing was changed, so nothing is written.")
            written = self.session.set(changed, overwrite=overwrite, as_node=as_node)
        except AnswerRefused as error:
            self.form.refuse(error.problems)
        except NbhitlError as error:
            # Beside the last field, which is near the button: what is said above a long form is out of sight.
            self.form.refuse([Problem(self.form.model.fields[-1].name, str(error))])
        else:
            due = f". Next: {', '.join(dict.fromkeys(written.next))}" if written.next else ""
            self._tell(Compared(written.differences, f"What this changed{due}"))

    def _typed(self, key: str, value: Any) -> Any:
        """The rows of a table as a frame like the one that was edited; other values as they are."""
        before = self.asked.values.get(key)
        return frame_from(before, value) if is_frame(before) and isinstance(value, list) else value

    def _stands(self, key: str, value: Any) -> bool:
        """Whether a value is what stood in the form; a number may have come back as one of another type."""
        before = self.asked.values.get(key, MISSING)
        if same(before, value):
            return True
        try:
            return bool(before == value)
        except Exception:  # noqa: BLE001 - a stranger's class: then it counts as changed
            return False

    def _tell(self, compared: Compared) -> None:
        import ipywidgets as widgets

        self.form.answered("")
        found = widgets.HTML(f'{LOOK_STYLE}<div class="nbh-look">{compared.inner_html()}</div>')
        self.form.widget.children = (*self.form.widget.children, found)
        position = self.session.position
        self.worker.screen.stopped(position.stopped if position is not None else None)
