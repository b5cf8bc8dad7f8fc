"""The page of a cell with a manifest of 60,000 lines: the server's time, the bytes, a browser's first paint, the folds.

    python -m bench.cell [--lines 100000] [--keep]

Makes a repository whose applications are plain YAML of the Prometheus operator's CRDs (`bench/crds.py`; generated ones
without network) and a change of them, has `manage.py up` preview it, and serves the pages by the web server that `up`
starts. The plain baseline is `git diff --no-index` coloured by Pygments, without sides, folds or numbers. Ends with 1
when a bar is missed.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import DiffLexer
from selenium import webdriver

from bench import crds
from previews.engine.diff.lines import split_lines
from previews.engine.yamls import dump, load
from tests.conftest import GitRepository
from tests.engine.fleets import CONFIG, application
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
FOLDS_CLICKED = 12

#: An application's files before and after the change.
Sides = tuple[dict[str, str], dict[str, str]]


class Refused(Exception):
    """The server's answer is no page; the text says which."""


@dataclass(frozen=True)
class Answer:
    """What the server sent: seconds to the last byte, bytes as sent, and the text."""

    seconds: float
    sent: int
    text: str


@dataclass
class Rows:
    """The lines of the table, and the bars that were missed."""

    lines: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, what: str, value: float, unit: str, bar: float | None = None) -> None:
        """A row; `bar` is what the value must stay below."""
        number = f"{value:,.0f} {unit}"
        self.lines.append(f"| {what} | {number} | {'' if bar is None else f'< {bar:,.0f} {unit}'} |")
        if bar is not None and value >= bar:
            self.missed.append(f"{what}: {number}, not below {bar:,.0f} {unit}")


