"""Damage: what a scanner, a phone and a drawer do to a page, from level 0 (none) to level 4 (hard
to read for people too).
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

LEVELS = (0, 1, 2, 3, 4)
# where a point of the clean page is on the damaged one
Move = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """How hard each kind of damage hits at one level."""

    px_per_pt: tuple[float, float]  # scan resolution
    blur_px: tuple[float, float]
    noise: tuple[float, float]  # standard deviation, of 255
    quality: tuple[int, int]  # of JPEG
    skew_deg: float
    shift_pt: float
    contrast: tuple[float, float]
    stains: int
    cut: float  # chance of a dark or missing edge


STRENGTHS = {
    1: Strength(
        px_per_pt=(1.8, 2.8),
        blur_px=(0.2, 0.6),
        noise=(1, 5),
        quality=(60, 90),
        skew_deg=0.35,
        shift_pt=1.0,
        contrast=(0.8, 1.0),
        stains=0,
        cut=0.05,
    ),
    2: Strength(
        px_per_pt=(1.5, 2.2),
        blur_px=(0.4, 0.8),
        noise=(3, 9),
        quality=(45, 80),
        skew_deg=0.7,
        shift_pt=2.0,
        contrast=(0.65, 0.95),
        stains=1,
        cut=0.15,
    ),
    3: Strength(
        px_per_pt=(1.25, 1.7),
        blur_px=(0.5, 0.9),
        noise=(6, 16),
        quality=(28, 60),
        skew_deg=1.3,
        shift_pt=3.0,
        contrast=(0.5, 0.85),
        stains=2,
        cut=0.25,
    ),
    4: Strength(
        px_per_pt=(1.1, 1.5),
        blur_px=(0.5, 0.9),
        noise=(8, 20),
        quality=(20, 50),
        skew_deg=1.8,
        shift_pt=3.5,
        contrast=(0.42, 0.75),
        stains=3,
        cut=0.3,
    ),
}


def scan_resolution(r: Random, level: int) -> float:
    """Pixels a point at which a page of this level is scanned."""
    return r.uniform(*STRENGTHS[level].px_per_pt)


def damaged(clean: Image.Image, level: int, r: Random, px_per_pt: float) -> tuple[bytes, Move]:
    """A clean greyscale page as a JPEG of the given level, and where its points went."""
    strength = STRENGTHS[level]
    angle, dx, dy = (
        r.uniform(-strength.skew_deg, strength.skew_deg),
        *(r.uniform(-strength.shift_pt, strength.shift_pt) for _ in range(2)),
    )
    width_pt, height_pt = clean.width / px_per_pt, clean.height / px_per_pt
    paper = r.randint(228, 255)
    # fractions are fine, whatever the library's types say
    moved: Any = (dx * px_per_pt, dy * px_per_pt)
    turned = clean.rotate(angle, Image.Resampling.BICUBIC, translate=moved, fillcolor=255)
    pixels: np.ndarray = np.asarray(
        turned.filter(ImageFilter.GaussianBlur(r.uniform(*strength.blur_px))), dtype=np.float32
    )
    dice = np.random.default_rng(r.getrandbits(32))
    pixels = paper - (255.0 - pixels) * r.uniform(*strength.contrast) * (paper / 255.0)
    pixels = _shaded(pixels, r, strength)
    pixels = pixels + dice.normal(0.0, r.uniform(*strength.noise), pixels.shape)
    out = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(
        out, "JPEG", quality=r.randint(*strength.quality)
    )
    return out.getvalue(), _move(math.radians(angle), dx, dy, width_pt / 2, height_pt / 2)


def _shaded(pixels: np.ndarray, r: Random, strength: Strength) -> np.ndarray:
    """Uneven light, stains and edges that are dark or cut off."""
    height, width = pixels.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = (
        r.uniform(0, 0.08)
        * len(strength.contrast)
        * (x / width * r.uniform(-1, 1) + y / height * r.uniform(-1, 1))
    )
    pixels = pixels * (1.0 + light)
    for _ in range(r.randint(0, strength.stains)):
        radius = r.uniform(0.04, 0.15) * width
        distance = np.hypot(x - r.uniform(0, width), y - r.uniform(0, height)) / radius
        ring = (
            np.exp(-((distance - 1.0) ** 2) * 18)
            if r.random() < 0.5
            else 1.0 / (1.0 + np.exp(((distance - 1.0) * 10).clip(-30, 30)))
        )
        pixels = pixels * (1.0 - r.uniform(0.08, 0.35) * ring)
    if r.random() < strength.cut:
        share = r.uniform(0.01, 0.05)
        value = r.choice((20.0, 60.0, 255.0))
        edge = r.choice(("left", "right", "top", "bottom"))
        if edge == "left":
            pixels[:, : int(width * share)] = value
        elif edge == "right":
            pixels[:, width - int(width * share) :] = value
        elif edge == "top":
            pixels[: int(height * share)] = value
        else:
            pixels[height - int(height * share) :] = value
    return pixels


def _move(angle: float, dx: float, dy: float, cx: float, cy: float) -> Move:
    cosine, sine = math.cos(angle), math.sin(angle)

    def move(x: float, y: float) -> tuple[float, float]:
        # Counter-clockwise as seen, with y pointing down, as PIL turns.
        u, v = x - cx, y - cy
        return cx + dx + u * cosine + v * sine, cy + dy - u * sine + v * cosine

    return move
