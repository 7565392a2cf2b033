"""Send lines to a running ``edgener serve`` and print the entities that it finds: python client.py SOCKET < TEXT."""

import json
import socket
import sys
import threading


def send() -> None:
    """Send all lines in a thread of its own: the service reads on only while somebody takes its answers."""
    for line in sys.stdin.buffer:
        service.sendall(line)
    service.shutdown(socket.SHUT_WR)


with socket.socket(socket.AF_UNIX) as service:
    service.connect(sys.argv[1])
    threading.Thread(target=send, daemon=True).start()
    with service.makefile(encoding="utf-8") as answers:
        for line in answers:
            if not line.endswith("\n"):  # the service has ended in the middle of an answer
                break
            answer = json.loads(line)
            for entity in answer["entities"]:
                print(answer["line"], entity["start"], entity["end"], entity["label"], entity["text"], flush=True)
