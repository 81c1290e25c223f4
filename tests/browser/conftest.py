"""Opens every page of the built book in Chromium from its folder, and some from a server on this machine.

The pages are those of ``_build/html``, or of the folder named by ``DOWNHILL_BOOK``.
"""

import os
import re
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import chromium
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[2]
BOOK = Path(os.environ.get("DOWNHILL_BOOK", ROOT / "_build" / "html")).resolve()
FLAGS = [
    "--no-sandbox",  # which Chromium refuses to do for root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # what would leave is seen, and fails
]
SETTLED = """async () => {
    const late = new Promise((_, no) => setTimeout(() => no(Error("MathJax did not finish in 60 s")), 60000));
    await Promise.race([window.MathJax?.startup?.promise, late]);
}"""


def book_pages():
    """The pages of the book as paths below it, and for each how many sliders it has."""
    if not (BOOK / "index.html").exists():
        raise pytest.UsageError(f"there is no built book in {BOOK}: run make book first")
    paths = sorted(path.relative_to(BOOK) for path in BOOK.rglob("*.html"))
    names = [path.as_posix() for path in paths if path.parts[0] != "_static"]
    return {name: (BOOK / name).read_text().count('<figure class="explore"') for name in names}


class PageByPage(LoadScopeScheduling):
    """Gives a worker all tests of a page at once, so that `opened` can keep it open."""

    def _split_scope(self, nodeid):
        page = re.search(r"\[(.+?\.html)", nodeid)
        return page[1] if page else nodeid.split("::")[0]


def pytest_xdist_make_scheduler(config, log):
    return PageByPage(config, log)


def pytest_generate_tests(metafunc):
    """Run a test for each page, or each slider of each page, that its arguments ask for."""

    def case(*values):
        return pytest.param(*values, id="-".join(map(str, values)))

    wanted = set(metafunc.fixturenames)
    if "place" in wanted:
        sliders = [case(name, place) for name, many in book_pages().items() for place in range(many)]
        if not sliders:
            raise pytest.UsageError(f"no page of the book in {BOOK} has a slider")
        metafunc.parametrize("name, place", sliders)
    elif {"name", "origin"} <= wanted:
        # a server changes what surrounds a chapter, the same for all: one chapter stands for them
        pages = book_pages()
        chapter = next((name for name, many in pages.items() if many), None)
        served = [name for name in pages if "/" not in name or name == chapter]
        cases = [(name, "file") for name in pages] + [(name, "server") for name in served]
        metafunc.parametrize("name, origin", [case(*values) for values in cases])
    elif "name" in wanted:
        metafunc.parametrize("name", [case(name) for name in book_pages()])
    elif "origin" in wanted:
        metafunc.parametrize("origin", ["file", "server"])


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=FLAGS)
        yield browser
        browser.close()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/favicon.ico":  # Chromium asks each server for one
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()


@pytest.fixture(scope="session")
def addresses():
    """Where the book is found: in its folder, and on a server of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=BOOK)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield {"file": BOOK.as_uri(), "server": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()


class Visit:
    """A page that a browser has opened, its formulas typeset, and what happened while it did."""

    def __init__(self, context, base, name):
        self.base, self.requests, self.failures, self.errors = base, [], [], []
        self.page = context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on(
            "requestfailed", lambda request: self.failures.append(f"{request.url}: {request.failure}")
        )
        self.page.on("response", self._note_status)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note_console)
        self.page.goto(f"{base}/{name}")
        try:
            self.page.evaluate(SETTLED)
        except Exception as error:
            self.errors.append(str(error))

    def _note_status(self, response):
        if response.status >= 400:
            self.failures.append(f"{response.url}: status {response.status}")

    def _note_console(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def unfold(self):
        """Open what is folded away: the code of figures, the solutions."""
        self.page.evaluate(
            """() => {
                for (const details of document.querySelectorAll("details")) details.open = true;
                for (const solution of document.querySelectorAll(".toggle-hidden"))
                    solution.classList.remove("toggle-hidden");
            }"""
        )

    def resize(self, width):
        """Give the window another width and wait until nothing slides any more."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.evaluate(
            """async () => {
                await new Promise(frame => requestAnimationFrame(() => requestAnimationFrame(frame)));
                const ends = animation => animation.effect.getComputedTiming().endTime < Infinity;
                const moving = document.getAnimations().filter(ends);
                await Promise.all(moving.map(animation => animation.finished.catch(() => {})));
            }"""
        )


@pytest.fixture(scope="session")
def kept():
    """What is open in the browser, by page and by way of opening it."""
    kept = {}
    yield kept
    for context, _ in kept.values():
        context.close()


@pytest.fixture
def opened(browser, kept, name):
    """Opens the page in one way or another, each once, and closes it when the turn of the next page comes."""

    def opened(way, open_page, **options):
        for other in [key for key in kept if key[0] != name]:
            kept.pop(other)[0].close()
        if (name, way) not in kept:
            context = browser.new_context(**options)
            kept[name, way] = context, open_page(context)
        return kept[name, way][1]

    return opened


@pytest.fixture
def visits(opened, addresses, name):
    """Opens the page from its folder or from the server."""
    return lambda origin: opened(origin, lambda context: Visit(context, addresses[origin], name))


@pytest.fixture
def visit(visits):
    """The page, opened from its folder."""
    return visits("file")


class Source:
    """What the file of a page holds, before any script runs."""

    def __init__(self, path):
        text = re.sub(r'"data:[^"]*"', '"data:"', path.read_text())  # pictures are long, and not read here
        self.soup = BeautifulSoup(text, "html.parser")
        self.ids = {element["id"]: element for element in self.soup.find_all(id=True)}


@pytest.fixture(scope="session")
def parsed():
    """Reads the file of a page, each once."""
    return cache(Source)
