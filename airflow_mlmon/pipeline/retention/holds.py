"""What must be kept of days whatever their age, and why: each reader of the past registers what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain

from airflow_mlmon.partition import DAY, date_range
from airflow_mlmon.pipeline.baselines.accept import next_day
from airflow_mlmon.pipeline.baselines.choose import drift_breaches
from airflow_mlmon.pipeline.baselines.in_force import EntryState, list_baselines
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import AlertState
from airflow_mlmon.spec.retention import Stored

# a long incident makes the evaluation look back as far, in lengths of the history; outputs and performance are
# compared with the initial window of the last year
_FARTHEST, _YEAR = 3, timedelta(days=365)
# rows, what was refused of them, and what is shown of a day
_OF_INCIDENTS = frozenset(
    {Stored.ROWS, Stored.QUARANTINE, Stored.PAGES, Stored.EVIDENTLY, Stored.METRICS, Stored.BASES}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Days of which some kinds are kept, with the reason.

    Attributes:
        kinds: The kinds.
        reason: The reason in words.
        since: The day from which all days are kept; None if only single ones are.
        days: Single days.
        versions: By day, versions that are kept although they are not served.
    """

    kinds: frozenset[Stored]
    reason: str
    since: date | None = None
    days: frozenset[date] = frozenset()
    versions: Mapping[date, Collection[str]] = field(default_factory=dict)

    def holds(self, stored: Stored, day: date) -> bool:
        """Return whether a kind of a day is kept."""
        return stored in self.kinds and (day in self.days or (self.since is not None and day >= self.since))


Keeper = Callable[[Run], Iterator[Hold]]


def hold(run: Run) -> tuple[Hold, ...]:
    """Return everything that is kept of the model, by all who rest on it."""
    return tuple(chain.from_iterable(keeper(run) for keeper in KEEPERS))


def first_labelled(run: Run) -> date:
    """Return the first day whose labels may still come, be replaced, or be looked for as late.

    Deliveries of the `delay_days` before the next day may change; each reaches as far back, and labels of as many days
    before that are counted as late.
    """
    labels = run.spec.labels
    return next_day(run) - ((labels.delay_days + 2 * labels.reach) * DAY if labels else timedelta())


def _for_labels(run: Run) -> Iterator[Hold]:
    if run.spec.labels is not None:
        yield Hold(kinds=frozenset({Stored.ROWS}), reason="labels may still come", since=first_labelled(run))


def _for_duplicates(run: Run) -> Iterator[Hold]:
    if run.spec.duplicates is not None:
        first = next_day(run) - run.spec.duplicates.days * DAY
        yield Hold(kinds=frozenset({Stored.ROWS}), reason="duplicates are searched there", since=first)


def _for_baselines(run: Run) -> Iterator[Hold]:
    """Keep the rows of baselines in force or to come: a new profile schema is made of them."""
    day = next_day(run)
    entries = list_baselines(run.spec, run.store.baselines(run.model), day)
    # a day of an ongoing incident is passed over, by a column alone
    without = [frozenset[date](), *map(frozenset, drift_breaches(run, day).values())]
    days = {
        past
        for entry in entries
        if entry.state is not EntryState.REPLACED
        for start in {day, entry.pin.first if entry.pin else day}
        for some in without
        for past in entry.baseline.days(start, without=some)
    }
    yield Hold(kinds=frozenset({Stored.ROWS}), reason="a baseline rests on it", days=frozenset(days))


def _for_evaluation(run: Run) -> Iterator[Hold]:
    """Keep the metrics that the days to come, and those whose labels come, are evaluated by."""
    first = first_labelled(run) - max(_FARTHEST * run.spec.history.days * DAY, _YEAR)
    kinds = frozenset({Stored.METRICS, Stored.BASES})
    yield Hold(kinds=kinds, reason="the evaluation looks back as far", since=first)


def _for_reference(run: Run) -> Iterator[Hold]:
    """Keep the metrics of the days of the reference, which no run measures again."""
    states = run.store.states(run.model, date.min, date.max)
    days = frozenset(state.partition.day for state in states if state.is_of_reference)
    yield Hold(kinds=frozenset({Stored.METRICS}), reason="a day of the reference", days=days)


def _for_alerts(run: Run) -> Iterator[Hold]:
    """Keep the breaching days of alerts that have not resolved."""
    standing = [alert for alert in run.store.tracked_alerts(run.model) if alert.state is not AlertState.RESOLVED]
    if standing:
        names = {alert.fingerprint: alert.since for alert in standing}
        last = max(alert.last_breached for alert in standing)
        days = {
            alert.partition.day
            for alert in run.store.alerts(run.model, min(names.values()), last)
            if alert.partition.day >= names.get(alert.fingerprint, date.max)
        }
        yield Hold(kinds=_OF_INCIDENTS, reason="an alert is open", days=frozenset(days))


def _for_named_versions(run: Run) -> Iterator[Hold]:
    """Keep superseded versions that pages to be written again compare their days with."""
    named: dict[date, set[str]] = {}
    for day in date_range(first_labelled(run), next_day(run) - DAY):
        for baseline in run.store.compared_with(run.partition(day)):
            for past, version in baseline.days.items():
                named.setdefault(past, set()).add(version)
    yield Hold(kinds=frozenset({Stored.SUPERSEDED}), reason="a day was compared with it", versions=named)


def _for_evidence(run: Run) -> Iterator[Hold]:
    """Keep the records of days of evidence bundles, which a later bundle of them is compared with.

    All else that a bundle names is in it, or is never pruned; of rows it has the hashes of their files.
    """
    for entry in run.store.bundles(run.model):
        if entry.is_held:
            days = frozenset(date_range(entry.first, entry.last))
            kinds = frozenset({Stored.METRICS, Stored.BASES})
            yield Hold(kinds=kinds, reason="an evidence bundle has them", days=days)


KEEPERS: tuple[Keeper, ...] = (
    _for_labels,
    _for_duplicates,
    _for_baselines,
    _for_alerts,
    _for_reference,
    _for_evaluation,
    _for_named_versions,
    _for_evidence,
)
