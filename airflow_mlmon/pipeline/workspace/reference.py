"""Pinned reference: read once and stored, for the evaluation of every day."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.drift.multivariate import SampleSizes
from airflow_mlmon.drift.new_values import measure_novelty, without_own_day
from airflow_mlmon.drift.rows.pinned import PinnedRows
from airflow_mlmon.drift.unseen import ranges_without, unseen_metrics
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.attributions import write_reference_magnitudes
from airflow_mlmon.pipeline.workspace.inferred import infer_from_days
from airflow_mlmon.pipeline.workspace.losses import keep_losses, loss_model
from airflow_mlmon.pipeline.workspace.mlflow_source import follow_aliases, record_source, version_named
from airflow_mlmon.pipeline.workspace.operations import measure_rows, profile_requests
from airflow_mlmon.pipeline.workspace.partition_files import read_workspace_table, to_parquet
from airflow_mlmon.pipeline.workspace.reference_history import (
    measure_day_attributions,
    pin_reference_outcomes,
    publish_reference_day,
    read_sizes,
    sampled_columns,
)
from airflow_mlmon.pipeline.workspace.reference_labels import estimate_by_other_days, measure_day_labels, profile_labels
from airflow_mlmon.pipeline.workspace.reference_rows import ReferenceRows, join_reference_labels, read_reference
from airflow_mlmon.pipeline.workspace.reference_samples import score_samples_of_days
from airflow_mlmon.pipeline.workspace.row_contents import ReferenceDays, pin_reference_rows
from airflow_mlmon.pipeline.workspace.samples import days_of, sample
from airflow_mlmon.pipeline.workspace.unfit import pin_again, tell_unfit
from airflow_mlmon.profiles.bundle import bundle, unbundle
from airflow_mlmon.profiles.engine.derived import with_derived
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.quality.infer import Inferred
from airflow_mlmon.spec import Check, Severity
from airflow_mlmon.store.mlflow_store import ReferenceSource
from airflow_mlmon.store.profile_schemas import StoredSchema
from airflow_mlmon.tasks.estimates import estimation_gaps
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.own import measure_unlabelled
from airflow_mlmon.tasks.parts import (
    OutcomeParts,
    read_outcome_parts,
    sum_outcome_parts,
)
from airflow_mlmon.tasks.registry import task_of

# increase it when more is stored of a reference, and name the one before where it can still be read
_KEPT = 7
_READABLE = (_KEPT, 6)
_FOLDER = "reference"
_DAYS = "nights.profiles"
_LABELLED = "labelled.profile"
# part of the fingerprints of references from before the key lost its effect
_QUANTILE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReference:
    """Stored reference of a model.

    `told` is what could not be read. `together` are the sizes of the samples whose features are compared together, if
    the spec enables it. If no row has an event time, there are no `days`. `inferred` are the checks of a spec without.
    `novelty` is the expected share of new values of each category, and `closed` are those of which none is expected;
    None and none if an earlier release has pinned it, whose days have the rates by their own values. `digest` is the
    hash of its profile, under which is stored what follows from it. `source` is what MLflow knows of it.
    """

    schema: ProfileSchema
    profile: Profile
    outcomes: OutcomeSchema
    together: SampleSizes | None
    inferred: Inferred
    days: tuple[date, ...]
    files: Mapping[str, str]
    folder: str
    told: tuple[str, ...] = ()
    novelty: Mapping[str, float] | None = None
    closed: frozenset[str] = frozenset()
    rows: PinnedRows = field(default_factory=PinnedRows)
    digest: str = ""
    source: ReferenceSource | None = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return the columns of which it has no value, so that nothing can be compared with it."""
        return tuple(name for name, column in self.profile.columns.items() if not column.observed)

    @property
    def sample_uri(self) -> str:
        """Return the URI of its sample."""
        return f"{self.folder}/sample.parquet"

    @property
    def period(self) -> str:
        """Describe its days."""
        if not self.days:
            return "without event times"
        return f"of {len(self.days)} days, {self.days[0]} to {self.days[-1]}"


