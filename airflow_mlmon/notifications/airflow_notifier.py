"""Sends alerts through any notifier of Airflow, such as its mail, Slack or SNS notifiers.

The arguments of the spec are given as they stand, with `{subject}`, `{text}`, `{report}` (the address
of the night's page) and `{picture}` (the path of a PNG, for a list of files) filled in. Nothing is
rendered by Jinja: a column that is called `{{ … }}` is only a name. In arguments for HTML the text
is escaped.
"""

from __future__ import annotations

import html
import re
import smtplib
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from airflow.sdk import BaseNotifier

from airflow_mlmon.alerts.message import NightMessage
from airflow_mlmon.errors import ConfigError, MlmonError, ServiceRejectedError, ServiceUnavailableError

_PLACEHOLDER = re.compile(r"\{(subject|text|report|picture)\}")
_MESSAGE = ("{subject}", "{text}")
_PICTURE = "{picture}"
# as a mail shows it: <img src="cid:picture.png">
_PICTURE_NAME = "picture.png"


class NotifierSender:
    """Sends the message of a night through one notifier.

    Args:
        class_path: the notifier's class, such as airflow.providers.smtp.notifications.smtp.SmtpNotifier.
        arguments: its arguments; `{subject}` and `{text}` stand for the message, at any depth.
        draw: makes a PNG for a message; None where there is nothing to draw.
    """

    def __init__(
        self,
        class_path: str,
        arguments: Mapping[str, Any],
        draw: Callable[[NightMessage], bytes | None] = lambda _: None,
    ) -> None:
        """Find the class.

        Raises:
            ConfigError: it is no notifier, or no argument would carry the message.
        """
        self._class = _notifier_class(class_path)
        self._arguments = dict(arguments)
        self._draw = draw
        if not any(word in repr(self._arguments) for word in _MESSAGE):
            raise ConfigError(
                f"No argument of the notifier {class_path} carries the message.",
                hint="write {subject} or {text} into one of its arguments",
            )

    def send(self, message: NightMessage) -> None:
        """Make the notifier and let it notify, without rendering its templates."""
        with TemporaryDirectory(prefix="mlmon-") as folder:
            self._notify(message, self._picture(message, Path(folder)))

    def _picture(self, message: NightMessage, folder: Path) -> str:
        """The path of the picture; empty when none is asked for, or there is none."""
        drawn = self._draw(message) if _PICTURE in repr(self._arguments) else None
        if drawn is None:
            return ""
        path = folder / _PICTURE_NAME
        path.write_bytes(drawn)
        return str(path)

    def _notify(self, message: NightMessage, picture: str) -> None:
        words = {
            "subject": message.subject,
            "text": message.text,
            "report": str(message.payload["report"]),
            "picture": picture,
        }
        arguments = {name: _filled(value, words, in_html="html" in name) for name, value in self._arguments.items()}
        name = self._class.__name__
        try:
            # not `notifier(context)`: that renders the arguments, and with them names from the data
            self._made(arguments).notify({})
        except MlmonError:
            raise
        except smtplib.SMTPResponseException as error:
            kind = ServiceUnavailableError if 400 <= error.smtp_code < 500 else ServiceRejectedError  # noqa: PLR2004 - 4xx: try again
            raise kind(f"The notifier {name} failed: the mail server answered {error.smtp_code}.") from error
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError) as error:
            raise ServiceRejectedError(f"The notifier {name} failed: {type(error).__name__}.") from error
        except OSError as error:
            raise ServiceUnavailableError(f"The notifier {name} failed: {type(error).__name__}.") from error
        except Exception as error:
            # a notifier may raise anything; its text may hold a token, so only its kind is told
            raise ServiceRejectedError(f"The notifier {name} failed: {type(error).__name__}.") from error

    def _made(self, arguments: Mapping[str, Any]) -> BaseNotifier:
        try:
            return self._class(**arguments)
        except TypeError as error:
            raise ConfigError(f"The notifier {self._class.__name__} does not take these arguments: {error}.") from error


def _notifier_class(class_path: str) -> type[BaseNotifier]:
    module, _, name = class_path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"The notifier {class_path!r} cannot be imported: {error}.", hint="install the provider that has it"
        ) from error
    except Exception as error:
        raise ConfigError(f"The module of the notifier {class_path!r} fails: {type(error).__name__}.") from error
    if not (isinstance(found, type) and issubclass(found, BaseNotifier)):
        raise ConfigError(f"{class_path!r} is no notifier of Airflow.")
    return found


def _filled(value: Any, words: Mapping[str, str], *, in_html: bool) -> Any:
    """The value with the message in the place of its placeholders, in one pass over each string."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: _shown(words[found[1]], in_html=in_html), value)
    if isinstance(value, Mapping):
        return {name: _filled(item, words, in_html=in_html or "html" in str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        # a file that there is not is left out
        kept = [item for item in value if item != _PICTURE or words["picture"]]
        return [_filled(item, words, in_html=in_html) for item in kept]
    return value


def _shown(text: str, *, in_html: bool) -> str:
    return html.escape(text.strip()).replace("\n", "<br>") if in_html else text
