"""Looks a checkpoint file over, whole, and says how it is. Changes nothing, unless it is asked to salvage."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbhitl.checkpoint.file import instances, mark, migrations, opening, salvage, schema, tail, verifying, words
from nbhitl.checkpoint.file.lock import Ownership
from nbhitl.checkpoint.rows import from_column
from nbhitl.engine.errors import FileDamagedError, FileLockedError, SaverError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbhitl.checkpoint.file.mark import Level

    Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Findings:
    """How a file is. ``problems`` in words; none means that it is whole."""

    path: Path
    size: int
    """Bytes of the file."""
    log: int
    """Bytes of its write-ahead log."""
    tail: int = 0
    """Rows that stand beside it and not in it yet."""
    live: str = ""
    """Who has it open, in words; then a copy was looked at."""
    version: int = 0
    threads: int = 0
    level: Level | None = None
    report: verifying.Report = field(default_factory=verifying.Report)

    @property
    def problems(self) -> list[str]:
        """What is wrong."""
        return self.report.problems

    def lines(self) -> Iterator[str]:
        """The findings in words."""
        report = self.report
        yield f"{self.path}: {words.size(self.size)}" + (f", and a log of {words.size(self.log)}" if self.log else "")
        if self.live:
            yield self.live
        if self.version:
            yield f"version {self.version}" + ("" if self.version == schema.VERSION else f" (now: {schema.VERSION})")
            yield f"{_count(report.rows, 'row')} in {_count(self.threads, 'thread')}"
            if self.tail:
                yield f"{_count(self.tail, 'row')} in its tail, which the next opening takes in"
            if report.removed:
                yield f"{_count(report.removed, 'row')} taken out on purpose, or lost and recorded below"
        yield self._mark()
        for damage in report.damages:
            yield from _recorded(damage)
        for problem in report.problems:
            yield f"DAMAGED: {problem}"
        if report.problems:
            yield "Opening it saves what can be read, and keeps the damaged file; so does: nbhitl doctor --salvage"
        elif self.version >= migrations.CHAINED:
            yield "whole: the sequence has no gaps, and every row has its checksum and its place in its chain"
        else:
            yield "it can be read; rows of this version have no chains, so no more can be said"

    def _mark(self) -> str:
        if self.level is None:
            return "no mark beside it (it was copied without): rows that are missing at its end would not be noticed"
        how = "it was closed properly" if self.level.clean else "it is open, or its process was killed"
        return f"its mark says: {_count(self.level.newest, 'row')} written; {how}"


def diagnose(path: Path, progress: Progress | None = None) -> Findings:
    """Look at every row of a file; at a copy, when somebody has it open.

    Raises `SaverError` when there is no such file, or it is of something else.
    """
    path = path.expanduser().resolve()
    if not path.is_file():
        raise words.absent(path)
    try:
        ownership = Ownership(path)
    except FileLockedError as error:
        return _of_copy(path, str(error), progress)
    try:
        with instances.stopped_by_ctrl_c():
            return _of(path, path, progress)
    finally:
        ownership.release()


def mend(path: Path, findings: Findings) -> None:
    """Save what can be read of a file that was found damaged. Raises `FileDamagedError`, which tells the result."""
    ownership = Ownership(findings.path)
    try:
        with instances.stopped_by_ctrl_c():
            salvage.finish(findings.path)
            salvage.salvage(findings.path, findings.problems, findings.level)
    finally:
        ownership.release()
    raise FileDamagedError(f"nothing in {path} is nbhitl's, as far as can be told; it was not changed. Restore a copy.")


def _of_copy(path: Path, owner: str, progress: Progress | None) -> Findings:
    from nbhitl.checkpoint.file.copies import copy_whole

    folder = Path(tempfile.mkdtemp(prefix="nbhitl-"))
    try:
        copy_whole(path, folder / path.name)
        with instances.stopped_by_ctrl_c():
            findings = _of(path, folder / path.name, progress)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    by = owner.partition(": ")[0].removeprefix(f"{path} is ").removeprefix("in use ")
    findings.live = f"in use, so a copy was looked at ({by})"
    return findings


def _of(path: Path, place: Path, progress: Progress | None) -> Findings:
    """The findings of the file ``path``, which stands, or whose copy stands, at ``place``."""
    import duckdb

    log = instances.wal_of(place)
    findings = Findings(path, place.stat().st_size, log.stat().st_size if log.exists() else 0, level=mark.read(place))
    if salvage.work_folder(place).joinpath(salvage.PLAN).exists():
        findings.problems.append("it is damaged, and saving what can be read was not finished")
        return findings
    connection: Any = None
    try:
        connection = instances.opened(place)
        findings.version = opening.version_of(connection, path)
        _count_rows(connection, findings, place, progress)
    except duckdb.Error as error:
        if not verifying.is_damage(error):
            raise SaverError(f"{path} cannot be read; it was not changed. ({error})") from error
        if findings.level is None and opening.is_foreign(place):
            raise SaverError(f"{path} is no checkpoint file; it was not changed") from error
        findings.problems.append(str(error).partition("\n")[0])
    finally:
        if connection is not None:
            connection.close()
    return findings


def _look_at_tail(connection: Any, findings: Findings, place: Path) -> None:
    newest = findings.report.newest
    rows = tail.read(place, verifying.file_id(connection))
    left = [row for row in rows if row[0] > newest]
    if left and left[0][0] == newest + 1:
        findings.tail = len(left)
    level = findings.level
    if not findings.problems and level is not None and newest + findings.tail < level.newest:
        findings.problems.append(verifying.lost_with_tail(level, newest + findings.tail))


def _count_rows(connection: Any, findings: Findings, place: Path, progress: Progress | None) -> None:
    sql = "SELECT count(DISTINCT (graph, thread)) FROM journal WHERE kind = 'checkpoint'"
    if findings.version < migrations.CHAINED:
        ((findings.threads,),) = connection.execute(sql).fetchall()
        ((findings.report.rows,),) = connection.execute("SELECT count(bytes) FROM journal").fetchall()
        return
    level = findings.level
    if level is not None and level.file != verifying.file_id(connection):
        level = findings.level = None
    findings.report = verifying.verify_all(connection, level, progress)
    _look_at_tail(connection, findings, place)
    if not findings.problems:
        ((findings.threads,),) = connection.execute(sql).fetchall()


def _recorded(damage: dict[str, Any]) -> Iterator[str]:
    """What was lost once, in words."""
    yield (
        f"lost once: {_count(damage['rows'], 'row')}, for {'; '.join(damage['what'])}. The damaged file:"
        f" {damage['originals']}"
    )
    for graph, thread, ns, step, rows in damage["cut"]:
        line = verifying.named((from_column(graph), from_column(thread), from_column(ns)))
        yield f"  {line}: ends at step {step}, {_count(rows, 'row')} left out"
    for graph, thread, ns in damage["late"]:
        yield f"  {verifying.named((from_column(graph), from_column(thread), from_column(ns)))}: its beginning"


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
