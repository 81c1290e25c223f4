"""Every page of the book: nothing leaves the machine, and everything on it can be read."""

import io
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from conftest import BOOK
from PIL import Image, ImageChops

WIDTHS = (390, 768, 1000, 1400)
THEMES = ("light", "dark")
CONCORDANCE = BOOK / "chapters" / "appendix" / "concordance.html"
RAW_TEX = r"\\[()\[\]]|\\[A-Za-z]{2,}|\$\$|\$[^\s$][^$]*\$"


def show(faults):
    return "\n".join(map(str, faults))


def test_nothing_is_fetched_from_elsewhere_and_nothing_is_missing(visits, origin):
    visit = visits(origin)
    visit.page.evaluate(
        """async () => {
            for (const image of document.images) image.loading = "eager";
            await Promise.allSettled([...document.images].map(image => image.decode()));
        }"""
    )
    own = ("data:", "blob:", f"{visit.base}/")
    elsewhere = [url for url in visit.requests if not url.startswith(own)]
    hints = "link[rel~=preconnect], link[rel~='dns-prefetch'], link[rel~=prefetch], link[rel~=preload]"
    named = visit.page.eval_on_selector_all(hints, "links => links.map(link => link.href)")
    elsewhere += [url for url in named if not url.startswith(own)]
    assert not elsewhere, show(elsewhere)
    assert not visit.failures, show(visit.failures)


def test_no_script_fails(visits, origin):
    assert not visits(origin).errors, show(visits(origin).errors)


def test_formulas_are_typeset(visits, origin):
    faults = visits(origin).page.evaluate(
        """raw => {
            const brief = element => element.textContent.trim().slice(0, 80);
            const faults = [];
            for (const error of document.querySelectorAll("mjx-merror, [data-mjx-error]"))
                faults.push("error in formula: " + (error.getAttribute("data-mjx-error") || brief(error)));
            for (const name of document.querySelectorAll("mjx-container mtext[mathcolor=red]"))
                faults.push("unknown command: " + brief(name));
            for (const formula of document.querySelectorAll("span.math, div.math, span.tex2jax_process"))
                if (!formula.querySelector("mjx-container")) faults.push("left as TeX: " + brief(formula));
            const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walk.nextNode()) {
                const text = walk.currentNode;
                if (text.parentElement.closest("pre, code, script, style, mjx-container")) continue;
                if (new RegExp(raw).test(text.data)) faults.push("TeX in the text: " + brief(text));
            }
            return faults;
        }""",
        RAW_TEX,
    )
    assert not faults, show(faults)


def test_no_id_is_given_twice(visit):
    twice = visit.page.evaluate(
        """() => {
            const named = [...document.querySelectorAll("[id]")].filter(e => !e.closest("mjx-container"));
            const ids = named.map(element => element.id);
            return ids.filter((id, place) => ids.indexOf(id) < place);
        }"""
    )
    assert not twice, show(twice)


def test_images_have_descriptions_and_can_be_seen(visit):
    images = visit.page.evaluate(
        """async () => {
            const images = [...document.images];
            for (const image of images) image.loading = "eager";
            await Promise.allSettled(images.map(image => image.decode()));
            return images.map(image => ({
                alt: image.getAttribute("alt"), width: image.naturalWidth, source: image.src.slice(0, 100),
            }));
        }"""
    )
    for image in images:
        alt = (image["alt"] or "").strip()
        assert alt, f"no alt: {image}"
        assert not re.search(r"\.(png|jpe?g|gif|svg|webp|avif)$|^[\w-]*[_/][\w/-]*$", alt, re.I), (
            f"a file name: {image}"
        )
        assert not re.search(RAW_TEX, alt), f"TeX, which a screen reader spells: {image}"
        assert image["width"] > 0, f"not an image that can be decoded: {image}"


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_or_is_cut_off(visit, width):
    visit.resize(width)
    faults = visit.page.evaluate(
        """() => {
            const text = e => e.textContent.trim().replace(/\\s+/g, " ").slice(0, 60);
            const brief = e => `${e.tagName.toLowerCase()}.${e.className} ${text(e)}`;
            const overflow = e => getComputedStyle(e).overflowX;
            const root = document.documentElement, faults = [];
            if (root.scrollWidth > root.clientWidth)
                faults.push(`the page is ${root.scrollWidth} wide in a window of ${root.clientWidth}`);
            const article = document.querySelector("article.bd-article, #search-results");
            const right = element => {
                const {left, right} = element.getBoundingClientRect();
                return overflow(element) === "visible" ? Math.max(right, left + element.scrollWidth) : right;
            };
            const edge = article.getBoundingClientRect().right + 1;
            const unseen = "mjx-assistive-mml, mjx-assistive-mml *, svg, svg *, .visually-hidden";
            const scrolls = e => {
                for (; e !== article; e = e.parentElement)
                    if (/auto|scroll/.test(overflow(e)) && right(e) <= edge) return true;
                return false;
            };
            for (const element of article.querySelectorAll("*")) {
                if (element.matches(unseen)) continue;
                const box = element.getBoundingClientRect();
                if (!box.width || !box.height) continue;
                if (right(element) > edge && !scrolls(element)) faults.push("sticks out: " + brief(element));
                const cuts = /hidden|clip/.test(overflow(element)) && element.clientWidth > 1;
                if (cuts && element.scrollWidth > element.clientWidth + 1)
                    faults.push("is cut off: " + brief(element));
            }
            return faults;
        }"""
    )
    assert not faults, show(faults)


