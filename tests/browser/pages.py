"""A real browser before MLflow's real page, with stored sweeps in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lrscope.report.data.collect import collect_sweep
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.mlflow_ui.links import Links, sweep_links
from lrscope.report.report_stored import report_stored
from servers import mlflow_server_on
from stored_sweeps import diverged, halved, store_sweep, train

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

SHUT_ASSISTANT = """if (window === window.top) {
  localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
  localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
}"""

PATIENCE_MS = 60_000
"""A busy machine draws MLflow's page slowly."""


@dataclass(frozen=True)
class Stored:
    """A sweep in the served store, where its page is, and the report's file."""

    sweep: Sweep
    links: Links
    report: Path


@dataclass(frozen=True)
class Errors:
    """What the console said, and from where; filled while a page is open."""

    lines: list[str]

    def of_ours(self) -> list[str]:
        """Without what MLflow's own page says about itself."""
        own = ("/static-files/", "/ajax-api/", "ResizeObserver loop")
        return [line for line in self.lines if not any(sign in line for sign in own)]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(CHROMIUM)} is installed (Debian: apt-get install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[dev]')")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def sweeps(
    tmp_path_factory: pytest.TempPathFactory, fresh_database: Path, browser: Browser
) -> Iterator[dict[str, Stored]]:
    """``three`` (one of them diverged) and ``many`` (64 members), reported and served."""
    del browser  # without one nothing needs to be served
    folder = tmp_path_factory.mktemp("browser")
    shutil.copy(fresh_database, folder / "mlflow.db")
    uri, artifacts = f"sqlite:///{folder}/mlflow.db", (folder / "mlruns").as_uri()
    stored = {
        "three": [halved(train(0.01, 0, 5)), train(0.0001, 0, 5), diverged(10.0, 0)],
        "many": [train(float(f"{10 ** (-4 + i / 32):.4g}"), 0, 1) for i in range(64)],
    }
    parents = {name: store_sweep(uri, runs, name=name, artifacts=artifacts)[0] for name, runs in stored.items()}
    reports = {name: report_stored([parent], uri, folder / name) for name, parent in parents.items()}
    with mlflow_server_on(folder, uri) as server:
        yield {
            name: Stored(sweep := collect_sweep(uri, parent), sweep_links(sweep, server.uri), reports[name].files.html)
            for name, parent in parents.items()
        }


@contextmanager
def opened(browser: Browser, address: str, dark: bool = False) -> Iterator[tuple[Page, Errors]]:
    """A page at that address, and what its console says."""
    context: BrowserContext = browser.new_context(
        viewport={"width": 1600, "height": 1000}, color_scheme="dark" if dark else "light"
    )
    context.add_init_script(SHUT_ASSISTANT)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors = Errors([])
    page.on("pageerror", lambda error: errors.lines.append(str(error)))
    page.on(
        "console",
        lambda message: errors.lines.append(f"{message.text} {message.location}") if message.type == "error" else None,
    )
    try:
        page.goto(address, wait_until="domcontentloaded")
        yield page, errors
    finally:
        context.close()
