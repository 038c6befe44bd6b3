"""Medians, their spread, and means of ratios."""

import math
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """A median, and the quartiles around it."""

    low: float
    median: float
    high: float

    def overlaps(self, other: "Spread") -> bool:
        return self.low <= other.high and other.low <= self.high

    def over(self, base: float) -> "Spread":
        return Spread(self.low / base, self.median / base, self.high / base)

    def relative(self) -> float:
        """Half the distance of the quartiles, as a part of the median."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


def spread(values: list[float]) -> Spread:
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(low, median, high)


def geometric_mean(ratios: list[float]) -> float:
    """NaN for no ratios."""
    return statistics.geometric_mean(ratios) if ratios else math.nan


def part_below(ours: list[float], theirs: list[float]) -> float:
    """Of all pairs of one of ours and one of theirs, the part in which ours is the smaller."""
    below = sum(one < other for one in ours for other in theirs)
    return below / (len(ours) * len(theirs))
