"""Delivery of alerts through any Airflow notifier, such as those for mail, Slack or SNS.

The arguments of the spec are passed unchanged, with `{subject}`, `{text}`, `{report}` (the URL of the
day's page) and `{picture}` (the path of a PNG, for a list of files) filled in. Nothing is rendered by
Jinja: a column called `{{ … }}` is only a name. In arguments for HTML the text is escaped.
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

from airflow_mlmon.alerts.message import Message
from airflow_mlmon.errors import ConfigError, MlmonError, ServiceRejectedError, ServiceUnavailableError

_PLACEHOLDER = re.compile(r"\{(subject|text|report|picture)\}")
_MESSAGE = ("{subject}", "{text}")
_PICTURE = "{picture}"
# as an HTML mail refers to it: <img src="cid:picture.png">
_PICTURE_NAME = "picture.png"


class NotifierSender:
    """Sender of messages through one notifier.

    Args:
        class_path: class of the notifier, such as airflow.providers.smtp.notifications.smtp.SmtpNotifier.
        arguments: its arguments; `{subject}` and `{text}` stand for the message, at any depth.
        draw: draws a PNG for a message; returns None if there is nothing to draw.
    """

    def __init__(
        self,
        class_path: str,
        arguments: Mapping[str, Any],
        draw: Callable[[Message], bytes | None] = lambda _: None,
    ) -> None:
        """Import the class.

        Raises:
            ConfigError: it is not a notifier, or no argument holds the message.
        """
        self._class = _notifier_class(class_path)
        self._arguments = dict(arguments)
        self._draw = draw
        if not any(word in repr(self._arguments) for word in _MESSAGE):
            raise ConfigError(
                f"No argument of notifier {class_path} contains the message.",
                hint="use {subject} or {text} in one of its arguments",
            )

    def send(self, message: Message) -> None:
        """Create the notifier and send the message, without rendering its templates."""
        with TemporaryDirectory(prefix="mlmon-") as folder:
            self._notify(message, self._picture(message, Path(folder)))

    def _picture(self, message: Message, folder: Path) -> str:
        """Draw the picture and return its path; empty if none is needed, or none can be drawn."""
        drawn = self._draw(message) if _PICTURE in repr(self._arguments) else None
        if drawn is None:
            return ""
        path = folder / _PICTURE_NAME
        path.write_bytes(drawn)
        return str(path)

    def _notify(self, message: Message, picture: str) -> None:
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
            raise kind(f"Notifier {name} failed: the mail server answered {error.smtp_code}.") from error
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError) as error:
            raise ServiceRejectedError(f"Notifier {name} failed: {type(error).__name__}.") from error
        except OSError as error:
            raise ServiceUnavailableError(f"Notifier {name} failed: {type(error).__name__}.") from error
        except Exception as error:
            # a notifier may raise anything, and its text may hold a token, so only the class is reported
            raise ServiceRejectedError(f"Notifier {name} failed: {type(error).__name__}.") from error

    def _made(self, arguments: Mapping[str, Any]) -> BaseNotifier:
        try:
            return self._class(**arguments)
        except TypeError as error:
            raise ConfigError(f"Notifier {self._class.__name__} does not accept these arguments: {error}.") from error


def _notifier_class(class_path: str) -> type[BaseNotifier]:
    module, _, name = class_path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"Notifier {class_path!r} cannot be imported: {error}.", hint="install the provider that contains it"
        ) from error
    except Exception as error:
        raise ConfigError(f"Importing the module of notifier {class_path!r} failed: {type(error).__name__}.") from error
    if not (isinstance(found, type) and issubclass(found, BaseNotifier)):
        raise ConfigError(f"{class_path!r} is not an Airflow notifier.")
    return found


def _filled(value: Any, words: Mapping[str, str], *, in_html: bool) -> Any:
    """Fill the placeholders of a value with the message, in one pass over each string."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: _shown(words[found[1]], in_html=in_html), value)
    if isinstance(value, Mapping):
        return {name: _filled(item, words, in_html=in_html or "html" in str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        # an absent file is left out
        kept = [item for item in value if item != _PICTURE or words["picture"]]
        return [_filled(item, words, in_html=in_html) for item in kept]
    return value


def _shown(text: str, *, in_html: bool) -> str:
    return html.escape(text.strip()).replace("\n", "<br>") if in_html else text
