"""A day whose object store fails: it ends right after another try, or failed in words with nothing published."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
from botocore.retries.standard import ExponentialBackoff

from airflow_mlmon.errors import ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from airflow_mlmon.storage.s3 import S3Store
from tests.support.archive import FIRST, LABELS, Archive, day_table, replace_columns, to_bytes
from tests.support.fault_proxy import Answer, Asked, Fault, FaultProxy, cut, drop, refuse
from tests.support.runs import opened, s3_writer

pytestmark = pytest.mark.service
DAY = Partition.of_day("loans", FIRST)
ROWS = 80


class Faulty:
    """A day of predictions on a real server, and the same seen through a proxy."""

    def __init__(self, server, folder) -> None:
        self.folder = folder
        self.bucket = server.bucket(f"loans-{uuid.uuid4().hex[:12]}")
        self.archive = Archive(f"s3://{self.bucket}/archive", s3_writer(server.client()))
        self.archive.write_all(1)
        self.proxy = FaultProxy(server.port)
        self._server = server

    def client(self, seconds: float = 20):
        retries = {"mode": "standard", "max_attempts": 4}
        return self._server.client(self.proxy.endpoint, retries=retries, read_timeout=seconds)

    def opened(self, client=None):
        given = client or self.client()
        return opened(self.folder, self.archive, storage=Storage(lambda _: given))

    def prepare(self, client=None) -> Prepared:
        with self.opened(client) as run:
            return prepare_partition(run, DAY)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    """botocore tries as often as ever, without the seconds between."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.001)


@pytest.fixture(params=["moto", "versity"])
def faulty(request, tmp_path) -> Iterator[Faulty]:
    made = Faulty(request.getfixturevalue(request.param), tmp_path)
    with made.proxy:
        yield made


@pytest.fixture
def checked(versity, tmp_path) -> Iterator[Faulty]:
    made = Faulty(versity, tmp_path)
    with made.proxy:
        yield made


def of_data(choose: Callable[[Asked], bool], fault: Fault) -> Callable[[Asked], Fault | None]:
    """The fault for those requests of the day's files that are chosen."""
    return lambda asked: fault if "/predictions/" in asked.path and asked.is_reading and choose(asked) else None


SLOW = refuse(503, "SlowDown")


@pytest.mark.parametrize(
    "fault", [pytest.param(SLOW, id="503"), pytest.param(drop, id="dropped"), pytest.param(cut, id="truncated")]
)
def test_faults_that_pass_cost_nothing(faulty, fault):
    # two of three requests fail, whatever they are
    faulty.proxy.choose = lambda asked: fault if asked.number % 3 else None

    prepared = faulty.prepare()

    assert (prepared.status, prepared.rows_read, prepared.rows_accepted) == (Status.OK, ROWS, ROWS)


def test_an_answer_that_does_not_come_is_asked_for_again(checked):
    seen = set()

    def once(asked: Asked) -> Fault | None:
        is_first = "/predictions/" in asked.path and asked.is_reading and asked.path not in seen
        seen.add(asked.path)
        return checked.proxy.hang if is_first else None

    checked.proxy.choose = once

    prepared = checked.prepare(checked.client(seconds=0.5))

    assert (prepared.status, prepared.rows_accepted) == (Status.OK, ROWS)


@pytest.mark.guards("fault-01")
@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        pytest.param(SLOW, ServiceUnavailableError, "S3 answered 503 SlowDown for s3://", id="503"),
        pytest.param(refuse(429, "TooManyRequests"), ServiceUnavailableError, "S3 answered 429", id="429"),
        pytest.param(drop, ServiceUnavailableError, "S3 did not answer the request for s3://", id="dropped"),
        pytest.param(cut, ServiceUnavailableError, "S3 did not answer the request for s3://", id="truncated"),
        pytest.param(
            refuse(403, "AccessDenied"), ServiceRejectedError, r"AccessDenied \(403\).*permissions", id="denied"
        ),
    ],
)
def test_faults_that_stay_end_the_step_and_name_the_service(checked, fault, kind, said):
    checked.proxy.choose = of_data(lambda asked: "part-1" in asked.path, fault)

    with pytest.raises(kind, match=said) as caught:
        checked.prepare()

    assert "part-1.parquet" in str(caught.value)
    assert caught.value.retryable is (kind is ServiceUnavailableError)


def test_a_day_that_fails_keeps_the_version_that_was_served(checked):
    with checked.opened() as run:
        run_partition(run, DAY)
        served = run.store.state(DAY)
        checked.archive.write_day(FIRST, rows=50)
        for fault, said in ((SLOW, "503 SlowDown"), (refuse(403, "AccessDenied"), "AccessDenied (403)")):
            checked.proxy.choose = of_data(lambda asked: "part-1" in asked.path, fault)
            run_partition(run, DAY)

            state = run.store.state(DAY)
            assert (state.status, state.version, said in state.message) == (Status.FAILED, served.version, True)
            assert run.store.metrics("loans", FIRST, FIRST)[FIRST, "rows", None] == ROWS

        checked.proxy.choose = lambda _: None
        run_partition(run, DAY)
        assert (run.store.state(DAY).status, run.store.state(DAY).rows_read) == (Status.OK, 50)


def before(act: Callable[[], object]) -> Fault:
    """Something that happens in the archive when a request arrives, which is then answered."""

    def forward(ask: Callable[[], Answer]) -> Answer | None:
        act()
        return ask()

    return forward