def main() -> None:
    """Prints a table for each application."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000, help="lines of the largest manifest, which has no bars")
    parser.add_argument("--keep", type=Path, help="work in this new folder and keep it, to look at the pages")
    options = parser.parse_args()
    missed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = options.keep or Path(name)
        apps = applications(options.lines)
        make_repository(folder / "fleet.git", apps)
        environment = own_environment(folder / "data")
        preview(folder, environment)
        for app, has_bars in apps:
            rows = measure(app, has_bars, folder, environment)
            print(f"\n| {app} | | bar |\n|---|--:|--:|\n" + "\n".join(rows.lines), flush=True)
            missed += [f"{app}: {miss}" for miss in rows.missed]
    print("\n" + ("\n".join(f"MISSED {miss}" for miss in missed) or "All bars hold."))
    sys.exit(1 if missed else 0)


def applications(lines: int) -> dict[tuple[str, bool], Sides]:
    """The applications by name and whether bars stand for them: two of 60,000 lines, and a larger one."""
    found: dict[tuple[str, bool], Sides] = {}
    try:
        before, after = crds.crds(crds.BEFORE), crds.crds(crds.AFTER)
        found[f"release-{crds.AFTER}", True] = before, after
    except crds.NoCrds as error:
        print(f"the CRDs are generated, for the real ones could not be fetched: {error}", file=sys.stderr)
        before = crds.generated(60_000)
    found["200-edits", True] = before, edited(before, 200)
    large = dict(before)
    copies = 0
    while sum(text.count("\n") for text in large.values()) < lines:
        copies += 1
        for name, text in before.items():
            large[f"copy{copies}-{name}"] = text.replace(f"name: {name}", f"name: copy{copies}-{name}", 1)
    found[f"{lines // 1000}k-lines-400-edits", False] = large, edited(large, 400)
    return found


def edited(files: dict[str, str], edits: int) -> dict[str, str]:
    """The CRDs after so many edits spread over them: a new field, one that goes, and two descriptions reworded."""
    values = {name: load(text) for name, text in files.items()}
    fields = [place for value in values.values() for place in _fields(value)]
    for number in range(edits):
        properties, name = fields[number * len(fields) // edits]
        match number % 4:
            case 0:
                properties[f"{name}Policy"] = {"description": f"What becomes of {name}.", "type": "string"}
            case 1:
                properties.pop(name, None)
            case _:
                schema = properties.get(name, {})
                schema["description"] = f"{schema.get('description', name)} Reworded by edit {number}."
    return {name: dump(value) for name, value in values.items()}


def _fields(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Each leaf of a schema: the properties that it stands in, and its name."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _fields(child)
    if isinstance(value, dict) and isinstance(properties := value.get("properties"), dict):
        leaves = [
            name for name, schema in properties.items() if isinstance(schema, dict) and "properties" not in schema
        ]
        yield from ((properties, name) for name in leaves)


def make_repository(folder: Path, apps: dict[tuple[str, bool], Sides]) -> None:
    """A repository with a directory of YAML for each application, and a pull request that changes all of them."""
    before, after = {"astrolabe.yaml": CONFIG}, {}
    for (app, _), (left, right) in apps.items():
        before[f"clusters/c1/{app}.yaml"] = application(app, f"apps/{app}")
        before |= {f"apps/{app}/{name}.yaml": text for name, text in left.items()}
        after |= {f"apps/{app}/{name}.yaml": text for name, text in right.items()}
    folder.parent.mkdir(parents=True, exist_ok=True)
    repository = GitRepository(folder)
    repository.commit(before)
    repository.commit(after, ref="refs/pull/1/head", start="refs/heads/main")


def own_environment(data: Path) -> dict[str, str]:
    """The environment of a machine on which nothing is set, with its data in a folder."""
    ours = ("ASTROLABE_", "REDIS_", "DATABASE_", "DJANGO_", "DEBUG", "HTTPS")
    return {name: text for name, text in os.environ.items() if not name.startswith(ours)} | {
        "ASTROLABE_DATA": str(data)
    }


def preview(folder: Path, environment: dict[str, str]) -> None:
    """Has `up` preview the pull request; ends it when it is done."""
    command = [sys.executable, "manage.py", "up", "--port", str(free_port()), "--repo", str(folder / "fleet.git")]
    log = folder / "up.log"
    with log.open("w") as output:
        up = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        for _ in range(3000):
            if up.poll() is not None or "Astrolabe is ready" in log.read_text():
                break
            time.sleep(0.1)
        if up.poll() is not None:
            sys.exit(f"`up` ended:\n{log.read_text()}")
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(timeout=60)


@contextmanager
def server(environment: dict[str, str]) -> Iterator[int]:
    """A fresh web server as `up` starts it, which has answered once but shown no cell. Gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "astrolabe_web.wsgi", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen([*command, "--threads", "8", "--log-level", "warning"], cwd=ROOT, env=environment)
    try:
        for _ in range(100):
            try:
                get(port, "/")
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def get(port: int, address: str, **headers: str) -> Answer:
    """Asks as a browser does, with gzip. Raises Refused."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    started = time.perf_counter()
    connection.request("GET", address, headers={"Accept-Encoding": "gzip", **names})
    response = connection.getresponse()
    body = response.read()
    seconds = time.perf_counter() - started
    connection.close()
    if response.status != 200:
        raise Refused(f"status {response.status} for {address}")
    content = gzip.decompress(body) if response.headers["Content-Encoding"] == "gzip" else body
    return Answer(seconds, len(body), content.decode())


def measure(app: str, has_bars: bool, folder: Path, environment: dict[str, str]) -> Rows:
    """All that is measured of an application's cell."""
    rows = Rows()
    bar = (lambda limit: limit) if has_bars else (lambda limit: None)
    page = f"/previews/1/cells/c1/{app}/"
    fresh = []
    for _ in range(3):
        with server(environment) as port:
            fresh.append(get(port, page).seconds)
    with server(environment) as port:
        first = get(port, page)
        again = [get(port, page).seconds for _ in range(10)]
        base, head = (get(port, f"{page}raw/?view=yaml&side={side}") for side in ("base", "head"))
        rows.add("lines of the base", len(split_lines(base.text)), "lines")
        rows.add("lines of the head", len(split_lines(head.text)), "lines")
        rows.add("page, first time in a fresh process (median of 3)", 1000 * statistics.median(fresh), "ms", bar(1500))
        rows.add("page, again (median of 10)", 1000 * statistics.median(again), "ms", bar(300))
        rows.add("page, gzip'ed", first.sent / 1000, "kB", bar(400))
        rows.add("page, uncompressed", len(first.text.encode()) / 1000, "kB")
        rows.add("rows of the page", first.text.count("<tr"), "rows")
        measure_folds(rows, port, page, first.text, bar(200))
        unified, diff = get(port, f"{page}?layout=unified"), get(port, f"{page}cell.diff?view=yaml")
        rows.add("page, unified", 1000 * unified.seconds, "ms")
        rows.add(".diff", 1000 * diff.seconds, "ms")
        rows.add("raw base", 1000 * base.seconds, "ms")
        measure_browser(rows, f"http://127.0.0.1:{port}{page}", bar)
    measure_plain(rows, folder, base.text, head.text)
    return rows