def ensure_reference(run: Run, day: date | None = None) -> StoredReference:
    """Return the pinned reference of a day; pin it now if the spec has none or has changed since.

    Of an alias of MLflow, it is the version named on the day. All have the first one's schema, and stay comparable.
    """
    if day is not None:
        follow_aliases(run, day)
    found = pinned_reference(run, day)
    if found is not None:
        return found
    first = pinned_schema(run) if version_named(run, day) else None
    known = _load(run, run.uri(_FOLDER, first.folder)) if first else None
    return _pin(run, _latest_id(run), day=day, known=known)


def renew_reference(run: Run) -> StoredReference:
    """Return the pinned reference; pin it now too if an older release has pinned it, which stored less of it."""
    pinned = run.ask(run.store.current_schema)
    is_current = pinned is not None and pinned.fingerprint == _fingerprint(run)
    return ensure_reference(run) if is_current else _pin(run, _latest_id(run))


def _latest_id(run: Run) -> str | None:
    # a concurrent run pins from the same latest schema, and the store accepts one of the two
    earlier = run.store.current_schema(run.model)
    return earlier.schema_id if earlier else None


def pinned_reference(run: Run, day: date | None = None) -> StoredReference | None:
    """Return the pinned reference, of a day or the last; None if the spec has none or has changed since."""
    pinned = pinned_schema(run)
    if pinned is None:
        return None
    version = version_named(run, day)
    own = run.uri(_FOLDER, pinned.folder)
    folder = _folder_of_version(run, pinned.fingerprint, version, pinned.schema_id) if version else own
    try:
        return _load(run, folder)
    except NotFoundError:
        # a day that is run reads what the alias names now, and pins anew what the workspace has lost
        return None


def pinned_schema(run: Run) -> StoredSchema | None:
    """Return the pinned profile schema; None if the spec has none or has changed since."""
    pinned = run.ask(run.store.current_schema)
    return pinned if pinned is not None and _is_of(run, pinned.fingerprint) else None


def _folder_of_version(run: Run, fingerprint: str, version: str, schema_id: str) -> str:
    return run.uri(_FOLDER, f"{fingerprint}-v{version}-{schema_id}")


def pin_reference_again(run: Run, reference: StoredReference, later: pa.Table) -> StoredReference:
    """Pin the reference once more, with the columns of `later`, rows of later days, pinned from these."""
    return _pin(run, reference.schema.id, later)


def latest_reference(run: Run) -> tuple[StoredReference, bool]:
    """Return the last pinned reference, and True if it still matches the spec.

    Raises:
        NotFoundError: none has been pinned yet.
    """
    pinned = run.ask(run.store.current_schema)
    if pinned is None:
        raise NotFoundError(f"No profile schema is pinned for {run.model}.", hint="the first run pins it")
    return _load(run, run.uri(_FOLDER, pinned.folder)), _is_of(run, pinned.fingerprint)


def _is_of(run: Run, fingerprint: str) -> bool:
    return any(fingerprint == _fingerprint(run, kept) for kept in _READABLE)


def reference_days(run: Run, reference: StoredReference) -> dict[date, Profile]:
    """Return the profiles of the reference's own days."""
    return unbundle(run.files.read(f"{reference.folder}/{_DAYS}"))


def reference_outcomes(run: Run, reference: StoredReference) -> OutcomeParts | None:
    """Return the outcome profiles of the reference's rows; None for a reference from an older release."""
    uri = f"{reference.folder}/{_LABELLED}"
    if uri not in run.kept:
        try:
            run.kept[uri] = read_outcome_parts(task_of(run.spec), run.files.read(uri))
        except NotFoundError:
            return None
    found: OutcomeParts = run.kept[uri]
    return found


def _digest(profile: bytes) -> str:
    return hashlib.sha256(profile).hexdigest()[:12]


def _fingerprint(run: Run, kept: int = _KEPT) -> str:
    declared = [
        kept,
        run.fingerprint,
        run.spec.reference.declaration,
        run.spec.drift.model_dump(mode="json", exclude_none=True) | {"quantile": _QUANTILE},
        run.spec.divisions,
        *([run.spec.classes] if run.spec.classes else ()),
        *([dict(settings)] if (settings := task_of(run.spec).settings) else ()),
        # its days are measured by them
        *([run.spec.metrics] if run.spec.metrics else ()),
    ]
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:12]


def _folder(run: Run) -> str:
    return run.uri(_FOLDER, _fingerprint(run))


