"""Builds the JupyterLab extension while the Python package is built, and adds what lies outside the package.

The build environment brings Node and jlpm (see `build-system.requires`), so a machine with
Python only can install from source. A registry that is down must not keep a Python user from
installing: without the extension, drawings are static pictures and everything else works.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("src", "style", "schema", "package.json", "yarn.lock", "tsconfig.json", ".yarnrc.yml")
BUILT = "nbhitl/labextension"
SHARED = "share/jupyter/labextensions/nbhitl"
NOTEBOOK_SUFFIXES = {".ipynb", ".json", ".yaml"}
REQUIRE = "NBHITL_REQUIRE_LABEXTENSION"

FAILED = f"""
*******************************************************************************
nbhitl: THE JUPYTERLAB EXTENSION COULD NOT BE BUILT, so it is not installed.
  Reason: {{reason}}
  Without it drawings are static pictures; graphs, forms and magics all work.
  Cure: see that the npm registry can be reached, then install again with
        pip install --verbose --force-reinstall --no-deps .
  Set {REQUIRE}=1 to make this an error.
*******************************************************************************
"""


class LabextensionHook(BuildHookInterface[Any]):
    """Hatchling's way in."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the extension if it is missing or old, and say what the archive shall hold.

        Args:
            version: "standard" or "editable".
            build_data: what hatchling puts into the archive; changed in place.

        Raises:
            RuntimeError: the build failed and the environment says that it must not.
        """
        root = Path(self.root)
        built = root / BUILT
        if is_old(built, root / "labextension"):
            try:
                build(root / "labextension", built)
            except (OSError, subprocess.SubprocessError) as error:
                # What a failed build left behind is not to be shipped.
                shutil.rmtree(built, ignore_errors=True)
                if os.environ.get(REQUIRE) == "1":
                    raise RuntimeError(FAILED.format(reason=error)) from error
                print(FAILED.format(reason=error), file=sys.stderr, flush=True)
        if self.target_name == "wheel":
            # Declared here and not in pyproject.toml, where a path that is missing is an error.
            build_data["shared_data"].update(shared_data(root))
            build_data["force_include"].update(notebooks(root))


def is_old(built: Path, source: Path) -> bool:
    """Whether the extension is missing, or older than any file that it is made from."""
    # Written by every build; the folder's own time says nothing.
    package = built / "package.json"
    if not package.is_file():
        return True
    built_at = package.stat().st_mtime
    files = (file for name in SOURCES for file in (source / name, *(source / name).rglob("*")))
    return any(file.is_file() and file.stat().st_mtime > built_at for file in files)


def build(source: Path, built: Path) -> None:
    """Run jlpm in `source`, which leaves the extension in `built`.

    Raises:
        OSError: jlpm is missing, or said that all is well and left nothing.
        subprocess.SubprocessError: jlpm failed.
    """
    # The PATH holds the build environment's tools; without isolation they lie beside this Python.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")])
    # Node has certificates of its own; behind a company's proxy only the system's will do, as for pip.
    environment = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path}
    jlpm = shutil.which("jlpm", path=path)
    if jlpm is None:
        raise FileNotFoundError("jlpm was not found; it comes with the package jupyter-builder")
    for step in (["install", "--immutable"], ["build"]):
        subprocess.run([jlpm, *step], cwd=source, env=environment, check=True)
    if not (built / "package.json").is_file():
        raise FileNotFoundError(f"jlpm build left nothing in {built}")


def shared_data(root: Path) -> dict[str, str]:
    """Where JupyterLab looks for extensions: the files that go there, if they were built."""
    built = root / BUILT
    if not (built / "package.json").is_file():
        return {}
    files = {path: path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()}
    # A log of the build names folders of the machine that it ran on.
    shared = {str(path): f"{SHARED}/{name}" for path, name in files.items() if name != "build_log.json"}
    shared[str(root / "labextension" / "install.json")] = f"{SHARED}/install.json"
    return shared


def notebooks(root: Path) -> dict[str, str]:
    """The tutorials with their answers, which the package carries inside itself."""
    found = sorted(path for path in (root / "notebooks").glob("*") if path.suffix in NOTEBOOK_SUFFIXES)
    return {str(path): f"nbhitl/notebooks/{path.name}" for path in found}
