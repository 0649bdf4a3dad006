"""Drawn hands that show 0 to 5 fingers: the shapes and sizes of SIGNS, for those who do not have its files.

These are drawings, made with Pillow from a seed. They are not photographs and no result on them is one on
SIGNS.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lrscope.datasets.data import Data
from lrscope.datasets.signs import CLASSES, SIZE, Arrays, part_of

TRAIN, VAL = 1080, 120
DRAWN = 3 * SIZE
"""Drawings are made this large and scaled down, which smooths their edges."""

SHOWN: dict[int, tuple[tuple[int, ...], ...]] = {
    0: ((),),
    1: ((1,), (1,), (0,)),
    2: ((1, 2), (1, 2), (0, 1)),
    3: ((1, 2, 3), (0, 1, 2), (2, 3, 4)),
    4: ((1, 2, 3, 4),),
    5: ((0, 1, 2, 3, 4),),
}
"""Which fingers may show each number; 0 is the thumb, 4 the little finger."""

ROOTS = ((-0.85, 0.25), (-0.68, -0.80), (-0.22, -0.98), (0.25, -0.95), (0.68, -0.75))
LENGTHS = (1.15, 1.55, 1.75, 1.6, 1.25)
ANGLES = (-62.0, -14.0, -3.0, 9.0, 22.0)
"""Of each finger: its root and length in half palms, its angle from upright in degrees."""

Point = tuple[float, float]


def fingers(name: str = "fingers", seed: int = 0) -> Data:
    """1,080 training and 120 validation drawings, float32 [N, 3, 64, 64] in 0 to 1, equal class shares."""
    train, val = _drawn(seed)
    source = f"drawn hands (not photographs), made from seed {seed}"
    return Data(name, "classification", part_of(train), part_of(val), classes=CLASSES, source=source)


@lru_cache(maxsize=2)
def _drawn(seed: int) -> tuple[Arrays, Arrays]:
    generator = np.random.default_rng(seed)
    train, val = (_drawings(generator, n) for n in (TRAIN, VAL))
    return train, val


def _drawings(generator: np.random.Generator, n: int) -> Arrays:
    classes = generator.permutation(np.arange(n) % len(CLASSES))
    images = np.stack([Hand(generator).showing(int(count)) for count in classes]).astype(np.float32)
    return _photographed(images, generator), classes.astype(np.int64)


def _photographed(images: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Light that falls from one side, its own brightness, and the noise of a sensor."""
    n = len(images)
    across = np.linspace(-0.5, 0.5, SIZE, dtype=np.float32)
    slopes = generator.normal(0, 0.15, (2, n, 1, 1)).astype(np.float32)
    light = 1 + slopes[0] * across[None, :, None] + slopes[1] * across[None, None, :]
    light *= generator.uniform(0.75, 1.15, (n, 1, 1)).astype(np.float32)
    noise = generator.standard_normal(images.shape, dtype=np.float32) * 5
    return np.clip(images * light[..., None] + noise, 0, 255).astype(np.uint8)