def _load(run: Run, folder: str) -> StoredReference:
    """Return a pinned reference, whose files never change."""
    if folder not in run.kept:
        run.kept[folder] = _read(run, folder)
    found: StoredReference = run.kept[folder]
    return found


def _read(run: Run, folder: str) -> StoredReference:
    facts = json.loads(run.files.read(f"{folder}/reference.json"))
    data = run.files.read(f"{folder}/reference.profile")
    profile = Profile.from_bytes(data)
    # the first release had one schema for all
    outcomes = (
        OutcomeSchema.from_json(facts["outcomes"])
        if "outcomes" in facts
        else pin_reference_outcomes(run, profile, None)
    )
    return StoredReference(
        schema=ProfileSchema.from_json(run.files.read(f"{folder}/layout.json").decode()),
        profile=profile,
        outcomes=outcomes,
        together=read_sizes(facts["together"]) if facts.get("together") else None,
        inferred=Inferred(
            # an earlier release stored a severity that alerted
            checks=tuple(Check.model_validate(check | {"severity": Severity.RECORDED}) for check in facts["checks"]),
            withheld=facts.get("withheld", {}),
        ),
        days=tuple(date.fromisoformat(day) for day in facts["days"]),
        files=facts["files"],
        folder=folder,
        told=tuple(facts.get("told", ())),
        novelty=facts.get("novelty"),
        closed=frozenset(facts.get("closed", ())),
        rows=PinnedRows.from_json(facts["rows"]) if "rows" in facts else PinnedRows(),
        digest=_digest(data),
        source=ReferenceSource(**facts["source"]) if "source" in facts else None,
    )


def _pin_schema(
    run: Run, read: ReferenceRows, known: StoredReference | None, later: pa.Table | None
) -> tuple[ProfileSchema, tuple[str, ...]]:
    """Pin the profile schema of the rows, or take that of the `known` reference; also return what to tell."""
    run.progress("pinning the profile schema")
    schema = known.schema if known else pin_schema(run.spec, read.rows)
    told = (*read.told, *tell_unfit(schema, read.rows))
    for line in told:
        run.progress(f"reference: {line}")
    if later is not None:
        schema = pin_again(schema, later, {name: column.type for name, column in run.spec.columns.items()})
    return schema, told


def _folder_of(run: Run, read: ReferenceRows, schema: ProfileSchema, day: date | None, *, is_widened: bool) -> str:
    if read.source is not None and version_named(run, day):
        return _folder_of_version(run, _fingerprint(run), read.source.version, schema.id)
    folder = _folder(run)
    return f"{folder}-{schema.id}" if is_widened else folder


