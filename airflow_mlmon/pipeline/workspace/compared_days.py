"""Comparisons of past days with the reference: each is made once, and stored beside the profile of the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.evaluation.compared import FORMAT, Compared, ComparedDay
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import StoredReference, reference_days
from airflow_mlmon.pipeline.workspace.stored_profiles import ProfileState, state_of
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.hours import Hours
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import PartitionState
from airflow_mlmon.tracing import TracedPool

_READERS = 8
# comparisons of columns that a process keeps, over all days: those of a hundred days of a thousand columns
_MOST_KEPT = 100_000
KEPT = "comparisons of past days"


@dataclass(frozen=True, kw_only=True)
class ReferenceProfiles:
    """Profiles of the reference's own days, read together when the first is asked for."""

    run: Run
    reference: StoredReference

    @cached_property
    def days(self) -> Mapping[date, Profile]:
        """Return the profiles by day."""
        return reference_days(self.run, self.reference)


@dataclass(frozen=True, kw_only=True)
class ComparedProfile:
    """Profile of a past day, of which only the comparisons are read until its columns or parts are asked for."""

    own: ReferenceProfiles
    state: PartitionState
    compared: ComparedDay

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return self.compared.rows

    @property
    def hours(self) -> Hours | None:
        """Return the rows and values by hour."""
        return self.compared.hours

    @property
    def columns(self) -> Mapping[str, ColumnProfile]:
        """Return the columns by name; none if the profile is gone."""
        return self._profile.columns if self._profile else {}

    def part(self, segment: str, value: str) -> Profile | None:
        """Return the profile of the rows of one value of a segment; None if no row has it."""
        return self._profile.part(segment, value) if self._profile else None

    @cached_property
    def _profile(self) -> Profile | None:
        try:
            return _read_profile(self.own, self.state)
        except NotFoundError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDay:
    """Day of the history; without a profile if none is stored under the schema of the reference."""

    day: date
    profile: ComparedProfile | None = None
    is_reference: bool = False

    @property
    def compared(self) -> Mapping[str, Compared]:
        """Return the comparisons of its columns with the reference."""
        return self.profile.compared.columns if self.profile else {}


def past_days(run: Run, reference: StoredReference, days: Sequence[date], *, are_compared: bool) -> list[PastDay]:
    """Return some days, oldest first, with their comparisons with the reference.

    Those that are not stored are made now, and stored, if the days `are_compared` with it at all.
    """
    if not days:
        return []
    states = {state.partition.day: state for state in run.store.states(run.model, days[0], days[-1])}
    own = ReferenceProfiles(run=run, reference=reference)
    stored = {
        day: state for day in days if (state := states.get(day)) and state_of(state, reference) is ProfileState.STORED
    }
    found = _read(run, reference, list(stored.values()))
    return [
        PastDay(
            day=day,
            profile=_profile(own, state, found.get(day), is_made=are_compared),
            is_reference=state.is_of_reference,
        )
        if (state := stored.get(day))
        else PastDay(day=day)
        for day in days
    ]


def keep_compared(run: Run, reference: StoredReference, state: PartitionState, compared: ComparedDay) -> None:
    """Store the comparisons that were made for the evaluation of a day."""
    run.files.write(_uri(run, reference, state), compared.to_bytes())


def _profile(
    own: ReferenceProfiles, state: PartitionState, found: ComparedDay | None, *, is_made: bool
) -> ComparedProfile | None:
    """Return a day with its comparisons; None if no profile is stored, as of a day of an earlier reference."""
    if found is not None:
        return ComparedProfile(own=own, state=state, compared=found)
    try:
        profile = _read_profile(own, state)
    except NotFoundError:
        return None
    if not is_made:
        return ComparedProfile(own=own, state=state, compared=ComparedDay.unmade(profile))
    found = ComparedDay.of(profile, own.reference.profile, is_part=state.is_of_reference)
    keep_compared(own.run, own.reference, state, found)
    return ComparedProfile(own=own, state=state, compared=found)


def _read(run: Run, reference: StoredReference, states: Sequence[PartitionState]) -> Mapping[date, ComparedDay]:
    """Return the stored comparisons of some days, by day; a file never changes, and is read once in a process."""
    kept: dict[str, ComparedDay] = run.kept.setdefault(KEPT, {})
    uris = {state.partition.day: _uri(run, reference, state) for state in states}
    unknown = [uri for uri in uris.values() if uri not in kept]
    # for the one day that is new in a process that runs many a thread costs more than it reads
    with TracedPool(_READERS) if len(unknown) > 1 else nullcontext() as pool:
        read = list((pool.map if pool else map)(lambda uri: _read_file(run, reference, uri), unknown))
    kept |= {uri: one for uri, one in zip(unknown, read, strict=True) if one is not None}
    found = {day: kept[uri] for day, uri in uris.items() if uri in kept}
    _drop_oldest(kept, 2 * len(uris))
    return found


def _read_file(run: Run, reference: StoredReference, uri: str) -> ComparedDay | None:
    try:
        data = run.files.read(uri)
    except NotFoundError:
        return None
    return ComparedDay.from_bytes(data, reference.schema)


def _drop_oldest(kept: dict[str, ComparedDay], most: int) -> None:
    """Drop the days that were read first until so many are kept, and their columns are bounded too.

    What a year of days would leave behind is looked through by each garbage collection.
    """
    columns = sum(len(one.columns) for one in kept.values())
    for uri in list(kept):
        if columns <= _MOST_KEPT and len(kept) <= most:
            break
        columns -= len(kept.pop(uri).columns)


def _read_profile(own: ReferenceProfiles, state: PartitionState) -> Profile:
    """Read the profile of a day.

    Raises:
        NotFoundError: it is not stored, as of a day of an earlier reference.
    """
    day, schema = state.partition.day, own.reference.schema.id
    if state.version is not None:
        return Profile.from_bytes(own.run.files.read(profile_uri(own.run, state.partition, state.version, schema)))
    if day not in own.days:
        raise NotFoundError(f"{day} is not a day of the reference.")
    return own.days[day]


def _uri(run: Run, reference: StoredReference, state: PartitionState) -> str:
    name = f"compared-{FORMAT}-{reference.schema.id}-{reference.digest}"
    if state.version is None:
        return f"{reference.folder}/{name}/{state.partition.key}"
    return run.version_uri(state.partition, state.version, name)
