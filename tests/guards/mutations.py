"""Mutations that take out one guard each: the text that is the guard, and what stands there without it."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """One text of a file of the package, which occurs there once, and its replacement."""

    file: str
    text: str
    replacement: str


_UNPACKED = Change(
    "tables/lines.py",
    "            with naming_damage(origin, kind):\n                chunk = file.read(size)\n",
    "            try:\n                chunk = file.read(size)\n"
    "            except OSError:\n                chunk = b''\n",
)

MUTATIONS: dict[str, tuple[Change, ...]] = {
    "fault-01": (
        Change("storage/s3.py", "if status >= _SERVER_ERROR or status in _BUSY or", "if status in _BUSY or"),
        Change("storage/s3.py", '{"SlowDown", "RequestTimeout"}', "set()"),
    ),
    "fault-02": (Change("storage/local.py", "if etag is not None and _etag(", "if etag is None and _etag("),),
    "fault-03": (Change("archive/layouts/readiness.py", "if match.rest == name}", "if match.rest.endswith(name)}"),),
    "fault-04": (
        Change("archive/curation/manifest.py", "            return Status.NO_DATA\n", "            return Status.OK\n"),
    ),
    "fault-05": (
        Change(
            "archive/curation/intake.py",
            'return f"{id_column} {DUPLICATE}", f"{id_column} {DUPLICATE} with other values"',
            'return f"{id_column} {DUPLICATE}", f"{id_column} {DUPLICATE}"',
        ),
    ),
    "fault-06": (Change("tables/lines.py", "    if is_open:\n", "    if not origin:\n"),),
    "fault-07": (
        Change("tables/delimited.py", '            raise pa.ArrowInvalid("it is empty")\n', "            return\n"),
    ),
    "fault-08": (
        Change(
            "archive/curation/manifest.py",
            "if not self.files or (self.rows_accepted + self.rows_quarantined == 0 and not self.problems):",
            "if not self.files:",
        ),
    ),
    "fault-09": (
        Change(
            "tables/delimited.py",
            "whole = pyarrow.csv.ParseOptions(delimiter=self._separator, newlines_in_values=True)",
            "whole = pyarrow.csv.ParseOptions(delimiter=self._separator, newlines_in_values=True,"
            " invalid_row_handler=lambda _: 'skip')",
        ),
    ),
    "fault-10": (
        Change(
            "tables/inference.py",
            "            if pa.types.is_binary(field.type):\n",
            "            if not field.name:\n",
        ),
    ),
    "fault-11": (Change("tables/lines.py", '            if b"\\0" in chunk:\n', "            if not origin:\n"),),
    "fault-12": (_UNPACKED,),
    "fault-13": (_UNPACKED,),
    "fault-14": (Change("tables/lines.py", "            if compression:\n", "            if not origin:\n"),),
    "fault-15": (Change("archive/curation/read.py", "account.problem = error.problem\n", "account.rows = 0\n"),),
    "fault-16": (
        Change("profiles/engine/parquet.py", "page_checksum_verification=True", "page_checksum_verification=False"),
    ),
    "fault-17": (
        Change(
            "tables/conversion/numbers.py",
            "return Converted(texts).refuse(pc.invert(pc.match_substring_regex(texts, pattern)), reason)",
            "return Converted(pc.if_else(pc.match_substring_regex(texts, pattern), texts, None))",
        ),
    ),
    "fault-18": (
        Change(
            "tables/conversion/times.py",
            "return Converted(values).refuse(pc.is_valid(values), NO_ZONE).apply(lambda own: own.cast(_MOMENT))",
            "return Converted(values.cast(_MOMENT))",
        ),
    ),
    "fault-19": (
        Change(
            "tables/conversion/numbers.py",
            "    found = Converted(values)\n    if pa.types.is_uint64(values.type):\n",
            "    found = Converted(values.cast(pa.float64(), safe=False).cast(pa.int64()))\n"
            "    if pa.types.is_uint64(values.type):\n",
        ),
    ),
    "fault-20": (Change("tables/contents.py", r"((0|[1-9][0-9]*)(\.", r"(([0-9]+)(\."),),
    "fault-21": (
        Change("partition.py", "start_of(day + DAY, zone), zone)\n\n", "start_of(day, zone) + DAY, zone)\n\n"),
    ),
    "fault-22": (Change("profiles/columns/counting.py", "= block[np.isfinite(block)]", "= np.nan_to_num(block)"),),
    "fault-23": (Change("drift/compare.py", "elif column.observed < MINIMUM_ROWS:", "elif column.observed < 1:"),),
    "fault-24": (
        Change(
            "profiles/values/deviation.py",
            "if all(_fits(bound) and _fits(bound - whole) for",
            "if all(_fits(bound) for",
        ),
    ),
    "fault-25": (
        Change(
            "tables/conversion/texts.py",
            "    if not (is_text_type(kind) or is_binary_type(kind)):\n        raise UnreadableTypeError\n",
            "    if not (is_text_type(kind) or is_binary_type(kind)):\n"
            "        return Converted(pa.chunked_array([[str(value) for value in values.to_pylist()]]))\n",
        ),
    ),
    "fault-26": (
        Change("statistics/distances.py", "np.maximum(counts, EMPTY_BIN_ROWS) / counts.sum()", "counts / counts.sum()"),
    ),
    "fault-27": (Change("statistics/distances.py", "/ max(std, MIN_NORM))\n", "/ std)\n"),),
    "fault-28": (
        Change(
            "tasks/coverage.py",
            "metric=value.metric, value=None, rows=labelled",
            "metric=value.metric, value=0.0, rows=labelled",
        ),
    ),
    "fault-29": (Change("store/dialects/sqlite.py", '_engines["BEGIN IMMEDIATE"]', '_engines[""]'),),
    "fault-30": (
        Change("store/publication.py", "if version not in {supersedes, state.version}:", "if state is None:"),
    ),
    "fault-31": (
        Change(
            "druid/load.py",
            "        if status is None:\n            # if Druid knows",
            "        if load:\n            # if Druid knows",
        ),
    ),
    "fault-32": (Change("store/dialects/sqlite.py", '_PASSING = ("locked", "busy", ', "_PASSING = ("),),
    "fault-33": (Change("storage/scratch.py", "        if error.errno not in FULL:\n", "        if error:\n"),),
    "fault-34": (
        Change(
            "store/outbox.py",
            'values["state"] = DeliveryState.DEAD.value',
            'values["next_attempt_at"] = now + LONGEST_WAIT',
        ),
    ),
    "fault-35": (
        Change(
            "store/episodes.py",
            "to_notify(lifecycle, [row for row in rows if row not in gone], days)",
            "to_notify(lifecycle, [], days)",
        ),
    ),
    "fault-36": (
        Change(
            "lifecycle/states.py",
            "reopens = bool(self._closed) and self._since_resolved < self._policy.cooldown",
            "reopens = False",
        ),
    ),
    "fault-37": (Change("store/outbox.py", "waits <= now, waits > now + LONGEST_WAIT)", "waits <= now)"),),
    "fault-38": (
        Change(
            "operators/base.py",
            "            if self.decides_day:\n",
            "            if not error:\n",
        ),
    ),
    "fault-39": (Change("capture/rows.py", '        refused[f"{name} {reason}"] += values\n', "        pass\n"),),
    "fault-40": (Change("capture/arrangement.py", "is_short = len(found) <= self._longest", "is_short = True"),),
    "fault-41": (
        Change("capture/archive.py", '"naive_time" if found == Unkept(NO_ZONE) else "bad_time"', '"bad_time"'),
    ),
    "fault-42": (
        Change(
            "capture/capture.py",
            'self.drop(str(error) if isinstance(error, UnarrangedError) else "unreadable")',
            "raise",
        ),
    ),
    "fault-43": (
        Change(
            "capture/writer.py",
            "        if self._spool is None:\n            return None,",
            "        if file:\n            return None,",
        ),
    ),
    "fault-44": (
        Change(
            "capture/spool.py",
            "if self.bytes + len(content) + self._bytes_of_others() > self.bound:",
            "if len(content) > self.bound:",
        ),
    ),
    "fault-45": (Change("capture/writer.py", "queue.drop(reason, file.rows)", "pass"),),
    "fault-46": (Change("capture/destination.py", "        os.link(part, path)\n", "        part.replace(path)\n"),),
    "fault-47": (Change("capture/lifecycle.py", "        writer.renew()\n", "        pass\n"),),
    "fault-48": (Change("capture/lifecycle.py", "signal.signal(signal.SIGTERM, _terminate)", "pass"),),
    "fault-49": (
        Change(
            "capture/uploader.py",
            "if dead.counters.numbers and not dead.counters.is_closed and",
            "if dead.counters.is_closed and",
        ),
    ),
    "fault-50": (Change("capture/queue.py", "if self.is_closed or not self.is_begun:", "if not row:"),),
    "fault-51": (
        Change(
            "archive/curation/personal.py",
            "if not hashed or isinstance(self.key, UnknownKey) or (self.key and marks.key == key_id(self.key)):",
            "if not hashed or self.key:",
        ),
    ),
    "attack-html": (Change("reports/page.py", "        autoescape=True,\n", "        autoescape=False,\n"),),
    "attack-evidently": (Change("reports/evidently.py", "in _ESCAPES.items():", "in ():"),),
    "attack-page": (
        Change(
            "plugins/access.py",
            "from airflow.api_fastapi.core_api.security import GetUserDep, get_user\n",
            "from typing import Annotated\nfrom fastapi import Depends\n\n\n"
            "def get_user() -> None: ...\n\n\nGetUserDep = Annotated[object, Depends(get_user)]\n",
        ),
        Change(
            "plugins/access.py",
            "    names = sorted(models)\n",
            "    names = sorted(models)\n    return set(names)\n",
        ),
    ),
    "attack-csrf": (
        Change("plugins/forms.py", "        if not is_ours:\n", "        if not is_ours and not form.fields:\n"),
    ),
    "attack-origin": (Change("plugins/forms.py", "    _require_own_origin(request)\n", ""),),
    "attack-path": (
        Change("plugins/web.py", '"/{model}/{day}/{name}"', '"/{model}/{day}/{name:path}"'),
        Change("plugins/acting.py", "Path(pattern=NAME_PATTERN)]", "Path()]"),
        Change("plugins/web.py", "name: ReportFile,", "name: str,"),
    ),
    "attack-sql": (Change("druid/sql.py", """'"' + name.replace('"', '""') + '"'\n\n""", """'"' + name + '"'\n\n"""),),
    "attack-yaml": (
        Change(
            "documents.py", '_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)', "_Loader = yaml.UnsafeLoader"
        ),
    ),
    "attack-jinja": (
        Change("notifications/airflow_notifier.py", "self._made(arguments).notify({})", "self._made(arguments)({})"),
    ),
    "attack-ssrf": (
        Change(
            "alerts/endpoint.py", 'if not ipaddress.ip_address(address.partition("%")[0]).is_global:', "if not address:"
        ),
    ),
    "attack-secret": (
        Change(
            "alerts/endpoint.py",
            'cannot be reached: {type(error).__name__}.") from None',
            'cannot be reached: {error}.") from None',
        ),
    ),
    "attack-personal": (
        Change("quality/great_expectations.py", '{"result_format": "BOOLEAN_ONLY"}', '{"result_format": "COMPLETE"}'),
    ),
    "attack-formula": (
        Change(
            "loading.py",
            "log = logging.getLogger(__name__)\n",
            "log = logging.getLogger(__name__)\n\n\ndef export(frame: Any, path: str) -> None:\n"
            "    frame.to_csv(path)\n",
        ),
    ),
    "attack-pickle": (
        Change(
            "tables/files.py",
            '        raise refuse_file(origin, "is of no known format", hint="declare its `format`")\n',
            "        __import__('pickle').loads(path.read_bytes())\n"
            '        raise refuse_file(origin, "is of no known format", hint="declare its `format`")\n',
        ),
    ),
    "attack-regex": (
        Change(
            "archive/curation/texts.py",
            "return pc.match_substring_regex(texts, regex)",
            "return pa.chunked_array([[bool(__import__('re').search(regex, one)) for one in texts.to_pylist()]])",
        ),
    ),
    "attack-telemetry": (
        Change(
            "quality/great_expectations.py",
            "    try:\n        result = decide()",
            "    __import__('socket').create_connection(('telemetry.example', 443))\n"
            "    try:\n        result = decide()",
        ),
    ),
    "attack-evidence": (
        Change("pipeline/evidence_bundle/verify.py", "elif not is_signed_by(", "elif False and not is_signed_by("),
    ),
    "attack-archive": (
        Change("pipeline/evidence_bundle/verify.py", "_MOST_TIMES, _SMALL = 200,", "_MOST_TIMES, _SMALL = 200_000,"),
    ),
    "attack-spool": (
        Change(
            "capture/spool.py",
            "if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():",
            "if found.st_uid != os.geteuid():",
        ),
    ),
    "attack-captured": (
        Change("capture/rows.py", "columns[name] = protect_values(columns[name], column, self._key)", "pass"),
    ),
}
