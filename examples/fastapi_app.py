"""An application of your own that asks ``edgener serve --http``: uvicorn fastapi_app:app --port 8000."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, Field

from edgener.client import DEFAULT_ADDRESS, AsyncClient, ServiceError


class Article(BaseModel):
    """A request to this application."""

    title: str
    paragraphs: list[str] = Field(max_length=200)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep one client, and so its connections, as long as the application runs."""
    async with AsyncClient(os.environ.get("EDGENER_ADDRESS", DEFAULT_ADDRESS), patience=5) as client:
        app.state.find = client
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/people")
async def people(article: Article, request: Request) -> dict[str, int]:
    """Return how often each person is named in an article."""
    counts: dict[str, int] = {}
    try:
        async for entities in request.app.state.find.batch([article.title, *article.paragraphs]):
            for entity in entities:
                if entity.label == "PER":
                    counts[entity.text] = counts.get(entity.text, 0) + 1
    except ServiceError as error:
        if error.status == 413:
            raise HTTPException(413, "a part of the article is too long") from error
        if error.retry_after is None and error.status not in (0, 503, 504):
            raise HTTPException(500, "names cannot be found") from error
        raise HTTPException(503, "names cannot be found at the moment", {"Retry-After": "5"}) from error
    return counts
