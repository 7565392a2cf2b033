"""Turns: clients take turns, then the requests of a client, and each turn is worth one row.

A request's rows enter the pool one a turn. Each run begins with the oldest row of the client whose turn it is, and
takes others of the pool with it. All of it takes constant time, but for the pool's order by length.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from edgener.segmentation import CHUNK
from edgener.serve.backlog import Backlog
from edgener.serve.request import QueuedRow, Request

MOST_ROWS_INSIDE = 64
"""Rows of one client in the pool after which it has to wait: more would hardly make better company."""
MODEST_SHARE = 4
"""A client with so many times fewer rows in the pool than the average client is modest."""
MOST_TOKENS_INSIDE = 512
"""Tokens of one request in the pool after which others go first."""


class Client:
    """A client that has requests."""

    __slots__ = ("backlog", "inside", "requests", "space", "to_draw")

    def __init__(self) -> None:
        self.requests = self.space = 0
        self.backlog = Backlog()
        self.to_draw: OrderedDict[Request, None] = OrderedDict()
        self.inside: OrderedDict[QueuedRow, None] = OrderedDict()


class Ahead(NamedTuple):
    """The tokens that go before a request that has not come yet, or up to twice as many."""

    own: int
    """Tokens of the same client."""
    others: int
    """Tokens of all other clients."""


class Turns:
    """Requests that wait, and the order in which they are served."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self._drawing: OrderedDict[Client, None] = OrderedDict()
        self._serving: OrderedDict[Client, None] = OrderedDict()
        self._backlog = Backlog()
        self._space = 0

    @property
    def tokens(self) -> int:
        """Return the number of tokens that are not computed yet."""
        return self._backlog.total

    @property
    def space(self) -> int:
        """Return the number of tokens that fill the queue: of a long request, those that may be encoded already."""
        return self._space

    @property
    def is_anything_to_do(self) -> bool:
        """Return whether there are rows to compute or texts to encode."""
        return bool(self._serving or self._drawing)

    def space_of(self, client_name: str) -> int:
        """Return the part of ``space`` that a client takes."""
        client = self._clients.get(client_name)
        return client.space if client else 0

    def ahead(self, client_name: str, tokens: int) -> Ahead:
        """Return what goes before the last token of a request of so many ``tokens`` that would come now."""
        client = self._clients.get(client_name)
        own = client.backlog.capped(tokens) if client else 0
        share = own + tokens
        others = self._backlog.capped(share) - (min(client.backlog.total, share) if client else 0)
        return Ahead(own, max(others, 0))

    def add(self, request: Request) -> None:
        """Take a request."""
        client = self._clients.get(request.client_name)
        if client is None:
            client = self._clients[request.client_name] = Client()
        request.client = client
        client.requests += 1
        self._charge(client, 0, request.tokens)
        self._offer(client, request)

    def draw(self) -> Request | None:
        """Return the request that may put its next row into the pool, if any; its next turn comes after ``enter``."""
        while self._drawing:
            client, _ = self._drawing.popitem(last=False)
            if len(client.inside) < MOST_ROWS_INSIDE:
                request, _ = client.to_draw.popitem(last=False)
                if client.to_draw:
                    self._drawing[client] = None
                request.is_drawn = True
                return request
        return None

    def enter(self, request: Request, row: QueuedRow | None) -> None:
        """Put the row of a request that was drawn into the pool; None stands for text without a row, which is done."""
        request.is_drawn = False
        client = _client_of(request)
        if row is None:
            self._pay(client, request, request.pass_over())
        else:
            request.pending += 1
            request.inside[row] = None
            request.inside_tokens += row.length
            request.model.pool.add(row)
            client.inside[row] = None
            self._serving[client] = None
        if request.has_more:
            self._offer(client, request)

    def head(self) -> QueuedRow | None:
        """Return the oldest row of the client whose turn it is, and end its turn; None where the pool is empty."""
        if not self._serving:
            return None
        client = next(iter(self._serving))
        self._serving.move_to_end(client)
        return next(iter(client.inside))

    def is_modest(self, row: QueuedRow) -> bool:
        """Return whether the client of a row in the pool has few rows there, beside clients that have many."""
        average = len(row.request.model.pool) / len(self._serving)
        return MODEST_SHARE * len(_client_of(row.request).inside) <= average

    def take(self, row: QueuedRow) -> None:
        """Take a row out of the pool, since it is computed now."""
        request = row.request
        client = _client_of(request)
        self._leave(client, row)
        self._pay(client, request, row.tokens)
        if request.has_more and not request.is_drawn:
            self._offer(client, request)
        if client.to_draw:
            self._drawing[client] = None

    def remove(self, request: Request) -> None:
        """Forget a request that is over, with all its rows."""
        client = _client_of(request)
        for row in list(request.inside):
            self._leave(client, row)
        client.to_draw.pop(request, None)
        if not client.to_draw:
            self._drawing.pop(client, None)
        elif len(client.inside) < MOST_ROWS_INSIDE:
            self._drawing[client] = None
        self._charge(client, request.tokens, 0)
        client.requests -= 1
        if not client.requests:
            del self._clients[request.client_name]

    def _offer(self, client: Client, request: Request) -> None:
        if request.inside_tokens < MOST_TOKENS_INSIDE:
            client.to_draw[request] = None
            if len(client.inside) < MOST_ROWS_INSIDE:
                self._drawing[client] = None

    def _leave(self, client: Client, row: QueuedRow) -> None:
        request = row.request
        del request.inside[row]
        request.inside_tokens -= row.length
        request.model.pool.remove(row)
        del client.inside[row]
        if not client.inside:
            del self._serving[client]

    def _pay(self, client: Client, request: Request, tokens: int) -> None:
        before = request.tokens
        request.tokens -= tokens
        self._charge(client, before, request.tokens)

    def _charge(self, client: Client, before: int, after: int) -> None:
        total = client.backlog.total
        client.backlog.change(before, after)
        self._backlog.change(total, client.backlog.total)
        space = min(after, CHUNK) - min(before, CHUNK)
        client.space += space
        self._space += space


def _client_of(request: Request) -> Client:
    if request.client is None:
        raise AssertionError("the request was not added")
    return request.client
