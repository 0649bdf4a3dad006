"""The report by itself, opened as a file."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("playwright")

from pages import Stored, opened
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def rates(page: Page) -> list[float]:
    return [float(text) for text in page.locator("#members tbody tr td:first-child").all_inner_texts()]


def test_the_table_sorts_by_numbers_in_both_directions(browser: Browser, sweeps: dict[str, Stored]) -> None:
    with opened(browser, sweeps["many"].report.as_uri()) as (page, errors):
        page.get_by_text("All 64 members").click()
        head = page.locator("#members th", has_text=re.compile("^lr"))
        assert rates(page) == sorted(rates(page))
        head.click()
        head.click()
        assert head.get_attribute("aria-sort") == "descending"
        assert rates(page) == sorted(rates(page), reverse=True)
        losses = page.locator("#members th", has_text=re.compile("best\\s*val", re.I)).first
        losses.click()
        index = losses.evaluate("head => head.cellIndex")
        shown = page.locator(f"#members tbody tr td:nth-child({index + 1})").all_inner_texts()
        numbers = [float(text) for text in shown if text != "–"]
        assert numbers == sorted(numbers)
        assert errors.lines == []


def test_every_member_is_drawn_and_lights_up(browser: Browser, sweeps: dict[str, Stored]) -> None:
    with opened(browser, sweeps["many"].report.as_uri()) as (page, errors):
        for panel in page.locator("#losses figure").all():
            assert panel.locator("path.member[fill^='#']").count() == 64
        assert page.locator("#curves figure").count() == 3, "no frame for rates that stay what they are"
        assert page.locator("#curves figure").first.locator("path.curve").count() == 64
        page.get_by_text("All 64 members").click()
        page.locator("#members tbody tr").nth(10).hover()
        lit = page.locator("path.curve.on")
        assert lit.count() == 3
        assert page.locator("body.fade").count() == 1
        assert errors.lines == []


def test_a_diverged_run_stands_at_the_upper_edge(browser: Browser, sweeps: dict[str, Stored]) -> None:
    with opened(browser, sweeps["three"].report.as_uri()) as (page, errors):
        assert page.get_by_text("at the upper edge: loss beyond it").count() == 1
        named = page.locator("#curves figure").first.locator("text.end").all_text_contents()
        assert "10" in named, "and its curve is named there"
        assert page.locator("#loss-legend").inner_text().split("\n")[:2] != []
        assert "diverged" in page.locator("#loss-legend").inner_text()
        assert page.locator(".headline").inner_text().startswith("Use lr=0.01: best val/loss")
        assert errors.lines == []


def test_light_and_dark(browser: Browser, sweeps: dict[str, Stored]) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    address = sweeps["three"].report.as_uri()
    with opened(browser, address) as (page, _):
        assert page.evaluate(ground) == "rgb(255, 255, 255)"
        page.locator("#theme").click()
        assert page.evaluate(ground) == "rgb(22, 24, 29)"
    with opened(browser, address, dark=True) as (page, _):
        assert page.evaluate(ground) == "rgb(22, 24, 29)"


@pytest.mark.parametrize("width", [390, 900, 1600])
def test_nothing_sticks_out_of_the_window(browser: Browser, sweeps: dict[str, Stored], width: int) -> None:
    for name in ("many", "three"):
        with opened(browser, sweeps[name].report.as_uri()) as (page, _):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_function("width => document.querySelector('#losses svg').clientWidth < width", arg=width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_word_is_explained_where_it_stands_without_a_script(browser: Browser, sweeps: dict[str, Stored]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(sweeps["three"].report.as_uri())
    word = page.locator(".why abbr", has_text="diverged").first
    word.focus()
    assert word.get_attribute("data-says") == "The loss is not finite or has grown without bound."
    assert page.locator(".why svg.icon").count() >= 1, "marks and small figures are there"
    assert page.locator(".small-figure path.small").count() >= 1
    context.close()


def test_no_words_of_a_figure_lie_on_each_other(browser: Browser, sweeps: dict[str, Stored]) -> None:
    touching = """() => {
      let found = 0;
      for (const svg of document.querySelectorAll(".panels svg")) {
        const boxes = [...svg.querySelectorAll("text:not([transform])")].map((t) => t.getBoundingClientRect());
        boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
          const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
          const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
          if (wide > 1 && high > 4) found += 1;
        }));
      }
      return found;
    }"""
    for width in (390, 1280):
        with opened(browser, sweeps["three"].report.as_uri()) as (page, _):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(touching) == 0


def test_the_page_asks_no_network(browser: Browser, sweeps: dict[str, Stored]) -> None:
    asked: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    address = sweeps["many"].report.as_uri()
    page.goto(address)
    page.get_by_text("All 64 members").wait_for()
    context.close()
    assert asked == [address]
