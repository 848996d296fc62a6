"""The small area model as a closed form of one unit's own responses, everything fitted being frozen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.forging.respondents import Moved
from methods.inputs import Floats


@dataclass(frozen=True, slots=True)
class SmallArea:
    """The small area model with everything fitted frozen; (units, items) each.

    theta = x'b + (1 - B)(y - x'b) + B u with B = D / (unit variance + D), D = one / effective respondents, and u the
    area's effect, which the unit's own answers move too. A benchmark adds to the units of a group what their pooled
    direct estimate is above their predictions: a unit with the share s of the group gains s (dy - dtheta) by it, less
    what the others gain through the area's effect.
    """

    one: Floats  # sampling variance of one respondent's worth
    synthetic: Floats  # x'b
    unit_variance: Floats  # between units about regression and area; infinite: direct estimates are taken as they are
    area_variance: Floats  # between areas; 0: none
    others_weight: Floats  # sum of 1 / (unit variance + D) over the other units of the area
    others_pull: Floats  # the same sum of their residuals y - x'b
    share: Floats  # the unit's share in the pooled direct estimate of its benchmark; 0: no benchmark
    others_share: Floats  # sum of share times B over the other units of area and benchmark

    def __post_init__(self) -> None:
        for name in ("unit_variance", "area_variance", "others_weight", "share", "others_share"):
            values = getattr(self, name)
            if values.shape != self.one.shape:
                raise ValueError(f"{name} has shape {values.shape}; it must be that of one, {self.one.shape}")
            if not (values >= 0).all():
                raise ValueError(f"{name} must be 0 or more")

    def estimate(self, at: Moved) -> Floats:
        """(units, items) the prediction at these direct estimates, before any benchmark."""
        return self._predicted(at)[0]

    def shrinkage(self, at: Moved) -> Floats:
        """(units, items) B, the weight of what is borrowed; 0 where direct estimates are taken as they are."""
        return self._predicted(at)[2]

    def gain(self, before: Moved, after: Moved) -> Floats:
        """(units, items) what the published estimate gains; a benchmark moves with the unit's own answers."""
        (theta, area, _), (other, moved, _) = self._predicted(before), self._predicted(after)
        with np.errstate(invalid="ignore"):
            of_direct = np.where(self.share > 0, after.direct - before.direct, 0.0)
        by_benchmark = self.share * (of_direct - (other - theta)) - self.others_share * (moved - area)
        return np.asarray(other - theta + np.where(self.share > 0, by_benchmark, 0.0), np.float64)

    def _predicted(self, at: Moved) -> tuple[Floats, Floats, Floats]:
        smooth = np.isfinite(self.unit_variance)
        heard = at.effective > 0
        variance = np.where(smooth, self.unit_variance, 0.0)
        D = np.divide(self.one, at.effective, out=np.full_like(self.one, np.inf), where=heard)
        w = np.where(heard & smooth, 1.0 / np.maximum(variance + D, 1e-300), 0.0)
        own = np.where(heard, at.direct - np.where(smooth, self.synthetic, 0.0), 0.0)
        B = np.where(smooth, 1.0 - variance * w, 0.0)
        area = self.area_variance * (self.others_pull + w * own) / (1.0 + self.area_variance * (self.others_weight + w))
        area = np.where(smooth, area, 0.0)
        return np.where(smooth, self.synthetic, 0.0) + (1.0 - B) * own + B * area, area, B