@pytest.mark.parametrize("theme", THEMES)
def test_text_stands_out_from_its_ground(visit, theme):
    """The contrast of the Web Content Accessibility Guidelines 2.2, level AA: 4.5, and 3 for large text."""
    visit.unfold()
    use(visit, theme)
    faults = visit.page.evaluate(
        """() => {
            const pen = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
            const known = new Map();
            const rgba = colour => {
                if (!known.has(colour)) {
                    pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
                    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
                    known.set(colour, [r, g, b, a / 255]);
                }
                return known.get(colour);
            };
            const over = ([r, g, b, a], below) => [...[r, g, b].map((c, i) => c * a + below[i] * (1 - a)), 1];
            const grounds = new Map([[null, [255, 255, 255, 1]]]);
            const ground = element => {
                if (!grounds.has(element)) {
                    const own = rgba(getComputedStyle(element).backgroundColor);
                    grounds.set(element, over(own, ground(element.parentElement)));
                }
                return grounds.get(element);
            };
            const luminance = colour => {
                const linear = c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
                const [r, g, b] = colour.map(c => linear(c / 255));
                return .2126 * r + .7152 * g + .0722 * b;
            };
            const faults = new Set();
            const article = document.querySelector("article.bd-article, #search-results");
            const walk = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
            while (walk.nextNode()) {
                if (!walk.currentNode.data.trim()) continue;
                let element = walk.currentNode.parentElement;
                element = element.closest("mjx-container") ?? element;
                if (element.matches("script, style, .headerlink")) continue;
                if (!element.checkVisibility({visibilityProperty: true})) continue;
                const style = getComputedStyle(element), below = ground(element);
                let opacity = 1;
                for (let e = element; e; e = e.parentElement) opacity *= getComputedStyle(e).opacity;
                const [r, g, b, a] = rgba(style.color);
                const text = luminance(over([r, g, b, a * opacity], below)), card = luminance(below);
                const low = Math.min(text, card), high = Math.max(text, card);
                const contrast = (high + .05) / (low + .05), size = parseFloat(style.fontSize);
                const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
                if (contrast < (large ? 3 : 4.5))
                    faults.add([
                        contrast.toFixed(2), style.color, "on", below.map(Math.round), element.tagName,
                        element.className, walk.currentNode.data.trim().slice(0, 40),
                    ].join(" "));
            }
            return [...faults];
        }"""
    )
    assert not faults, show(faults)


def test_figures_look_the_same_in_both_themes(visit):
    """They stand on a light card, neither dimmed nor with a ground that covers a slider's backdrop."""
    visit.unfold()
    visit.resize(1000)
    kinds = (visit.page.locator(kind) for kind in ("figure.picture img", "figure.explore .frames"))
    pictures = [kind.first for kind in kinds if kind.count()]  # one style sheet serves all of a kind
    shots = {}
    for theme in THEMES:
        use(visit, theme)
        shots[theme] = [Image.open(io.BytesIO(shot.screenshot())).convert("RGB") for shot in pictures]
    for place, (light, dark) in enumerate(zip(*shots.values(), strict=True)):
        assert light.size == dark.size
        inside = (8, 8, light.width - 8, light.height - 8)  # the card's corners are round
        assert not ImageChops.difference(light.crop(inside), dark.crop(inside)).getbbox(), f"figure {place}"
        assert min(light.getpixel((12, 12))) > 240, f"figure {place} has no light card"


def use(visit, theme):
    """Let the system ask for a theme, which the page follows."""
    visit.page.emulate_media(color_scheme=theme)
    visit.page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    visit.resize(visit.page.viewport_size["width"])


def test_citations_of_the_sources_are_seen_on_a_phone(visit):
    visit.unfold()
    visit.resize(390)
    unseen = visit.page.evaluate(
        """() => [...document.querySelectorAll("sup.source, p.sources")].flatMap(mark => {
            const links = [...mark.querySelectorAll("a")];
            if (!links.length) return ["no link: " + mark.textContent];
            return links.filter(link => {
                const box = link.getBoundingClientRect();
                return !link.checkVisibility({opacityProperty: true, visibilityProperty: true})
                    || box.width < 8 || box.height < 8 || box.left < 0 || box.right > innerWidth;
            }).map(link => "not to be seen: " + link.textContent);
        })"""
    )
    assert not unseen, show(unseen)


def test_links_lead_somewhere(parsed, name):
    page = BOOK / name
    faults = []
    for element in parsed(page).soup.find_all(["a", "link", "script", "img", "source", "iframe"]):
        link = element.get("href") or element.get("src")
        if not link or urlsplit(link).scheme in ("data", "http", "https", "mailto"):
            continue
        parts = urlsplit(link)
        target = page if not parts.path else Path(page.parent, unquote(parts.path)).resolve()
        if not target.is_file():
            faults.append(f"no file: {link}")
        elif parts.fragment and unquote(parts.fragment) not in parsed(target).ids:
            faults.append(f"no such place on the page: {link}")
    assert not faults, show(faults)


def test_citations_lead_to_their_items(parsed, name):
    page = BOOK / name
    for link in parsed(page).soup.select("sup.source a, p.sources a"):
        parts = urlsplit(link["href"])
        assert Path(page.parent, parts.path).resolve() == CONCORDANCE, link
        row = parsed(CONCORDANCE).ids.get(unquote(parts.fragment))
        assert parts.fragment.startswith("item-"), link
        assert row, link
        assert row.find("th").text.replace("-", " ") == link.text.replace("-", " "), link


def test_search_finds_pages_without_a_network(browser, addresses, origin):
    page = browser.new_page()
    page.goto(f"{addresses[origin]}/search.html?q=gradient")
    page.locator("#search-results li a").first.wait_for()
    page.context.close()
