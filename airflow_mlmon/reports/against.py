"""Content of the page of a day against another, and its rendering to HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from markupsafe import Markup

from airflow_mlmon.evaluation.limits import strength
from airflow_mlmon.records import CheckOutcome, DriftDetail, PartitionState, Verdict, VerdictState
from airflow_mlmon.reports.page import render_page
from airflow_mlmon.reports.tone import Tone, day_tone
from airflow_mlmon.spec import Labels
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.tasks.contrast import Difference

# columns with a picture
MOST_PICTURES = 24
_ORDER = (VerdictState.BREACH, VerdictState.OK, VerdictState.INSUFFICIENT_DATA)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstSide:
    """One of the two days.

    Attributes:
        state: Its record.
        alerts: Number of its alerts.
        metrics: Its metrics of all rows and columns, by name.
        versions: Its rows by model version.
        checks: Outcomes of its checks.
    """

    state: PartitionState
    alerts: int = 0
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    checks: tuple[CheckOutcome, ...] = ()

    @property
    def tone(self) -> Tone:
        """Return the state of its data; alerts are counted apart."""
        return day_tone(self.state.status, alerts=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstColumn:
    """Column on both days; of a side without rows the null rate is None."""

    name: str
    score: float | None
    detail: DriftDetail
    null_rates: tuple[float | None, float | None]
    verdict: Verdict | None = None
    picture: Markup | None = None

    @property
    def has_drifted(self) -> bool:
        """Return whether it differs, significantly and by enough."""
        return self.verdict is not None and self.verdict.state is VerdictState.BREACH


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPair:
    """Check with its outcomes on the other day and on the day; None where it was not run."""

    expectation: str
    column: str | None
    before: CheckOutcome | None
    after: CheckOutcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstPage:
    """Content of the page of a day against another.

    Attributes:
        before: The other day.
        after: The day.
        lack: Why the columns are not compared; empty if they are.
        columns: The columns, by sampling error only.
        differences: Differences of outputs and performance.
        names: Metrics that are shown of both days.
    """

    model: str
    before: AgainstSide
    after: AgainstSide
    lack: str = ""
    columns: tuple[AgainstColumn, ...] = ()
    differences: tuple[Difference, ...] = ()
    names: tuple[str, ...] = ()
    labels: Labels | None = None
    policy: EvaluationPolicy = field(default_factory=EvaluationPolicy)


def against_file(other: date) -> str:
    """Return the name of the file of a comparison with another day, in the folder of the day."""
    return f"against-{other}.html"


def render_against(page: AgainstPage) -> str:
    """Render the page of a day against another."""
    pairs = pair_checks(page.before.checks, page.after.checks)
    return render_page(
        "against.html.j2",
        page=page,
        before=page.before,
        after=page.after,
        drifted=[column for column in page.columns if column.has_drifted],
        evaluated=[one for one in page.columns if one.verdict and one.verdict.state is not _ORDER[-1]],
        versions=sorted({*page.before.versions, *page.after.versions}),
        failed=[pair for pair in pairs if _has_failed(pair)],
        passed=sum(not _has_failed(pair) for pair in pairs),
        labels=page.labels,
    )


def rank_against(columns: Sequence[AgainstColumn], policy: EvaluationPolicy) -> list[AgainstColumn]:
    """Sort columns: those that differ first, then by effect size; those without enough data last."""

    def rank(column: AgainstColumn) -> tuple[int, float, str]:
        found = column.verdict
        if found is None:
            return len(_ORDER), 0.0, column.name
        return _ORDER.index(found.state), -(strength(found, policy) or 0.0), column.name

    return sorted(columns, key=rank)


def pair_checks(before: Sequence[CheckOutcome], after: Sequence[CheckOutcome]) -> list[CheckPair]:
    """Pair the outcomes of checks; of several of one expectation on a column, in their order."""
    numbered = [_numbered(side) for side in (before, after)]
    keys = dict.fromkeys((*numbered[1], *numbered[0]))
    return [
        CheckPair(expectation=key[0], column=key[1], before=numbered[0].get(key), after=numbered[1].get(key))
        for key in keys
    ]


def _numbered(checks: Sequence[CheckOutcome]) -> dict[tuple[str, str | None, int], CheckOutcome]:
    found: dict[tuple[str, str | None, int], CheckOutcome] = {}
    for check in checks:
        number = sum(key[:2] == (check.expectation, check.column) for key in found)
        found[check.expectation, check.column, number] = check
    return found


def _has_failed(pair: CheckPair) -> bool:
    return any(side is None or not side.passed for side in (pair.before, pair.after))
