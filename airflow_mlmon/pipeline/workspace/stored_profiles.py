"""Stored profiles of a range of days, each with its version or the reason why it is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import StoredReference, reference_days
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import PartitionState, Status
from airflow_mlmon.tracing import TracedPool

_READERS = 8
_LAST = "profile that was read last"


class ProfileState(StrEnum):
    """State of the profile of a day."""

    STORED = "stored"
    NONE = "no profile"
    NO_ROWS = "no rows"
    FAILED = "run failed"
    OTHER_SCHEMA = "other profile schema: run mlmon reprofile"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayProfile:
    """Profile of one day; `version` is that of its curated rows, or names the reference."""

    day: date
    state: ProfileState
    version: str | None = None
    profile: Profile | None = None
    is_reference: bool = False


def stored_profiles(run: Run, reference: StoredReference, days: Sequence[date]) -> list[DayProfile]:
    """Return the stored profiles of some days, oldest first; profiles of another schema are not read."""
    if not days:
        return []
    states = {state.partition.day: state for state in run.store.states(run.model, days[0], days[-1])}
    own = _reference_days(run, reference, (states.get(day) for day in days))
    with TracedPool(_READERS) as pool:
        return list(pool.map(lambda day: _day_profile(run, reference, day, states.get(day), own), days))


def read_profile(run: Run, uri: str) -> Profile:
    """Read a profile, whose bytes are decoded once if they are those read last: each step of a day reads the same.

    Raises:
        NotFoundError: it is not stored.
    """
    data = run.files.read(uri)
    before: tuple[bytes, Profile] | None = run.kept.get(_LAST)
    if before is None or before[0] != data:
        before = run.kept[_LAST] = data, Profile.from_bytes(data)
    return before[1]


def reference_version(reference: StoredReference) -> str:
    """Return the name that replaces the version for one of the reference's own days."""
    return f"reference {reference.folder.rpartition('/')[2]}"


def _reference_days(
    run: Run, reference: StoredReference, states: Iterable[PartitionState | None]
) -> dict[date, Profile]:
    wanted = any(day is not None and day.is_of_reference for day in states)
    return reference_days(run, reference) if wanted else {}


def _day_profile(
    run: Run, reference: StoredReference, day: date, stored: PartitionState | None, own: dict[date, Profile]
) -> DayProfile:
    state = state_of(stored, reference)
    if stored is None or state is not ProfileState.STORED:
        return DayProfile(day=day, state=state, version=stored.version if stored else None)
    if stored.version is None:
        found = own.get(day)
        return DayProfile(
            day=day,
            state=ProfileState.STORED if found else ProfileState.NONE,
            version=reference_version(reference),
            profile=found,
            is_reference=True,
        )
    try:
        data = run.files.read(profile_uri(run, stored.partition, stored.version, reference.schema.id))
    except NotFoundError:
        return DayProfile(day=day, state=ProfileState.NONE, version=stored.version)
    return DayProfile(day=day, state=state, version=stored.version, profile=Profile.from_bytes(data))


def state_of(state: PartitionState | None, reference: StoredReference) -> ProfileState:
    """Return the state of the profile of a day under the schema of the reference."""
    if state is None or state.schema is None:
        return ProfileState.NONE
    if state.status is Status.FAILED:
        return ProfileState.FAILED
    if state.schema != reference.schema.id:
        return ProfileState.OTHER_SCHEMA
    return ProfileState.STORED if state.rows_accepted else ProfileState.NO_ROWS
