"""The small area model as a closed form of one unit's own responses, everything fitted being frozen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.inputs import Floats


@dataclass(frozen=True, slots=True)
class SmallArea:
    """The small area model with everything fitted frozen; (units, items) each."""

    one: Floats  # sampling variance of one respondent's worth: D = one / effective respondents
    synthetic: Floats  # x'b
    unit_variance: Floats  # between units about regression and area; infinite: direct estimates are taken as they are
    area_variance: Floats  # between areas; 0: none
    others_weight: Floats  # sum of 1 / (unit variance + D) over the other units of the area
    others_pull: Floats  # the same sum of their residuals
    benchmarked: Floats  # how much of what the unit's direct estimate gains over its own is shared out; 0: no benchmark

    def estimate(self, direct: Floats, effective: Floats) -> Floats:
        """(units, items) the estimate at other direct estimates and effective numbers of respondents, no benchmark."""
        with np.errstate(divide="ignore", invalid="ignore"):
            D = self.one / effective
            w = np.where(effective > 0, 1.0 / (self.unit_variance + D), 0.0)
            own = np.where(effective > 0, direct - self.synthetic, 0.0)
            B = np.where(np.isinf(self.unit_variance), 0.0, 1.0 - self.unit_variance * w)
            pull = np.where(self.area_variance > 0, self.area_variance * (self.others_pull + w * own), 0.0)
            area = pull / (1.0 + self.area_variance * (self.others_weight + w))
            area = np.where(np.isinf(self.unit_variance), 0.0, area)
        return np.asarray(self.synthetic + (1.0 - B) * own + B * area, np.float64)
