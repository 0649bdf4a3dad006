"""Lists and tables as HTML; everything that came from the store is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lrscope.report.output.glossary import explained
from lrscope.report.output.tables import TextTable


def html_list(kind: str, sentences: Sequence[str]) -> str:
    """An unordered list; empty where there is nothing to say."""
    items = "".join(f"<li>{explained(sentence)}</li>" for sentence in sentences)
    return f'<ul class="{kind}">{items}</ul>' if items else ""


def html_table(table: TextTable) -> str:
    """A table whose columns can be sorted by the page's script."""

    def cells(tag: str, texts: Sequence[str]) -> str:
        pairs = zip(texts, table.numbers, strict=True)
        words = explained if tag == "th" else escape
        return "".join(f"<{tag}{number_class(number)}>{words(text)}</{tag}>" for text, number in pairs)

    rows = "".join(f"<tr>{cells('td', row)}</tr>" for row in table.rows)
    head = f"<thead><tr>{cells('th', table.heads)}</tr></thead>"
    return f'<div class="scroll"><table class="sortable">{head}<tbody>{rows}</tbody></table></div>'


def number_class(number: bool) -> str:
    return ' class="number"' if number else ""