def _pin(
    run: Run,
    supersedes: str | None,
    later: pa.Table | None = None,
    *,
    day: date | None = None,
    known: StoredReference | None = None,
) -> StoredReference:
    """Pin the reference of a day, under the profile schema of the `known` one if there is one."""
    run.progress("reading the reference")
    read = read_reference(run, day)
    table, files, errors = read[:3]
    schema, told = _pin_schema(run, read, known, later)
    folder = _folder_of(run, read, schema, day, is_widened=later is not None)
    joined = join_reference_labels(run, table)
    own = profile_table(table.select(run.spec.outputs), schema)
    outcomes = known.outcomes if known else pin_reference_outcomes(run, own, joined)
    keep_losses(run, folder, schema, table, joined)
    model = loss_model(run, folder, schema)
    days = days_of(table, run.spec.time_column, run.spec.day_zone)
    magnitudes = write_reference_magnitudes(run, folder, table, schema)
    profiles, requests, attributions, unlabelled = {}, {}, {}, {}
    labelled, measured = [], []
    sizes, by_sample = score_samples_of_days(run, table, schema)
    rows_of_days = ReferenceDays(run=run, pinned=pin_reference_rows(run, table))
    for one in sorted(pc.unique(days.drop_null()).to_pylist()):
        rows = table.filter(pc.equal(days, one))
        rows_of_days.add(one, rows)
        profiles[one] = profile_table(rows, schema, clock=run.clock)
        labelled.append(profile_labels(run, rows, schema, outcomes, model))
        failed = errors.filter(pc.equal(days_of(errors, run.spec.time_column, run.spec.day_zone), one))
        requests[one] = profile_requests(run, [rows, failed])
        attributions[one] = measure_day_attributions(run, rows, schema, magnitudes)
        measured.append(measure_day_labels(run, rows, labelled[-1]))
        unlabelled[one] = measure_unlabelled(run.spec, rows.num_rows, partial(iter, [rows]))
    undated = table.filter(days.is_null())
    profile = sum_profiles(schema, [*profiles.values(), profile_table(undated, schema, clock=run.clock)])
    labelled.append(profile_labels(run, undated, schema, outcomes, model) if undated.num_rows else None)
    outcomes_of_all = sum_outcome_parts(task_of(run.spec), [found for found in labelled if found is not None])
    novelty = measure_novelty(schema, with_derived(table, schema.columns), days)
    ranges = ranges_without(profiles)
    for place, one in enumerate(profiles):
        estimates, shifts = estimate_by_other_days(run, outcomes_of_all, labelled[place], measured[place])
        gaps = estimation_gaps(estimates, measured[place], task_of(run.spec))
        unseen = unseen_metrics(profiles[one], profile, run.spec, others=ranges[one])
        of_rows = [*unseen, *rows_of_days.metrics(one), *by_sample.get(one, ()), *attributions[one]]
        of_rows += [*estimates, *unlabelled[one]]
        of_profile = without_own_day(measure_rows(run, profiles[one], requests[one]), novelty, one)
        counted = requests[one] or profiles[one]
        of_labels = [*measured[place], *gaps, *shifts]
        publish_reference_day(
            run, one, (schema.id, counted.rows), of_labels, [*of_profile, *of_rows], is_later=known is not None
        )
    of_days = list(profiles.values())
    reference = StoredReference(
        schema=schema,
        profile=profile,
        outcomes=outcomes,
        together=sizes,
        inferred=infer_from_days(run.spec, schema, profile, of_days, novelty),
        days=tuple(profiles),
        files=files,
        folder=folder,
        told=told,
        novelty={name: found.share for name, found in novelty.items()},
        closed=frozenset(name for name, found in novelty.items() if found.is_closed),
        rows=rows_of_days.pinned,
        digest=_digest(profile.to_bytes()),
        source=read.source,
    )
    rows_of_days.write(reference.folder)
    run.files.write(f"{reference.folder}/{_DAYS}", bundle(profiles))
    run.files.write(f"{reference.folder}/{_LABELLED}", outcomes_of_all.to_bytes())
    _save(run, reference, sample(table.select(sampled_columns(run.spec, table)), run.spec.id_column), supersedes, known)
    record_source(run, read.source)
    return reference


def _save(
    run: Run, reference: StoredReference, sampled: pa.Table, supersedes: str | None, known: StoredReference | None
) -> None:
    facts = {
        "together": asdict(reference.together) if reference.together else None,
        "checks": [check.model_dump(mode="json") for check in reference.inferred.checks],
        "withheld": dict(reference.inferred.withheld),
        "days": [day.isoformat() for day in reference.days],
        "files": dict(reference.files),
        "told": reference.told,
        "novelty": dict(reference.novelty or {}),
        "closed": sorted(reference.closed),
        "rows": reference.rows.to_json(),
        "outcomes": reference.outcomes.to_json(),
    }
    if reference.source is not None:
        facts["source"] = asdict(reference.source)
    folder = reference.folder
    run.files.write(f"{folder}/layout.json", reference.schema.to_json().encode())
    run.files.write(f"{folder}/reference.profile", reference.profile.to_bytes())
    run.files.write(f"{folder}/sample.parquet", to_parquet(sampled))
    run.files.write(f"{folder}/reference.json", json.dumps(facts, indent=1, sort_keys=True).encode())
    if known is not None:
        return
    # written last: if the schema is in the store, the files exist
    uri = f"{folder}/layout.json"
    run.store.save_schema(run.model, reference.schema.id, uri, _fingerprint(run), supersedes=supersedes)
    run.ask_anew()


def read_reference_sample(run: Run, reference: StoredReference) -> pa.Table:
    """Read the reference's sample: at most 5,000 rows, the same at every pinning."""
    return read_workspace_table(run, reference.sample_uri)
