"""Command line of airflow_mlmon."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from airflow_mlmon import __version__
from airflow_mlmon.cli.alert_commands import add_alert_commands
from airflow_mlmon.cli.arguments import EPILOG
from airflow_mlmon.cli.arguments import add_command as _add
from airflow_mlmon.cli.arguments import add_places as _add_places
from airflow_mlmon.cli.arguments import add_range as _add_range
from airflow_mlmon.cli.arguments import login as _login
from airflow_mlmon.cli.arguments import settings_of as _settings
from airflow_mlmon.cli.day_commands import add_day_commands
from airflow_mlmon.cli.first_commands import add_first_commands
from airflow_mlmon.cli.prune_command import add_prune_command
from airflow_mlmon.cli.stream import close_output, print_json, reserve_output
from airflow_mlmon.errors import ConfigError, MlmonError, describe_unexpected
from airflow_mlmon.partition import check_range, parse_day

OK, BAD_DAY, BAD_CALL = 0, 1, 2
# commands that the first release had under another name
_OLD_COMMANDS = {"judge": "evaluate", "layout": "schema"}

_COMPARE_EPILOG = """A column has drifted if a two-sample test is significant after the Holm correction over all columns
and the effect is at least the limit of the method, or if its null rate has changed by at least 5 %.

exit codes:
  0  the data sets were compared
  1  a data set cannot be read; with --fail-on-drift: a column has drifted, or none could be evaluated
  2  an argument is wrong

Access to S3: the credentials of the environment (AWS_PROFILE, AWS_ENDPOINT_URL and so on)."""


_SLICE_EPILOG = """A slice is all rows with the same value of a column, or with the same values of several with --cross.
It is compared with the same slice of the reference and, with labels, with the other rows of the window.
P-values are corrected for all tests: without any real difference, at most 5 % of calls report one.

exit codes:
  0  at least one slice was evaluated
  1  no slice was evaluated: too few rows, or no day in the range
  2  an argument or the spec is wrong, or a column cannot be sliced by"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parsed = _parser().parse_args(_in_new_words(sys.argv[1:] if arguments is None else arguments))
    with reserve_output():
        try:
            return int(parsed.command(parsed))
        except MlmonError as error:
            _print_error(error, str(error), as_json=parsed.json)
            return BAD_CALL if isinstance(error, ConfigError) else BAD_DAY
        except KeyboardInterrupt:
            sys.stderr.write("Interrupted.\n")
            return 130
        except BrokenPipeError:
            # the reader of the answer has gone; nothing can be said to it
            close_output()
            return BAD_DAY
        except Exception as error:
            # a command ends in one line, whatever happened; python -X dev shows where
            if sys.flags.dev_mode:
                raise
            _print_error(error, describe_unexpected(error), as_json=parsed.json)
            return BAD_DAY


def _print_error(error: Exception, message: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"error": type(error).__name__, "message": message})
    else:
        sys.stderr.write(f"{message}\n")


