"""Executes the notebooks before Sphinx reads the pages: in parallel, and only those whose results may differ.

Results stay in the cache that myst-nb reads. They are good as long as the code cells of the chapter, the code
of the modules of `lib` that it imports (docstrings and comments aside), the data and the pins are the same.
With the environment variable ``DOWNHILL_CHAPTER`` only that chapter is executed.
"""

import ast
import hashlib
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import create_nb_reader
from sphinx.errors import ExtensionError
from sphinx.util import logging

logger = logging.getLogger(__name__)


def execute_stale(app, env, added, changed, removed):
    """Execute what is stale, leave all results in ``app.notebooks``, and name the pages to be read again."""
    cache = get_cache(env.mystnb_config.execution_cache_path)
    notebooks = {name: notebook for name in sorted(env.found_docs) if (notebook := read(env, name))}
    keys = {name: key(name, notebook, cache, Path(app.srcdir)) for name, notebook in notebooks.items()}
    kept = {record.data.get("key") for record in cache.list_cache_records()}
    stale = [name for name in notebooks if keys[name] not in kept]
    only = os.environ.get("DOWNHILL_CHAPTER")
    if only and f"chapters/{only}" not in notebooks:
        raise ExtensionError(f"chapters/{only} is none of {', '.join(notebooks)}")
    skipped = {name for name in stale if only and name != f"chapters/{only}"}
    env.mystnb_config.execution_excludepatterns = [f"{name}.md" for name in skipped]

    def execute(name):
        result = single_nb_execution(notebooks[name], app.srcdir, app.config.nb_execution_timeout, False)
        logger.info(f"executed {name} in {result.time:.1f} s")
        return name, result

    failures = ""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, result in pool.map(execute, [name for name in stale if name not in skipped]):
            if result.err:
                failures += f"\n\n{name}:\n{result.exc_string}"
            else:
                bundle = CacheBundleIn(notebooks[name], env.doc2path(name), data={"key": keys[name]})
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    if failures:
        raise ExtensionError(f"notebooks fail{failures}")

    ready = [name for name in notebooks if name not in skipped]
    app.notebooks = {name: cache.merge_match_into_notebook(notebooks[name])[1] for name in ready}
    before, env.downhill_keys = getattr(env, "downhill_keys", {}), {name: keys[name] for name in ready}
    return [name for name in ready if keys[name] != before.get(name)]


def read(env, name):
    """The notebook of a page as myst-nb reads it, or None for a page of prose."""
    text = Path(env.doc2path(name)).read_text(encoding="utf-8")
    reader = create_nb_reader(env.doc2path(name), env.myst_config, env.mystnb_config, text)
    return reader and reader.read(text)


def key(name, notebook, cache, root):
    """A digest of all that a notebook's results depend on."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {cache.create_hashed_notebook(notebook)[1]}".encode())
    for path in [root / "requirements.lock", *sorted(root.glob("lib/data/*.*"))]:
        digest.update(path.read_bytes())
    try:
        todo = set().union(*(modules(cell.source) for cell in notebook.cells if cell.cell_type == "code"))
    except SyntaxError as error:
        raise ExtensionError(f"{name}: a cell is not Python: {error.msg}: {error.text}") from error
    used = {}
    while todo:
        module = todo.pop()
        used[module] = (root / "lib" / f"{module}.py").read_text(encoding="utf-8")
        todo |= modules(used[module]) - set(used)
    for module in sorted(used):
        digest.update(code(used[module]).encode())
    return digest.hexdigest()


def modules(source):
    """The modules of `lib` that Python code imports, magics aside."""
    imported = []
    for node in ast.walk(ast.parse(re.sub(r"(?m)^[%!].*", "", source))):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(filter(None, ["lib" if node.level else None, node.module]))
            imported += [f"{package}.{alias.name}" for alias in node.names]
    return {name.split(".")[1] for name in imported if name.startswith("lib.")} - {"data"}


def code(source):
    """What Python makes of a module, without docstrings, comments and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.dump(tree)


def write_executed(app, exception):
    """Write the notebooks where tests and readers find them. (From its cache myst-nb writes no outputs.)"""
    if exception or app.builder.format != "html":
        return
    for name, notebook in app.notebooks.items():
        for folder in (Path(app.outdir).parent / "jupyter_execute", Path(app.outdir) / "_sources"):
            path = folder / f"{name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, path)
