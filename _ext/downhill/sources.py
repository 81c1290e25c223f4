"""Citations of the five source documents, the concordance and the errata.

The role ``{source}`` cites items where an idea is told, the directive ``{sources}`` at the end of a section.
At the end of each section all its items are gathered in one line. The directives ``{concordance}`` and
``{errata}`` list what citations and executed notebooks say of one document; nothing in them is typed by hand.
"""

from collections import Counter
from html import escape

from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from lib.reports import erratum_html

from .proofs import ITEMS, facts, known, logger

CONCORDANCE = "chapters/appendix/concordance"
LISTS = {CONCORDANCE, "chapters/appendix/errata"}


def links(app, here, places):
    """Links from one page to others, joined by commas, as HTML. A place is (page, anchor, text, hint)."""
    return ", ".join(
        f'<a href="{app.builder.get_relative_uri(here, page)}#{anchor}" title="{hint}">{escape(text)}</a>'
        for page, anchor, text, hint in places
    )


def item_links(env, items):
    places = [(CONCORDANCE, f"item-{item}", item, escape(ITEMS[item].description)) for item in items]
    return links(env.app, env.docname, places)


class SourceRole(SphinxRole):
    def run(self):
        items = known([item.strip() for item in self.text.split(",")], self.get_location())
        html = f'<sup class="source">{item_links(self.env, items)}</sup>'
        return [nodes.raw("", html, format="html", items=items)], []


class SourcesDirective(SphinxDirective):
    has_content = True

    def run(self):
        items = " ".join(self.content).replace(",", " ").split()
        return [nodes.comment(items=known(items, self.get_location()))]


def gather(app, doctree):
    """Note where each item is cited, and end each section with the line of its sources."""

    def cited(node):
        return dict.fromkeys(item for mark in node.findall(nodes.Element) for item in mark.get("items", []))

    where = app.env.metadata[app.env.docname]["items"] = {}
    for section in list(doctree.findall(nodes.section)):
        if section.parent.parent is doctree:  # not the chapter as a whole, nor parts of its sections
            items, title = cited(section), section.next_node(nodes.title).astext()
            for item in items:
                where.setdefault(item, []).append((app.env.docname, section["ids"][0], title, ""))
            if items:
                html = f'<p class="sources">Sources: {item_links(app.env, items)}</p>'
                section += nodes.raw("", html, format="html")
    for item in set(cited(doctree)) - set(where):
        logger.warning(f"{item} is cited outside any section", location=app.env.docname)


class ListDirective(SphinxDirective):
    """The place of a list about one document, or all, filled when all pages are known."""

    optional_arguments = 1

    def run(self):
        return [nodes.comment(list=self.name, document=(self.arguments or [None])[0])]


def fill_lists(app, doctree, page):
    for node in list(doctree.findall(nodes.comment)):
        if "list" in node:
            make = concordance if node["list"] == "concordance" else errata
            node.replace_self(nodes.raw("", make(app, page, node["document"]), format="html"))


def verdicts(app):
    """The verdict on each item; it is open until the chapter that owns it cites it."""
    verdict = dict.fromkeys(ITEMS, "open")
    for page, data in app.env.metadata.items():
        own = [item for item in data.get("items", []) if page.endswith(f"/{ITEMS[item].chapter}")]
        verdict |= dict.fromkeys(own, "cited")
    for kind in ("checked", "corrected"):  # the stronger one last
        settled = {item for fact in facts(app) if fact.get("verdict") == kind for item in fact["items"]}
        verdict |= {item: kind for item in settled & set(ITEMS) if verdict[item] != "open"}
    return verdict


def concordance(app, here, document):
    verdict = verdicts(app)
    items = [item for item in ITEMS.values() if document in (None, item.document)]
    counts = Counter(verdict[item.id] for item in items)
    summary = ", ".join(f"{counts[kind]} {kind}" for kind in ("corrected", "checked", "cited", "open"))
    html = f"<p>{len(items)} items: {summary}.</p>"
    if document is None:
        return html
    head = "".join(f'<th scope="col">{title}</th>' for title in ("item", "what it is", "verdict", "where"))
    html += f'<table class="concordance"><tr>{head}</tr>'
    cited = [data.get("items", {}) for data in app.env.metadata.values()]
    for item in items:
        where = links(app, here, sorted(place for page in cited for place in page.get(item.id, [])))
        html += (
            f'<tr id="item-{item.id}"><th scope="row">{item.id}</th><td>{escape(item.description)}</td>'
            f'<td class="{verdict[item.id]}">{verdict[item.id]}</td><td>{where}</td></tr>'
        )
    return html + "</table>"


def errata(app, here, document):
    order = [item for item in ITEMS if ITEMS[item].document == document]
    found = [fact for fact in facts(app) if fact["kind"] == "erratum" and fact["items"][0] in order]
    html = f"<p>{len(found) or 'None'} found so far.</p>"
    for fact in sorted(found, key=lambda fact: order.index(fact["items"][0])):
        page, anchor = fact["page"], f"erratum-{fact['items'][0]}"
        place = links(app, here, [(page, anchor, app.env.titles[page].astext(), "")])
        items = f'<p class="items">{", ".join(fact["items"])}, in {place}</p>'
        html += f'<aside class="erratum">{items}{erratum_html(fact)}</aside>'
    return html
