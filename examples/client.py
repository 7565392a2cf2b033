"""Send lines to a running ``edgener serve`` and print the entities that it finds: python client.py SOCKET < TEXT."""

import json
import socket
import sys
import threading
from contextlib import suppress
from io import TextIOWrapper

sent = answered = 0


def send() -> None:
    """Send all lines in a thread of its own: the service reads on only while somebody takes its answers."""
    global sent
    with suppress(OSError):  # the service has ended
        for line in sys.stdin.buffer:
            sent += 1
            service.sendall(line)
        service.shutdown(socket.SHUT_WR)


output = TextIOWrapper(sys.stdout.buffer, "utf-8", "surrogateescape", line_buffering=True)
with socket.socket(socket.AF_UNIX) as service:
    service.connect(sys.argv[1])
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    with suppress(ConnectionResetError), service.makefile(encoding="utf-8") as answers:
        for line in answers:
            if not line.endswith("\n"):  # the service has ended in the middle of an answer
                break
            answer = json.loads(line)
            for entity in answer["entities"]:
                print(answer["line"], entity["start"], entity["end"], entity["label"], entity["text"], file=output)
            answered += 1
    sender.join()
if answered != sent:
    sys.exit(f"the service answered {answered} of {sent} lines")
