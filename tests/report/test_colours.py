from __future__ import annotations

import colorsys
import itertools

from lrscope.core.verdict import Verdict
from lrscope.report.figures.colours import MARKS, SCALE, category_colours, member_colour, rate_colours


def luminance(colour: str) -> float:
    """Relative luminance as in WCAG 2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_order_of_rates_shows_in_lightness_alone() -> None:
    lights = [luminance(colour) for colour in SCALE]
    assert all(low < high for low, high in itertools.pairwise(lights))


def test_every_colour_stands_out_from_light_and_dark_ground() -> None:
    for colour in (*SCALE, *(mark.colour for mark in MARKS.values())):
        assert contrast(colour, "#ffffff") > 1.9
        assert contrast(colour, "#16181d") > 1.9


def test_every_verdict_has_a_mark_and_no_two_look_alike() -> None:
    assert {verdict.label for verdict in Verdict} <= set(MARKS)
    assert len({(mark.colour, mark.shape) for mark in MARKS.values()}) == len(MARKS)
    assert len({mark.shape for mark in MARKS.values()}) == len(MARKS)


def test_rates_lie_on_the_scale_by_their_logarithm() -> None:
    assert rate_colours([1e-4, 1, 1e-2, 1e-4]) == [SCALE[0], SCALE[-1], SCALE[5], SCALE[0]]
    assert rate_colours([0.1]) == [SCALE[5]]
    assert rate_colours([None, 0.0, 0.1]) == ["#8f98a3", "#8f98a3", SCALE[5]]
    assert rate_colours([]) == []


def hue(colour: str) -> float:
    """Degrees."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 360 * colorsys.rgb_to_hsv(red, green, blue)[0]


def test_what_was_swept_has_a_hue_that_no_verdict_has() -> None:
    coloured = [mark.colour for word, mark in MARKS.items() if word not in GREY]
    apart = [abs(hue(swept) - hue(verdict)) for swept in SCALE for verdict in coloured]
    assert min(min(degrees, 360 - degrees) for degrees in apart) > 15


GREY = ("schedule never moved", "schedule ran out", "running", "stopped", "unknown")


def test_settings_without_an_order_lie_far_apart_on_the_same_scale() -> None:
    assert category_colours(3) == [SCALE[0], SCALE[5], SCALE[-1]]
    assert len(set(category_colours(8))) == 8
    assert len(category_colours(1)) == 1
    assert category_colours(0) == []


def test_a_member_that_failed_has_the_colour_of_its_verdict_everywhere() -> None:
    assert member_colour("collapsed", True, SCALE[3]) == MARKS["collapsed"].colour
    assert member_colour("overfitting", False, SCALE[3]) == SCALE[3]
