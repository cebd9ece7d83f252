"""Metrics of fairness: differences between the groups of a protected column."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlmon.spec.metric import Measure, Metric, Worse

DEMOGRAPHIC_PARITY = "demographic_parity_difference"
DEMOGRAPHIC_PARITY_RATIO = "demographic_parity_ratio"
EQUAL_OPPORTUNITY = "equal_opportunity_difference"
EQUALIZED_ODDS = "equalized_odds_difference"
PREDICTIVE_PARITY = "predictive_parity_difference"
ACCURACY_DIFFERENCE = "accuracy_difference"
MEAN_ERROR_DIFFERENCE = "mean_error_difference"
MAE_DIFFERENCE = "mae_difference"


def _disparity(
    title: str,
    description: str,
    *,
    needs_labels: bool = True,
    measure: Measure = Measure.AREA,
    worse: Worse = Worse.ABOVE,
    on_request: bool = False,
) -> Metric:
    return Metric(
        title,
        f"{description} Needs `fairness`.",
        by_column=True,
        is_share=measure is Measure.AREA and worse is Worse.ABOVE,
        needs_labels=needs_labels,
        of_model=True,
        measure=measure,
        worse=worse,
        on_request=on_request,
    )


# by protected column, the largest over the pairs of its groups; names and definitions are those of fairlearn
DISPARITIES: Mapping[str, Metric] = {
    DEMOGRAPHIC_PARITY: _disparity(
        "demographic parity difference",
        "Difference of the groups' selection rates, or of the share of a predicted class.",
        needs_labels=False,
    ),
    DEMOGRAPHIC_PARITY_RATIO: _disparity(
        "demographic parity ratio",
        "Smaller selection rate of a group over the larger (disparate impact; 0.8 is the four-fifths rule).",
        needs_labels=False,
        worse=Worse.BELOW,
        on_request=True,
    ),
    EQUAL_OPPORTUNITY: _disparity("equal opportunity difference", "Difference of the groups' true positive rates."),
    EQUALIZED_ODDS: _disparity(
        "equalized odds difference", "Larger difference of true and of false positive rates.", on_request=True
    ),
    PREDICTIVE_PARITY: _disparity(
        "predictive parity difference", "Difference of the shares of positives that are right.", on_request=True
    ),
    ACCURACY_DIFFERENCE: _disparity("accuracy difference", "Difference of the groups' accuracies.", on_request=True),
    MEAN_ERROR_DIFFERENCE: _disparity(
        "mean error difference", "Difference of the groups' mean errors (bias).", measure=Measure.NUMBER
    ),
    MAE_DIFFERENCE: _disparity(
        "MAE difference", "Difference of the groups' mean absolute errors.", measure=Measure.NUMBER, on_request=True
    ),
}
