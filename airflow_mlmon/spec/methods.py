"""Names of the drift methods, as in Evidently."""

from __future__ import annotations

from enum import StrEnum


class Method(StrEnum):
    """Drift method, named as in Evidently; `drift.methods` computes those that profiles can answer."""

    PSI = "psi"
    JENSENSHANNON = "jensenshannon"
    HELLINGER = "hellinger"
    KL_DIV = "kl_div"
    TVD = "TVD"
    WASSERSTEIN = "wasserstein"
    KS = "ks"
    CRAMER_VON_MISES = "cramer_von_mises"
    T_TEST = "t_test"
    CHISQUARE = "chisquare"
    G_TEST = "g_test"
    Z = "z"
    ANDERSON = "anderson"
    ENERGY_DISTANCE = "ed"
    EPPS_SINGLETON = "es"
    MANN_WHITNEY = "mannw"
    EMPIRICAL_MMD = "empirical_mmd"
    FISHER_EXACT = "fisher_exact"
    TEXT_CONTENT = "abs_text_content_drift"
    TEXT_CONTENT_PERCENTILE = "perc_text_content_drift"

    @property
    def is_sampled(self) -> bool:
        """Return whether Evidently computes it on a sample, because profiles cannot answer it."""
        return self in _SAMPLED

    @property
    def is_of_text(self) -> bool:
        """Return whether it compares texts, of which profiles hold the most frequent alone; its score is a ROC AUC."""
        return self in _OF_TEXT


_OF_TEXT = frozenset({Method.TEXT_CONTENT, Method.TEXT_CONTENT_PERCENTILE})
_SAMPLED = frozenset(
    {
        Method.ANDERSON,
        Method.ENERGY_DISTANCE,
        Method.EPPS_SINGLETON,
        Method.MANN_WHITNEY,
        Method.EMPIRICAL_MMD,
        Method.FISHER_EXACT,
        Method.TEXT_CONTENT,
        Method.TEXT_CONTENT_PERCENTILE,
    }
)
PROFILED = tuple(method for method in Method if not method.is_sampled)
