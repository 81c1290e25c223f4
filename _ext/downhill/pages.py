"""What every page needs to be read, run and cited without a network.

MathJax comes from an installed package; a page with cells offers its executed notebook and the library's
wheel; ids that extensions give twice are dropped.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from docutils import nodes

WHEEL = f"downhill_book-{version('downhill-book')}-py3-none-any.whl"


def stay_local(app, config):
    package = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent
    config.html_static_path.append(str(package / "static" / "mathjax" / "tex-svg.js"))
    config.mathjax_path = "tex-svg.js"
    config.nb_ipywidgets_js = {}  # the sliders of a page need no widget manager
    for listeners in app.events.listeners.values():  # nor any page the client of a kernel service
        listeners[:] = [one for one in listeners if one.handler.__module__ != "sphinx_thebe"]
    app.registry.css_files[:] = [file for file in app.registry.css_files if file[0] != "sphinx-thebe.css"]


def drop_repeated_ids(app, doctree, page):
    """Proofs, exercises and solutions all call their body by the same id."""
    repeated = (["proof"], ["proof-content"], ["exercise-content"], ["solution-content"])
    for node in doctree.findall(nodes.Element):
        if node.get("ids") in repeated and not isinstance(node.parent, nodes.section | nodes.document):
            node["ids"] = []


def offer_downloads(app, page, template, context, doctree):
    if page not in app.notebooks:
        return
    context["ipynb_source"] = f"{page}.ipynb"
    notebook = context["pathto"](f"_sources/{page}.ipynb", 1)
    wheel = context["pathto"](f"_static/{WHEEL}", 1)
    context["body"] += (
        f'<aside class="run"><p>To run this page, download <a href="{notebook}" download>its notebook</a> '
        f'and <a href="{wheel}" download>the library</a> into one folder, and there:</p>'
        f"<pre>pip install ./{WHEEL} && jupyter lab {Path(page).name}.ipynb</pre></aside>"
    )


def build_wheel(app, exception):
    if exception or app.builder.format != "html":
        return
    root, wheel = Path(app.srcdir), Path(app.outdir, "_static", WHEEL)
    parts = [root / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    newest = max(part.stat().st_mtime for part in [*parts, *root.glob("lib/**/*.*")])
    if wheel.exists() and wheel.stat().st_mtime > newest:
        return
    with tempfile.TemporaryDirectory() as folder:  # setuptools leaves its traces where it works
        for part in parts:
            shutil.copy(part, folder)
        shutil.copytree(root / "lib", Path(folder, "lib"))
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", wheel.parent]
        subprocess.run([sys.executable, "-m", "pip", "wheel", *options, folder], check=True)