def rows_of_part(count: int) -> bytes:
    """The second file of the day with other rows than before, so many."""
    return to_bytes(day_table(FIRST, ROWS).slice(ROWS // 2, count).drop_columns(list(LABELS)))


@pytest.mark.parametrize("fault", [pytest.param(None, id="before"), pytest.param(cut, id="within")])
def test_a_file_that_is_replaced_while_it_is_read_is_read_again(checked, fault):
    uri = checked.archive.predictions_uri(FIRST, "part-1.parquet")

    def replace(ask: Callable[[], Answer]) -> Answer | None:
        old = fault(ask) if fault else None
        checked.archive.write(uri, rows_of_part(9))
        return old or ask()

    first = iter((True,))
    checked.proxy.choose = of_data(lambda asked: "part-1" in asked.path and next(first, False), replace)

    with checked.opened() as run:
        run_partition(run, DAY)
        state = run.store.state(DAY)

    assert (state.status, state.rows_read) == (Status.OK, ROWS // 2 + 9)


def test_a_file_that_is_replaced_at_each_reading_fails_the_day(checked):
    uri = checked.archive.predictions_uri(FIRST, "part-1.parquet")
    counts = iter(range(1, 40))
    checked.proxy.choose = of_data(
        lambda asked: "part-1" in asked.path, before(lambda: checked.archive.write(uri, rows_of_part(next(counts))))
    )

    with checked.opened() as run:
        run_partition(run, DAY)
        state = run.store.state(DAY)

        assert (state.status, state.version) == (Status.FAILED, None)
        assert "part-1.parquet has changed since it was listed" in state.message
        assert run.store.metrics("loans", FIRST, FIRST) == {}


def test_a_file_that_appears_after_the_listing_is_of_the_next_run(checked):
    uri = checked.archive.predictions_uri(FIRST, "part-2.parquet")
    # another id and time for each row than those of the day have
    late = to_bytes(late_rows())
    checked.proxy.choose = of_data(
        lambda asked: "part-0" in asked.path, before(lambda: checked.archive.write(uri, late))
    )

    first, again = checked.prepare(), checked.prepare()

    assert (first.files, first.rows_accepted) == (2, ROWS)
    assert (again.files, again.rows_accepted) == (3, ROWS + 5)


def late_rows() -> pa.Table:
    rows = day_table(FIRST, 5).drop_columns(list(LABELS))
    return replace_columns(rows, id=[f"late-{n}" for n in range(5)])


def test_a_listing_that_changes_between_its_pages_counts_each_file_once(moto, tmp_path):
    faulty = Faulty(moto, tmp_path)
    table = day_table(FIRST, ROWS).drop_columns(list(LABELS))
    faulty.archive.write_predictions(FIRST, table, files=5)
    pages: list[str] = []

    def page(asked: Asked) -> Fault | None:
        if asked.is_listing and "predictions" in asked.path:
            pages.append(asked.path)
            if len(pages) == 2:
                # a file of the first page is written anew, and another appears before it
                for name, part in (("part-0", table.slice(0, 3)), ("a", table.slice(3, 13))):
                    faulty.archive.write(faulty.archive.predictions_uri(FIRST, f"{name}.parquet"), to_bytes(part))
        return None

    faulty.proxy.choose = page
    faulty.proxy.rewrite = lambda path: f"{path}&max-keys=2" if "prefix=" in path else path
    with faulty.proxy, faulty.opened() as run:
        run_partition(run, DAY)
        state = run.store.state(DAY)

    assert len(pages) > 4
    assert (state.status, state.rows_read) == (Status.OK, ROWS)


@pytest.mark.parametrize("fault", [pytest.param(SLOW, id="503"), pytest.param(drop, id="dropped")])
def test_an_upload_in_parts_outlasts_faults_that_pass(checked, tmp_path, fault):
    source, uri = tmp_path / "source", f"s3://{checked.bucket}/mlmon/x"
    source.write_bytes(bytes(range(256)) * (17 << 12))
    failed = set()

    def once(asked: Asked) -> Fault | None:
        if asked.method == "GET" or (asked.method, asked.path) in failed:
            return None
        failed.add((asked.method, asked.path))
        return fault

    checked.proxy.choose = once
    store = S3Store(checked.client())

    store.upload(uri, source)

    assert store.read(uri) == source.read_bytes()
    assert len(failed) > 4


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        pytest.param(SLOW, ServiceUnavailableError, id="503"),
        pytest.param(drop, ServiceUnavailableError, id="dropped"),
        pytest.param(refuse(403, "AccessDenied"), ServiceRejectedError, id="denied"),
    ],
)
def test_an_upload_that_fails_midway_leaves_what_was_there(checked, tmp_path, fault, kind):
    source, uri = tmp_path / "source", f"s3://{checked.bucket}/mlmon/x"
    source.write_bytes(bytes(17 << 20))
    store = S3Store(checked.client())
    store.write(uri, b"before")
    checked.proxy.choose = lambda asked: fault if "partNumber=2" in asked.path else None

    with pytest.raises(kind, match="mlmon/x"):
        store.upload(uri, source)

    assert store.read(uri) == b"before"


@pytest.mark.parametrize("of", ["labels", "reference"])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param(SLOW, "503 SlowDown", id="503"),
        pytest.param(refuse(403, "AccessDenied"), "AccessDenied (403)", id="denied"),
    ],
)
def test_labels_and_a_reference_that_cannot_be_read_fail_the_day(checked, of, fault, said):
    checked.proxy.choose = lambda asked: (
        fault if f"archive%2F{of}" in asked.path or f"archive/{of}" in asked.path else None
    )

    with checked.opened() as run:
        run_partition(run, DAY)
        state = run.store.state(DAY)

        assert (state.status, state.version) == (Status.FAILED, None)
        assert said in state.message
        assert f"archive/{of}" in state.message
