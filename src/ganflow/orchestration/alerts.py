"""Alerts when a run fails, is late or has lost its process.

    python -m ganflow.orchestration.alerts --webhook https://chat.example.org/hooks/...

creates the automations of automations.yaml, next to this file, on the server at PREFECT_API_URL.
Each sends a message to the webhook (Slack, Mattermost and others accept it unchanged). Without
`--webhook` they send no messages. Running the command again updates the automations.
"""

import argparse
import os
from pathlib import Path
from typing import cast

import yaml
from prefect.automations import Automation
from prefect.blocks.fields import SecretDict
from prefect.blocks.notifications import CustomWebhookNotificationBlock

FILE = Path(__file__).with_name("automations.yaml")
BLOCK = "ganflow-alerts"
BODY = (
    "{{ flow.name }}/{{ flow_run.name }} is {{ flow_run.state.name }}: {{ flow_run.state.message }}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Set up alerts on the Prefect server.")
    parser.add_argument(
        "--webhook",
        metavar="URL",
        default=os.environ.get("GANFLOW_WEBHOOK"),
        help="where messages go (default: $GANFLOW_WEBHOOK, which is not in the shell's history)",
    )
    options = parser.parse_args()
    for name in set_up(options.webhook):
        print(name)


def set_up(webhook: str | None) -> list[str]:
    """Create or update every automation; return their names."""
    block = save_block(webhook) if webhook else None
    names = []
    for described in yaml.safe_load(FILE.read_text())["automations"]:
        if block:
            message = {
                "type": "send-notification",
                "block_document_id": block,
                "subject": described["name"],
                "body": BODY,
            }
            kept = [action for action in described["actions"] if action["type"] != "do-nothing"]
            described["actions"] = [*kept, message]
        _save(Automation.model_validate(described))
        names.append(str(described["name"]))
    return names


def save_block(webhook: str) -> str:
    """Store the webhook's URL on the server as a secret; return the id of the block."""
    block = CustomWebhookNotificationBlock(
        name=BLOCK,
        url="{{address}}",
        method="POST",
        json_data={"text": "{{subject}}: {{body}}"},
        secrets=SecretDict({"address": webhook}),
        headers=None,
        cookies=None,
    )
    return str(block.save(BLOCK, overwrite=True))


def _save(automation: Automation) -> None:
    try:
        existing = cast(Automation, Automation.read(name=automation.name))
    except ValueError:
        automation.create()
    else:
        automation.id = existing.id
        automation.update()


if __name__ == "__main__":
    main()