class Hand:
    """One hand, with everything about it but the number that it shows drawn at random."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator
        self.half_palm = DRAWN * generator.uniform(0.125, 0.165)
        self.centre = DRAWN * (np.array([0.5, 0.57]) + generator.uniform(-0.09, 0.09, 2))
        self.mirrored = generator.random() < 0.5
        self.turn = np.radians(generator.normal(0, 16))
        self.spread = generator.uniform(0.7, 1.35)
        self.thickness = generator.uniform(0.36, 0.46) * self.half_palm
        tone = generator.uniform(0, 1)
        skin = (1 - tone) * np.array([236, 190, 160]) + tone * np.array([120, 76, 52])
        self.skin = skin + generator.normal(0, 6, 3)
        wall = generator.uniform(165, 232)
        self.wall = wall + generator.normal(0, 7, 3)

    def showing(self, count: int) -> NDArray[np.uint8]:
        """The drawing with that many fingers up: uint8 [64, 64, 3]."""
        choices = SHOWN[count]
        up = choices[self.generator.integers(len(choices))]
        image = Image.new("RGB", (DRAWN, DRAWN), _colour(self.wall))
        draw = ImageDraw.Draw(image)
        limbs = self._limbs(up)
        shadow = self.generator.uniform(0.1, 0.3, 2) * self.half_palm
        for points, width in limbs:
            moved = [(x + shadow[0], y + shadow[1]) for x, y in points]
            _stroke(draw, moved, width, _colour(self.wall * 0.86))
        for points, width in limbs:
            _stroke(draw, points, width, _colour(self.skin * 0.78))
            _stroke(draw, points, width - 0.09 * self.half_palm, _colour(self.skin))
        self._draw_curled(draw, up)
        return np.asarray(image.reduce(DRAWN // SIZE))

    def _limbs(self, up: tuple[int, ...]) -> list[tuple[list[Point], float]]:
        """Forearm, palm and shown fingers as thick lines: points in pixels and width."""
        limbs = [([self._at(0.05, 0.6), self._at(0.1 * self.generator.normal(), 5.0)], 1.25 * self.half_palm)]
        palm = [(-0.35, -0.4), (0.35, -0.4), (0.3, 0.5), (-0.3, 0.5), (-0.35, -0.4), (0.3, 0.5)]
        limbs.append(([self._at(x, y) for x, y in palm], 1.15 * self.half_palm))
        for finger in up:
            limbs.append((self._finger(finger), self.thickness * (0.85 if finger == 4 else 1.0)))
        return limbs

    def _finger(self, finger: int) -> list[Point]:
        x, y = ROOTS[finger]
        length = LENGTHS[finger] * self.generator.uniform(0.88, 1.1)
        angle = np.radians(ANGLES[finger] * self.spread + self.generator.normal(0, 4))
        bend = angle + np.radians(self.generator.normal(0, 7))
        middle = x + 0.5 * length * np.sin(angle), y - 0.5 * length * np.cos(angle)
        tip = middle[0] + 0.5 * length * np.sin(bend), middle[1] - 0.5 * length * np.cos(bend)
        return [self._at(0.5 * x, 0.5 * y), self._at(x, y), self._at(*middle), self._at(*tip)]

    def _draw_curled(self, draw: ImageDraw.ImageDraw, up: tuple[int, ...]) -> None:
        """The fingers that are not shown lie bent over the palm."""
        for finger in (4, 3, 2, 1, 0):
            if finger in up:
                continue
            x, y = ROOTS[finger]
            if finger == 0:
                stroke = [self._at(-0.75, 0.3), self._at(0.1, -0.05)]
            else:
                stroke = [self._at(0.85 * x, 0.8 * y), self._at(0.75 * x, 0.2 * y + 0.1)]
            shade = self.generator.uniform(0.92, 1.02)
            _stroke(draw, stroke, self.thickness, _colour(self.skin * 0.7))
            _stroke(draw, stroke, self.thickness - 0.1 * self.half_palm, _colour(self.skin * shade))

    def _at(self, x: float, y: float) -> Point:
        """From the hand's own axes, in half palms, to pixels of the drawing."""
        x = -x if self.mirrored else x
        sine, cosine = np.sin(self.turn), np.cos(self.turn)
        return (
            float(self.centre[0] + self.half_palm * (x * cosine - y * sine)),
            float(self.centre[1] + self.half_palm * (x * sine + y * cosine)),
        )


def _stroke(draw: ImageDraw.ImageDraw, points: list[Point], width: float, colour: tuple[int, int, int]) -> None:
    """A line with round joints and ends."""
    draw.line(points, fill=colour, width=max(1, round(width)))
    for x, y in points:
        draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=colour)


def _colour(values: NDArray[np.float64]) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in np.clip(values, 0, 255))
    return red, green, blue
