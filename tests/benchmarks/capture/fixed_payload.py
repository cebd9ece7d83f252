"""Load of one request, sent again and again: `locust -f fixed_payload.py --body FILE`."""

from pathlib import Path
from typing import Any

from locust import FastHttpUser, events, task


@events.init_command_line_parser.add_listener
def _add_arguments(parser: Any) -> None:
    parser.add_argument("--body", type=Path, required=True, help="file with the body of the request")


class Client(FastHttpUser):
    """Sends the next request as soon as the last one is answered."""

    def on_start(self) -> None:
        self.body = self.environment.parsed_options.body.read_bytes()

    @task
    def predict(self) -> None:
        self.client.post("/predict", data=self.body, headers={"Content-Type": "application/json"})
