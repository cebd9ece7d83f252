"""What is usual of a model's nights, from what is stored of them, and what it says of a night."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from airflow_mlmon.drift.versions import nights_alike
from airflow_mlmon.judgement.consequence import score_shifts
from airflow_mlmon.judgement.histories import Comparisons, Nights, base_shares
from airflow_mlmon.judgement.incidents import Incident, group_breaches
from airflow_mlmon.judgement.night import Key, NightEvidence, judge_night, key_of
from airflow_mlmon.judgement.series import Point
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baseline import ChosenBaseline, choose_baselines
from airflow_mlmon.pipeline.context import Run
from airflow_mlmon.pipeline.reference import Reference, pinned_reference, read_sample
from airflow_mlmon.pipeline.span import Span
from airflow_mlmon.pipeline.stored import DayProfile, stored_profiles
from airflow_mlmon.pipeline.versions import counts_in, version_counts
from airflow_mlmon.profiles.numeric import NumericProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.segment import segment_key
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.spec.baseline import BaselineKind
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.judgement import Judgement
from airflow_mlmon.spec.metrics import METRICS
from airflow_mlmon.spec.model import ModelSpec

_UNSEEN = "unseen_share"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightJudgement:
    """The verdicts of a night, and which of its breaches belong together."""

    verdicts: tuple[Verdict, ...] = ()
    incidents: tuple[Incident, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UsualJudge:
    """Judges nights of a model by its own past; what several of them have in common is read and compared once."""

    run: Run
    comparisons: Comparisons = field(default_factory=Comparisons)
    profiles: dict[date, DayProfile] = field(default_factory=dict)

    def judge(
        self,
        partition: Partition,
        metrics: Sequence[MetricValue],
        profile: Profile | None = None,
        *,
        policy: Judgement | None = None,
    ) -> NightJudgement:
        """The verdict on each metric that no rule of the spec is about, and the incidents among the breaches.

        Args:
            partition: the night.
            metrics: what was measured of it.
            profile: the profile of its rows; None for the metrics of labels. Where a model has labels, rows and
                labels have half of the rate each.
            policy: how to judge; as the spec says by default.
        """
        policy = policy or self.run.spec.alerts.judgement
        if not policy.rate:
            return NightJudgement()
        rate = policy.rate / 2 if self.run.spec.labels else policy.rate
        reference = pinned_reference(self.run) if profile else None
        evidence = self._evidence(partition, unruled(self.run.spec, metrics), policy, reference, profile)
        verdicts = judge_night(evidence, policy, rate=rate)
        breaches = [verdict for verdict in verdicts if verdict.state is VerdictState.BREACH]
        shifts = self._shifts(partition.day, reference, profile, breaches) if reference and profile else {}
        incidents = group_breaches(breaches, evidence.columns, shifts, self.run.spec.outputs)
        return NightJudgement(verdicts=tuple(verdicts), incidents=tuple(incidents))

    def _shifts(
        self, day: date, reference: Reference, profile: Profile, breaches: Sequence[Verdict]
    ) -> dict[str, float]:
        """How far each column in breach would move the mean score."""
        spec = self.run.spec
        score = spec.column_of(Role.SCORE)
        names = {breach.column for breach in breaches if breach.column and breach.column not in spec.outputs}
        if score is None or not names:
            return {}
        chosen = choose_baselines(self.run, reference, Span(days=(day,)))
        baseline = {name: one.whole.columns[name] for one in chosen for name in names & set(one.facts.columns)}
        now = {name: profile.columns[name] for name in names}
        return score_shifts(read_sample(self.run, reference), score, now, baseline)

    def _evidence(
        self,
        partition: Partition,
        metrics: Sequence[MetricValue],
        policy: Judgement,
        reference: Reference | None,
        profile: Profile | None,
    ) -> NightEvidence:
        day, spec = partition.day, self.run.spec
        first = partition.shift(-spec.history.nights).day
        served = version_counts(self.run, first, day)
        now = counts_in(spec, metrics) or served.get(day, {})
        before = {past: counts for past, counts in served.items() if past < day}
        unlike = set(before) - nights_alike(before, now)
        is_changing = bool(unlike) or len(now) > 1
        evidence = NightEvidence(
            day=day,
            metrics=metrics,
            past=self._past(day, unlike),
            versions=frozenset(segment_key(str(spec.version_column), version) for version in now)
            if is_changing
            else frozenset(),
        )
        if reference is None or profile is None:
            return evidence
        nights = self._nights(day, policy, reference, profile, unlike)
        own = {one.day for one in self._stored(day, reference) if one.is_reference}
        return replace(
            evidence,
            # the vocabulary was taken from these nights: nothing of theirs is unseen
            past={
                key: [(before, point) for before, point in points if key[0] != _UNSEEN or before not in own]
                for key, points in evidence.past.items()
            },
            columns=nights.columns(),
            base=base_shares(nights.baselines),
            scales=_scales(spec, nights.baselines),
            parts=nights.parts,
        )

    def _past(self, day: date, unlike: Collection[date]) -> dict[Key, list[tuple[date, Point]]]:
        past: dict[Key, list[tuple[date, Point]]] = {}
        for before, value in self.run.store.past(self.run.model, day, self.run.spec.history.nights):
            known = METRICS.get(value.metric)
            if known and known.of_model and before in unlike and value.segment is None:
                continue
            past.setdefault(key_of(value), []).append((before, Point(value=float(value.value or 0), rows=value.rows)))
        return past

    def _nights(
        self, day: date, policy: Judgement, reference: Reference, profile: Profile, unlike: Collection[date]
    ) -> Nights:
        past = self._stored(day, reference)
        baselines: dict[str, tuple[Profile, frozenset[date]]] = {}
        for chosen in choose_baselines(self.run, reference, Span(days=(day,))):
            members = _members(chosen, past)
            baselines |= {column.name: (chosen.whole, members) for column in chosen.layout.columns}
        # what other versions put out is no history of what these do
        outputs: dict[tuple[str, str | None], Collection[date]] = {
            (name, None): unlike for name in self.run.spec.outputs
        }
        return Nights(
            day=day,
            now=profile,
            past=[(one.day, one.profile) for one in past if one.profile is not None],
            baselines=baselines,
            excluded=outputs,
            season=policy.season,
            comparisons=self.comparisons,
        )

    def _stored(self, day: date, reference: Reference) -> list[DayProfile]:
        days = [day - timedelta(days=back) for back in range(self.run.spec.history.nights, 0, -1)]
        missing = [past for past in days if past not in self.profiles]
        self.profiles.update({found.day: found for found in stored_profiles(self.run, reference, missing)})
        return [self.profiles[past] for past in days]


def unruled(spec: ModelSpec, metrics: Sequence[MetricValue]) -> list[MetricValue]:
    """The metrics that no rule of the spec is about: what people decide themselves is not decided twice."""
    ruled = {(rule.metric, rule.column) for rule in spec.alerts.rules}
    return [
        value for value in metrics if (value.metric, None) not in ruled and (value.metric, value.column) not in ruled
    ]


def _members(chosen: ChosenBaseline, past: Sequence[DayProfile]) -> frozenset[date]:
    """The nights before that are part of a baseline."""
    if chosen.facts.kind is BaselineKind.REFERENCE:
        return frozenset(one.day for one in past if one.is_reference)
    return frozenset(one.day for one in past if one.day in chosen.facts.nights)


def _scales(spec: ModelSpec, baselines: Mapping[str, tuple[Profile, Collection[date]]]) -> dict[str, float]:
    """The standard deviation of the scores of the baseline, in whose units their mean is judged."""
    name = spec.column_of(Role.SCORE)
    column = baselines[name][0].columns[name] if name and name in baselines else None
    deviation = column.std if isinstance(column, NumericProfile) else None
    return {"score_mean": deviation} if deviation else {}
