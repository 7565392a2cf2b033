"""The spread of actors over the nodes of a cluster, so that none of them waits for a core that nobody gives back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgener.errors import MachineError

MOST_THREADS = 8
"""Threads of an actor, which share one recognizer; more would wait for the interpreter."""


@dataclass(frozen=True)
class Layout:
    """The spread of actors that always leaves a core, also where actors of a lost node are started elsewhere."""

    actors: int
    """Number of actors in the cluster."""
    cores: float
    """Cores, by Ray's account, that each of them reserves."""
    threads: int
    """Threads of each of them; they use what is not reserved as well, since reading takes little of it."""


def layout(nodes: Iterable[float]) -> Layout:
    """Return the layout that uses most of nodes with so many cores each.

    Raises MachineError where no node has two cores. Two cores are too few for a cluster that loses half of its nodes.
    """
    sizes = [math.floor(cores) for cores in nodes if cores >= 2]
    if not sizes:
        raise MachineError("Ray has no node with two cores, one to annotate and one to read; start it with more")
    shares = {math.floor((size - 1) / actors * 1000) / 1000 for size in sizes for actors in range(1, size)}
    layouts = [_of_share(sizes, share) for share in sorted(shares) if all(_is_left(size, share) for size in sizes)]
    usable = [one for one in layouts if one.threads <= MOST_THREADS]
    return max(usable, key=lambda one: (one.actors * one.threads, one.threads), default=Layout(len(sizes), 1, 2))


def _is_left(size: int, share: float) -> bool:
    """Return True if a node has a whole core left when it has taken all the actors that it has room for."""
    return size - math.floor(size / share) * share >= 1


def _of_share(sizes: Sequence[int], share: float) -> Layout:
    rooms = [math.floor(size / share) for size in sizes]
    threads = min(size // room for size, room in zip(sizes, rooms, strict=True) if room)
    return Layout(sum(rooms), share, threads)
