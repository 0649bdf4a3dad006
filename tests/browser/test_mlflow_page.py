"""What somebody sees who opens the printed links: MLflow's own page, in a real browser, against a real server."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("playwright")

from pages import PATIENCE_MS, Stored, opened
from playwright.sync_api import Browser, Page, expect

from lrscope.report.figures.colours import member_colour, rate_colours

pytestmark = pytest.mark.browser


def names(page: Page) -> list[str]:
    """The runs of the table, from the top."""
    return (
        page.locator(".ag-center-cols-container, .ag-pinned-left-cols-container")
        .first.locator("a[href*='/runs/']")
        .all_inner_texts()
    )


def matching(page: Page, count: int) -> None:
    expect(page.get_by_text(re.compile(rf"^{count} matching runs?$"))).to_be_visible(timeout=PATIENCE_MS)


def test_the_link_opens_a_flat_table_of_exactly_the_members(browser: Browser, sweeps: dict[str, Stored]) -> None:
    with opened(browser, sweeps["three"].links.table) as (page, errors):
        matching(page, 3)
        table = page.locator(".ag-root")
        for name in ("lr=0.0001", "lr=0.01", "lr=10"):
            expect(table.get_by_role("link", name=name, exact=True)).to_be_visible()
        assert names(page) == ["lr=0.0001", "lr=0.01", "lr=10"], "by the rate as a number"
        heads = table.locator(".ag-header-cell").all_inner_texts()
        shown = {head.strip() for head in heads}
        assert {"Description", "peak_lr", "lrscope.verdict", "val/loss", "val/acc"} <= shown
        expect(table.get_by_text("diverged", exact=True)).to_be_visible()
        page.set_viewport_size({"width": 1440, "height": 900})
        seen = table.get_by_text("not finite at step 7").bounding_box()
        assert seen is not None and seen["x"] + 60 < 1440, "the note, which begins with the verdict, is in sight"
        assert errors.of_ours() == []


def test_the_parents_note_shows_the_figure_and_the_experiment_leads_there(
    browser: Browser, sweeps: dict[str, Stored]
) -> None:
    stored = sweeps["three"]
    base = stored.links.plain.partition("/#/")[0]
    with opened(browser, f"{base}/#/experiments/{stored.sweep.experiment_id}?workflowType=machine_learning") as (
        page,
        _,
    ):
        link = page.locator(f"a[href*='/runs/{stored.sweep.run_id}']").first
        expect(link).to_be_attached()
        page.goto(str(link.get_attribute("href") and link.evaluate("element => element.href")))
        figure = page.locator("img[src*='loss_vs_rate-note.png']")
        expect(figure).to_be_visible()
        page.wait_for_function("document.querySelector(\"img[src*='loss_vs_rate-note.png']\").naturalWidth > 100")
        page.set_viewport_size({"width": 1440, "height": 900})
        about = page.get_by_text("About this run").bounding_box()
        assert about is not None and about["x"] + 250 < 1440, "neither figure nor command pushes it out of sight"
        expect(page.get_by_text("<!-- lrscope")).to_have_count(0)


def test_the_plain_link_shows_the_same_members(browser: Browser, sweeps: dict[str, Stored]) -> None:
    with opened(browser, sweeps["three"].links.plain) as (page, _):
        matching(page, 3)
        assert names(page) == ["lr=0.0001", "lr=0.01", "lr=10"]


DRAWN = """([metric, count]) => {
  for (const chart of document.querySelectorAll(".js-plotly-plot")) {
    const traces = (chart.data || []).filter(trace => trace.metricKey === metric && trace.hoverinfo !== "skip");
    const lines = chart.querySelectorAll("path.js-line").length;
    if (traces.length === count && lines >= count)
      return traces.map(trace => ({run: trace.uuid, colour: trace.marker.color, x: [...trace.x], y: [...trace.y]}));
  }
  return null;
}"""
"""The curves of a metric as MLflow's page has drawn them, once there are that many."""


@pytest.mark.long
def test_all_64_members_are_in_the_charts_in_the_colours_of_the_report(
    browser: Browser, sweeps: dict[str, Stored]
) -> None:
    with opened(browser, sweeps["many"].links.curves) as (page, errors):
        matching(page, 64)
        for metric in ("train/loss", "val/loss", "val/acc"):
            expect(page.get_by_text(metric, exact=True).first).to_be_visible()
        members = sweeps["many"].sweep.members
        drawn = page.wait_for_function(DRAWN, arg=["train/loss", 64]).json_value()
        shades = rate_colours([member.rate for member in members])
        expected = {m.run_id: member_colour(m.outcome, m.failed, c) for m, c in zip(members, shades, strict=True)}
        assert {curve["run"]: curve["colour"] for curve in drawn} == expected
        assert errors.of_ours() == []


def test_the_curve_of_the_rate_is_drawn(browser: Browser, sweeps: dict[str, Stored]) -> None:
    with opened(browser, sweeps["three"].links.curves) as (page, _):
        matching(page, 3)
        page.get_by_text("lr", exact=True).first.scroll_into_view_if_needed()
        drawn = page.wait_for_function(DRAWN, arg=["lr", 3]).json_value()
        curves = {curve["y"][0]: (curve["x"], curve["y"]) for curve in drawn}
        assert curves == {0.0001: ([0, 49], [0.0001] * 2), 0.01: ([0, 49], [0.01, 0.005]), 10: ([0, 7], [10] * 2)}


def test_the_report_opens_inside_the_artifact_view(browser: Browser, sweeps: dict[str, Stored]) -> None:
    with opened(browser, sweeps["three"].links.report) as (page, errors):
        report = page.frame_locator("iframe").first
        expect(report.locator(".headline")).to_contain_text("Use lr=0.01", timeout=PATIENCE_MS)
        expect(report.locator("#losses figure")).to_have_count(2)
        expect(report.locator("#members tbody tr")).to_have_count(3)
        report.locator("#theme").click()
        assert errors.of_ours() == []


def test_the_parent_tells_recommendation_and_members(browser: Browser, sweeps: dict[str, Stored]) -> None:
    address = sweeps["three"].links.report.replace("/artifacts/report/report.html", "")
    with opened(browser, address) as (page, _):
        expect(page.get_by_text("Use lr=0.01: best val/loss").first).to_be_visible(timeout=PATIENCE_MS)
        for name in ("lr=0.0001", "lr=0.01", "lr=10"):
            expect(page.get_by_role("link", name=name, exact=True).first).to_be_visible()
        expect(page.get_by_text("three · 0.01 best").first).to_be_visible()
        for metric in ("best/loss", "best/lr", "members/too_slow", "members/diverged"):
            expect(page.get_by_text(metric, exact=True).first).to_be_visible()
