"""``edgener-edge devices``: the devices that builds can be made for."""

from __future__ import annotations

import argparse
import json

from edgener.command_line import Command, add_json
from edgener.dataclass_json import to_plain
from edgener.standard_streams import write
from edgener.table import table


def _devices(options: argparse.Namespace) -> None:
    from edgener_edge.devices import DEVICES

    if options.json:
        write(json.dumps([to_plain(device) for device in DEVICES], ensure_ascii=False, indent=1) + "\n")
        return
    rows = [("device", "what", "core", "int8 dot product", "cores", "memory", "threads", "system", "note")]
    rows.extend(
        (
            device.name, device.title, device.core, "yes" if device.dot_product else "no", str(device.cores),
            f"{device.memory_mb} MB", str(device.threads), device.system, device.note,
        )
        for device in DEVICES
    )  # fmt: skip
    write(table(rows))


DEVICES_COMMAND = Command(
    name="devices",
    summary="list the devices that builds can be made for",
    description="List the devices that builds can be made for.",
    examples="edgener-edge devices\nedgener-edge devices --json",
    add_arguments=add_json,
    run=_devices,
)
