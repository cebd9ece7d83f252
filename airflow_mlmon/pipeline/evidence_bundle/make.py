"""Making of a bundle: day by day, in memory that does not grow with the days."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from airflow_mlmon.errors import ConfigError, NotFoundError, PartitionConflictError
from airflow_mlmon.fleet import MonitoringPlan
from airflow_mlmon.partition import check_range, date_range
from airflow_mlmon.pipeline.evidence_bundle.archive import BundleWriter, Sign, write_archive
from airflow_mlmon.pipeline.evidence_bundle.chain import Chain, json_line
from airflow_mlmon.pipeline.evidence_bundle.content import (
    RangeFacts,
    Record,
    alert_records,
    delivery_records,
    incident_records,
    message_records,
    people_records,
    read_day,
    read_facts,
    schema_records,
    state_record,
)
from airflow_mlmon.pipeline.evidence_bundle.gaps import Gap, absent_day, forgotten_days, gaps_of
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Family
from airflow_mlmon.reports import bundle as page
from airflow_mlmon.spec.plan import software_versions

MODEL, DAYS, PEOPLE, GAPS = "model", "days.jsonl", "people.jsonl", "gaps.jsonl"
# ten years, and far fewer files than an archive may have
MOST_DAYS = 3660


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBundle:
    """Bundle that was written.

    Attributes:
        head: Head of its chain.
        days: Number of days of the range that have a record.
        gaps: What is missing.
        deeds: Number of things that people did.
    """

    path: Path
    head: str
    days: int
    gaps: tuple[Gap, ...]
    deeds: int


def make_bundle(run: Run, first: date, last: date, path: Path, sign: Sign | None = None) -> MadeBundle:
    """Write the bundle of a range of days; the same content gives the same bytes.

    Args:
        run: the model.
        first: the first day.
        last: the last day, included.
        path: the archive, which must not exist.
        sign: signs the head; None leaves it unsigned.

    Raises:
        ConfigError: the range is empty or too long, or the archive exists or cannot be written.
        NotFoundError: no day of the range has a record.
        PartitionConflictError: a day was run or somebody acted meanwhile; nothing is written.
    """
    check_range(first, last)
    if (last - first).days >= MOST_DAYS:
        raise ConfigError(f"{first} to {last} are more than {MOST_DAYS} days.", hint="make several bundles")
    facts = read_facts(run, first, last)
    if not facts.states:
        raise NotFoundError(
            f"No day of {run.model} from {first} to {last} has a record.", hint="`mlmon backfill` runs days"
        )
    with write_archive(path) as writer:
        making = _Making(run, first, last, facts, writer)
        head = making.write(sign)
        if read_facts(run, first, last) != making.facts:
            raise PartitionConflictError(
                f"{run.model} was run, or somebody acted on it, while its evidence was written.", hint="try again"
            )
    return MadeBundle(
        path=path, head=head, days=len(making.facts.states), gaps=tuple(making.gaps), deeds=making.people.length
    )


class _Making:
    """One bundle while it is written."""

    def __init__(self, run: Run, first: date, last: date, facts: RangeFacts, writer: BundleWriter) -> None:
        self.run, self.first, self.last, self.facts, self.writer = run, first, last, facts, writer
        self.gaps: list[Gap] = []
        self.days, self.people = Chain(), Chain()
        self._shown: list[page.BundleDay] = []

    def write(self, sign: Sign | None) -> str:
        run, facts, writer = self.run, self.facts, self.writer
        plans = self._write_plans()
        # the lines of days are held: they are short, and follow files that they name
        lines = [self._write_day(day) for day in date_range(self.first, self.last)]
        writer.add(DAYS, (f"{line}\n".encode() for line in lines))
        deeds = people_records(facts)
        writer.add(PEOPLE, (f"{self.people.add(deed)}\n".encode() for deed in deeds))
        writer.add_records("alerts.jsonl", alert_records(facts))
        incidents = list(incident_records(facts))
        writer.add_records("incidents.jsonl", incidents)
        messages = list(message_records(run, self.first, self.last))
        writer.add_records("messages.jsonl", messages)
        deliveries = list(delivery_records(run, self.first, self.last, facts))
        writer.add_records("label_deliveries.jsonl", deliveries)
        writer.add_records("profile_schemas.jsonl", schema_records(run))
        writer.add_records(GAPS, map(asdict, self.gaps))
        software = {"python": platform.python_version()} | dict(software_versions())
        writer.add("software.json", [f"{json_line(software)}\n".encode()])
        content = page.BundlePage(
            model=run.model,
            description=run.spec.description,
            owner=run.spec.owner,
            team=run.spec.team,
            first=self.first,
            last=self.last,
            days=tuple(self._shown),
            plans=tuple(self._shown_plans(plans)),
            deeds=tuple(deeds),
            incidents=tuple(incidents),
            messages=page.count_messages(messages),
            deliveries=tuple(deliveries),
            gaps=page.group_gaps((gap.day, gap.what, gap.why) for gap in self.gaps),
            software=software,
        )
        writer.add("README.html", [page.render_bundle(content).encode()])
        about = {MODEL: run.model, "first": self.first, "last": self.last}
        return writer.finish({**about, "days": self.days.head, "people": self.people.head}, sign)

    def _write_plans(self) -> dict[str, MonitoringPlan]:
        """Write each plan that results of the range were made under, and the one of the spec as it is."""
        known = self.run.store.plans(self.run.model)
        used = {key: known[key] for key in sorted(set(self.facts.plans.values())) if key in known}
        plans = used | {self.run.plan.id: self.run.plan}
        for key, plan in sorted(plans.items()):
            content = json.dumps(json.loads(plan.content), indent=1, sort_keys=True, ensure_ascii=False)
            self.writer.add(f"plans/{key}.json", [f"{content}\n".encode()])
        return plans

    def _shown_plans(self, plans: dict[str, MonitoringPlan]) -> Iterator[page.BundlePlan]:
        for key, plan in plans.items():
            days = sorted({day for (day, _), used in self.facts.plans.items() if used == key})
            content = json.loads(plan.content)
            yield page.BundlePlan(id=key, days=tuple(days), is_current=key == self.run.plan.id, content=content)

    def _write_day(self, day: date) -> str:
        """Write the files of a day, and return its line."""
        state = self.facts.states.get(day)
        if state is None:
            gap = absent_day(self.run, day, forgotten_days(self.facts, self.first, self.last))
            self.gaps.append(gap)
            self._shown.append(page.BundleDay(day=day, status="", note=gap.why))
            return self.days.add({"day": day, "status": None, "why": gap.why})
        self.run.progress(f"evidence of {day}")
        found = read_day(self.run, state)
        plans = {family: self.facts.plans.get((day, family)) for family in Family}
        basis = {
            "compared_with": list(found.compared_with),
            "rests_on": {str(other): version for other, version in self.facts.rests_on.get(day, {}).items()},
            "label_deliveries": sorted(self.facts.labels.get(day, ())),
        }
        folder, files = f"days/{day}", {}
        for name, records in (
            ("verdicts", found.verdict_records()),
            ("checks", found.check_records()),
            ("metrics", found.metric_records()),
        ):
            files[name] = self.writer.add_records(f"{folder}/{name}.jsonl", records)
        files["basis"] = self.writer.add(f"{folder}/basis.json", [f"{json_line(basis)}\n".encode()])
        if found.manifest:
            files["manifest"] = self.writer.add(f"{folder}/manifest.json", [found.manifest])
        missing = list(gaps_of(self.run, found, self.facts))
        self.gaps += missing
        counts: Record = {
            "verdicts": len(found.verdicts),
            "breaches": found.breaches,
            "checks": len(found.checks),
            "failed_checks": sum(check.passed is False for check in found.checks),
            "metrics": len(found.metrics),
            "rows_kept": found.has_rows,
        }
        self._shown.append(
            page.BundleDay(
                day=day,
                status=state.status,
                rows=state.rows_accepted,
                quarantined=state.rows_quarantined,
                version=state.version or "",
                plan=plans[Family.PREDICTIONS] or "",
                verdicts=len(found.verdicts),
                breaches=found.breaches,
                failed_checks=counts["failed_checks"],
                note="; ".join(gap.what for gap in missing),
            )
        )
        record: dict[str, Any] = {"day": day, **state_record(state), **counts, "plans": plans, "sha256": files}
        return self.days.add(record)