class _Gets(HTMLParser):
    """Collects the addresses that htmx would ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes any element's `hx-get`."""
        self.found |= {text: None for name, text in attrs if name == "hx-get" and text}


def measure_folds(rows: Rows, port: int, page: str, text: str, bar: float | None) -> None:
    """Every address that the page would ask for by htmx, as htmx asks."""
    parser = _Gets()
    parser.feed(text)
    current = f"http://127.0.0.1:{port}{page}"
    times, refused = [], []
    for one in parser.found:
        try:
            times.append(get(port, one, HX_Request="true", HX_Current_URL=current).seconds)
        except Refused as error:
            refused.append(str(error))
    rows.add("folds and parts on the page", len(parser.found), "")
    rows.add("of them refused", len(refused), "", 1)
    rows.missed += refused[:3]
    if times:
        rows.add("a fold opens, server (median)", 1000 * statistics.median(times), "ms")
        rows.add("a fold opens, server (slowest)", 1000 * max(times), "ms", bar)


#: Clicks folds one after the other and gives the milliseconds from each click to the frame that shows its rows.
_CLICK = """
const [count, done] = arguments;
const links = [...document.querySelectorAll('[hx-get]')].filter(one => one.offsetParent);
const chosen = Array.from({length: Math.min(count, links.length)}, (_, at) => Math.floor(at * links.length / count));
const clicked = [];
(async () => {
  for (const link of chosen.map(at => links[at]).filter(one => one.isConnected)) {
    const settled = new Promise(told => {
      const events = ['htmx:afterSettle', 'htmx:responseError'];
      events.forEach(name => document.body.addEventListener(name, told, {once: true}));
      setTimeout(told, 4000);
    });
    const from = performance.now();
    link.click();
    await settled;
    await new Promise(told => requestAnimationFrame(() => setTimeout(told)));
    clicked.push(performance.now() - from);
  }
  done(clicked);
})();
"""


def measure_browser(rows: Rows, address: str, bar: Any) -> None:
    """First paint, load and clicks in a headless Chromium; nothing where there is none."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        print("no Chromium and chromedriver here: paint is not measured", file=sys.stderr)
        return
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    with tempfile.TemporaryDirectory(prefix="profile-") as profile:
        for argument in (
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
            f"--user-data-dir={profile}", "--window-size=1440,900",
        ):  # fmt: skip
            options.add_argument(argument)
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            paints, loads = [], []
            for _ in range(5):
                browser.get("about:blank")
                browser.get(address)
                time.sleep(0.5)
                timing = "return [performance.getEntriesByName('first-contentful-paint')[0].startTime, \
                    performance.getEntriesByType('navigation')[0].loadEventEnd]"
                paint, load_end = browser.execute_script(timing)
                paints.append(paint)
                loads.append(load_end)
            browser.set_script_timeout(60)
            clicks = browser.execute_async_script(_CLICK, FOLDS_CLICKED)
        finally:
            browser.quit()
    rows.add("Chromium, first contentful paint (median of 5)", statistics.median(paints), "ms", bar(1000))
    rows.add("Chromium, load (median of 5)", statistics.median(loads), "ms")
    if clicks:
        rows.add("Chromium, click on a fold to its frame (median)", statistics.median(clicks), "ms")
        rows.add(f"Chromium, click on a fold to its frame (slowest of {len(clicks)})", max(clicks), "ms", bar(200))


def measure_plain(rows: Rows, folder: Path, base: str, head: str) -> None:
    """The baseline: the same texts through Git and Pygments."""
    for name, text in (("left", base), ("right", head)):
        (folder / name).write_text(text, encoding="utf-8")
    started = time.perf_counter()
    command = ["git", "diff", "--no-index", "-U3", "left", "right"]
    text = subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout
    page = highlight(text, DiffLexer(), HtmlFormatter(full=True)).encode()
    packed = gzip.compress(page, 6)
    rows.add("plain: git diff, Pygments and gzip", 1000 * (time.perf_counter() - started), "ms")
    rows.add("plain: gzip'ed", len(packed) / 1000, "kB")


if __name__ == "__main__":
    main()