def _in_new_words(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the command's new name, and warn where the old one was given."""
    first, *rest = arguments or ("",)
    if first not in _OLD_COMMANDS:
        return list(arguments)
    new = _OLD_COMMANDS[first]
    sys.stderr.write(f"mlmon {first}: is an old spelling, which the next release refuses; write mlmon {new}\n")
    return [new, *rest]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mlmon",
        description="Monitor machine-learning models without Airflow: run days, and query their results.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mlmon {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_first_commands(commands)
    add_day_commands(commands)
    _add_profile_commands(commands)
    _add_baseline_commands(commands)
    add_alert_commands(commands)
    add_prune_command(commands)
    _add_compare(commands)
    return parser


def _add_profile_commands(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    drift = _add(commands, "drift", _drift, "show the drift of windows of days, from stored profiles")
    drift.add_argument("spec", help="spec file")
    _add_range(drift)
    drift.add_argument("--window", default="7d", metavar="DAYS", help="length of a window: 7d or 4w (default: 7d)")
    drift.add_argument(
        "--baseline",
        metavar="NAME",
        help="reference, previous, trailing:28, same_weekday:8 or dates:DAY:DAY, instead of the spec's baselines",
    )
    sliced = _add(commands, "slice", _slice, "rank slices of past days by drift and loss of performance")
    sliced.epilog = _SLICE_EPILOG
    sliced.add_argument("spec", help="spec file")
    sliced.add_argument("--by", required=True, metavar="COLUMNS", help="columns to slice by, separated by commas")
    sliced.add_argument("--cross", action="store_true", help="also slice by all combinations of the columns")
    sliced.add_argument(
        "--metric",
        metavar="NAME",
        help="metric of performance to compare (default: the first of the kind of model)",
    )
    sliced.add_argument("--top", type=int, default=40, metavar="N", help="number of slices in the table (default: 40)")
    _add_range(sliced)
    again = _add(commands, "reprofile", _reprofile, "profile past days again under the pinned profile schema")
    again.add_argument("spec", help="spec file")
    _add_range(again)
    evaluate = _add(commands, "evaluate", _evaluate, "evaluate past days again from stored profiles")
    evaluate.add_argument("spec", help="spec file")
    _add_range(evaluate)
    tuned = _add(
        commands, "calibrate", _calibrate, "replay stored days at several sensitivities and compare the alerts"
    )
    tuned.add_argument("spec", help="spec file")
    tuned.add_argument("--from", dest="first", metavar="DAY", help="first day (default: the spec's start)")
    tuned.add_argument("--to", dest="last", metavar="DAY", help="last day, included (default: the last evaluated day)")
    tuned.add_argument("--rate", type=float, action="append", default=[], help="false alarm rate per day; repeatable")
    tuned.add_argument(
        "--effect", type=float, action="append", default=[], help="smallest effect size that alerts; repeatable"
    )
    schema = commands.add_parser(
        "schema", help="show the pinned profile schema", description="Show the pinned profile schema."
    )
    shown = schema.add_subparsers(title="commands", required=True, metavar="COMMAND")
    show = _add(shown, "show", _schema_show, "show the pinned profile schema of a spec's model")
    show.add_argument("spec", help="spec file")
    for command in (drift, sliced, again, evaluate, tuned, show):
        _add_places(command)


def _add_baseline_commands(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    baseline = commands.add_parser(
        "baseline", help="list, accept and compare baselines", description="List, accept and compare baselines."
    )
    shown = baseline.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listed = _add(shown, "list", _baseline_list, "list the baselines with their authors")
    accept = _add(shown, "accept", _baseline_accept, "accept a baseline for future days; past verdicts stay")
    diff = _add(
        shown, "diff", _baseline_diff, "show the drift between the baseline in force and another, from stored profiles"
    )
    for command in (listed, accept, diff):
        command.add_argument("spec", help="spec file")
        _add_places(command)
    for command in (accept, diff):
        _add_candidate(command)
    accept.add_argument("--from", dest="first", metavar="DAY", help="first day (default: after the last evaluated day)")
    accept.add_argument("--why", required=True, metavar="TEXT", help="the reason")
    accept.add_argument("--by", metavar="NAME", help="person who accepts it (default: the login name)")


def _add_candidate(command: argparse.ArgumentParser) -> None:
    forms = command.add_mutually_exclusive_group(required=True)
    forms.add_argument("--reference", action="store_true", help="the pinned reference")
    forms.add_argument("--previous", action="store_true", help="the day before")
    forms.add_argument("--trailing", type=int, metavar="N", help="the N days before")
    forms.add_argument("--same-weekday", type=int, metavar="N", help="the same weekday of the N weeks before")
    forms.add_argument("--dates", nargs=2, metavar=("FROM", "TO"), help="a range of days, both included")
    command.add_argument("--version", metavar="V", help="for this model version only (default: the whole model)")


def _add_compare(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    compare = _add(commands, "compare", _compare, "compare two data sets, without a spec or a store")
    compare.epilog = _COMPARE_EPILOG
    files = (
        "Parquet, CSV, JSON, Avro, ORC (texts also .gz, .zst, .bz2, .lz4) or a Delta table: file, folder or quoted "
        "glob; local or of an object store"
    )
    compare.add_argument("reference", help=files)
    compare.add_argument("current", help="data set to compare with it, given in the same way")
    compare.add_argument(
        "--method", default="psi", metavar="NAME", help="drift method, by Evidently's name (default: psi)"
    )
    compare.add_argument("--limit", type=float, metavar="EFFECT", help="smallest effect size that counts as drift")
    compare.add_argument(
        "--null", action="append", default=[], metavar="TEXT", help="text that stands for null in CSV; repeatable"
    )
    compare.add_argument(
        "--text",
        action="append",
        default=[],
        metavar="COLUMN",
        help="column of texts, which are compared by their length, pattern and so on; repeatable",
    )
    own = compare.add_argument_group("performance", "columns to compare it on, by the labels of both data sets")
    own.add_argument("--label", metavar="COLUMN", help="column of the label")
    own.add_argument("--prediction", metavar="COLUMN", help="column of the predicted class or number")
    own.add_argument("--score", metavar="COLUMN", help="column of the score")
    own.add_argument("--task", metavar="KIND", help="kind of model, where the values leave it open")
    compare.add_argument("--html", metavar="FILE", help="also write an HTML page")
    compare.add_argument("--fail-on-drift", action="store_true", help="exit with 1 if a column has drifted")


def _drift(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.windows import parse_baseline_text, parse_window, show_windows  # noqa: PLC0415 - heavy

    answered = show_windows(
        parsed.spec,
        (parse_day(parsed.first), parse_day(parsed.last)),
        parse_window(parsed.window),
        _settings(parsed),
        baseline=None if parsed.baseline is None else parse_baseline_text(parsed.baseline),
        as_json=parsed.json,
    )
    return OK if answered else BAD_DAY


def _slice(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.slices import show_slices  # noqa: PLC0415 - heavy

    evaluated = show_slices(
        parsed.spec,
        parsed.by.split(","),
        (parse_day(parsed.first), parse_day(parsed.last)),
        _settings(parsed),
        metric=parsed.metric,
        cross=parsed.cross,
        top=parsed.top,
        as_json=parsed.json,
    )
    return OK if evaluated else BAD_DAY


def _reprofile(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.reprofile import carry_schema  # noqa: PLC0415 - heavy

    first, last = parse_day(parsed.first), parse_day(parsed.last)
    return OK if carry_schema(parsed.spec, first, last, _settings(parsed), as_json=parsed.json) else BAD_DAY


def _calibrate(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.calibrate import Asked, show_calibration  # noqa: PLC0415 - heavy

    first, last = (parse_day(day) if day else None for day in (parsed.first, parsed.last))
    if first and last:
        check_range(first, last)
    asked = Asked(first=first, last=last, rates=parsed.rate, effects=parsed.effect)
    show_calibration(parsed.spec, asked, _settings(parsed), as_json=parsed.json)
    return OK


def _evaluate(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.evaluate import evaluate_again  # noqa: PLC0415 - heavy

    first, last = parse_day(parsed.first), parse_day(parsed.last)
    return OK if evaluate_again(parsed.spec, first, last, _settings(parsed), as_json=parsed.json) else BAD_DAY


def _schema_show(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.schema import show_schema  # noqa: PLC0415 - heavy

    show_schema(parsed.spec, _settings(parsed), as_json=parsed.json)
    return OK


def _baseline_list(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.baseline import show_baselines  # noqa: PLC0415 - heavy

    show_baselines(parsed.spec, _settings(parsed), as_json=parsed.json)
    return OK


def _baseline_accept(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.baseline import accept_baseline, parse_baseline  # noqa: PLC0415 - heavy

    accept_baseline(
        parsed.spec,
        parse_baseline(vars(parsed)),
        _settings(parsed),
        version=parsed.version,
        first=parse_day(parsed.first) if parsed.first else None,
        who=_login() if parsed.by is None else parsed.by,
        why=parsed.why,
        now=datetime.now(UTC),
        as_json=parsed.json,
    )
    return OK


def _baseline_diff(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.baseline import parse_baseline, show_candidate  # noqa: PLC0415 - heavy

    candidate = parse_baseline(vars(parsed))
    found = show_candidate(parsed.spec, candidate, _settings(parsed), version=parsed.version, as_json=parsed.json)
    return OK if found else BAD_DAY


def _compare(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.compare import print_comparison  # noqa: PLC0415 - heavy

    is_silent = print_comparison(
        parsed.reference,
        parsed.current,
        method=parsed.method,
        limit=parsed.limit,
        null=parsed.null,
        text=parsed.text,
        as_json=parsed.json,
        html=parsed.html,
        performance={name: getattr(parsed, name) for name in ("label", "prediction", "score", "task")},
    )
    return BAD_DAY if parsed.fail_on_drift and not is_silent else OK


if __name__ == "__main__":
    sys.exit(main())
