"""The layout shows the architecture, and the code keeps to it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = [path for top in ("astrolabe_web", "previews", "tests", "bench") for path in sorted((ROOT / top).rglob("*.py"))]
ENGINE = sorted((ROOT / "previews" / "engine").rglob("*.py"))

#: What each layer may import of ours, besides itself.
MAY_IMPORT = {
    "previews/engine": ("previews.engine",),
    "previews/models": ("previews.engine", "previews.models"),
    "previews/record.py": ("previews.engine", "previews.models", "previews.workshop"),
    "previews/completing.py": ("previews.engine", "previews.models", "previews.record"),
    "previews/workshop.py": ("previews.engine", "previews.models"),
    "previews/jobs.py": (
        "previews.engine",
        "previews.models",
        "previews.workshop",
        "previews.record",
        "previews.completing",
        "previews.arrivals",
        "previews.renewals",
        "previews.acceptances",
        "previews.answers",
        "previews.together",
    ),
    "previews/acceptances.py": ("previews.engine", "previews.models"),
    "previews/companions.py": ("previews.engine", "previews.models"),
    "previews/together.py": ("previews.arrivals", "previews.engine", "previews.models"),
    "previews/renewals.py": (
        "previews.engine",
        "previews.models",
        "previews.workshop",
        "previews.record",
        "previews.arrivals",
    ),
    "previews/arrivals.py": (
        "previews.engine",
        "previews.models",
        "previews.workshop",
        "previews.scm",
        "previews.endings",
    ),
    "previews/endings.py": ("previews.engine", "previews.models"),
    "previews/answers.py": ("previews.digest", "previews.engine", "previews.models", "previews.scm"),
    "previews/digest.py": ("previews.companions", "previews.engine", "previews.models", "previews.scm"),
    "previews/scm": ("previews.scm",),
    "previews/supervisor.py": (),
    "previews/middleware.py": (),
    "previews/views": (
        "previews.engine",
        "previews.models",
        "previews.workshop",
        "previews.arrivals",
        "previews.jobs",
        "previews.scm",
        "previews.acceptances",
        "previews.companions",
        "previews.together",
        "previews.views",
    ),
    "previews/sample": ("previews.engine", "previews.sample"),
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from previews import arrivals` names a module of ours.
            names = [f"previews.{name.name}" for name in node.names] if node.module == "previews" else [node.module]
            yield from names


def test_the_engine_imports_no_django():
    assert {str(path) for path in ENGINE for name in imports(path) if name.startswith("django")} == set()


def test_imports_are_written_out():
    relative = [
        str(path)
        for path in OURS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_the_engine_runs_where_there_is_no_django():
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in ENGINE]
    code = (
        f"import sys; sys.modules['django'] = None; import {', '.join(modules)}; sys.exit('helm_python' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_dependencies_point_down(layer):
    place = ROOT / layer
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    wrong = [
        (str(path), name)
        for path in files
        for name in imports(path)
        if name.startswith("previews.") and not name.startswith(MAY_IMPORT[layer])
    ]
    assert wrong == []


def test_no_module_is_too_long_and_no_function_leaves_the_screen():
    long_modules = [str(path) for path in OURS if len(path.read_text().splitlines()) > 500]
    long_functions = [
        f"{path}: {node.name}"
        for path in OURS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno + 1 > 60
    ]
    assert (long_modules, long_functions) == ([], [])


def test_the_top_level_is_the_agreed_one():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {line.partition("/")[0] for line in tracked.splitlines()}
    wanted = {
        "manage.py",
        "pyproject.toml",
        "astrolabe_web",
        "previews",
        "templates",
        "static",
        "tests",
        "docker-compose.yml",
    }
    assert wanted <= top
    assert top - wanted <= {
        "README.md", "CHANGELOG.md", "Makefile", "Dockerfile", "docs", "bench", ".ci", ".gitignore", ".dockerignore",
        "requirements.lock", "requirements-dev.lock", "requirements-carriers.lock", "LICENSE",
    }  # fmt: skip


def test_nothing_names_a_machine_of_ours():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    marks = [b"/wo" + b"rk/", b".libra" + b"ry/", b"/tm" + b"p/w/"]
    texts = [path for line in tracked.splitlines() if (path := ROOT / line).is_file() and path.suffix != ".png"]
    assert [str(path) for path in texts for mark in marks if mark in path.read_bytes()] == []
