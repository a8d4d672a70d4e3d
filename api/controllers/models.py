"""Endpoint for the available language models."""

from litestar import Controller, get
from litestar.di import NamedDependency

from api.guards import requires_scope
from api.mappers.generation import model_out
from api.middleware.conditional_requests import PUBLIC_READ, WEAK
from api.schemas.generation import ModelsOut
from domain.llm.catalogue import CatalogueService


class ModelController(Controller):
    path = "/api/models"
    tags = ("Generation",)
    guards = (requires_scope("read"),)

    @get(operation_id="ListModels", opt={PUBLIC_READ: WEAK})
    async def list(self, catalogue: NamedDependency[CatalogueService]) -> ModelsOut:
        """The language models you may ask for, the cheapest first; refreshed hourly."""
        models = await catalogue.models()
        fetched_at = max((model.fetched_at for model in models), default=None)
        return ModelsOut([model_out(model) for model in models], fetched_at)
