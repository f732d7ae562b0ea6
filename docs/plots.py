"""Small plots of functions, as SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT, MARGIN = 320, 210, 40
COLORS = ("#1f5fa8", "#c4581d", "#3a7d44", "#7a4fa3")


class Curve(NamedTuple):
    """A function to be plotted; the second of a pair, such as its derivative, is dashed."""

    label: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def plot(title: str, curves: Sequence[Curve]) -> str:
    """Return a plot of some curves, with the axes through 0 where that is within."""
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points]
    low, high = min(*ys, 0.0), max(*ys, 0.0)
    left, right, room = min(xs), max(xs), 0.05 * (high - low or 1.0)
    low, high = low - room, high + room

    def place(x: float, y: float) -> tuple[float, float]:
        across = MARGIN + (x - left) / (right - left) * (WIDTH - 2 * MARGIN)
        return across, MARGIN + (high - y) / (high - low) * (HEIGHT - 2 * MARGIN)

    (x_axis, y_axis) = place(max(left, min(0.0, right)), 0.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="10">',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<path d="M{MARGIN} {y_axis:.1f}H{WIDTH - MARGIN}M{x_axis:.1f} {MARGIN}V{HEIGHT - MARGIN}" stroke="#999" fill="none"/>',
    ]
    parts += [_text(*place(x, 0.0), 0, 12, f"{x:g}", "middle") for x in (left, right)]
    parts += [_text(x_axis, place(left, y)[1], -4, 3, f"{y:.3g}", "end") for y in (min(ys), max(ys)) if abs(y) > room]
    for number, curve in enumerate(curves):
        color = COLORS[number % len(COLORS)]
        line = " ".join(f"{across:.1f},{down:.1f}" for across, down in (place(x, y) for x, y in curve.points))
        dashes = ' stroke-dasharray="4 3"' if curve.dashed else ""
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"{dashes}/>')
        parts.append(f'<text x="{MARGIN + 6}" y="{14 + 12 * number}" fill="{color}">{curve.label}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: float, y: float, across: float, down: float, text: str, anchor: str) -> str:
    return f'<text x="{x + across:.1f}" y="{y + down:.1f}" text-anchor="{anchor}" fill="#555555">{text}</text>'
