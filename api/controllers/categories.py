"""Endpoint for the categories of factoids."""

from litestar import Controller, get
from litestar.di import NamedDependency

from api.guards import requires_scope
from api.mappers.factoids import category_out
from api.middleware.conditional_requests import PUBLIC_READ, WEAK
from api.schemas.factoids import CategoriesOut
from domain.factoids.service import FactoidService


class CategoryController(Controller):
    path = "/api/categories"
    tags = ("Factoids",)
    guards = (requires_scope("read"),)

    @get(operation_id="ListCategories", opt={PUBLIC_READ: WEAK})
    async def list(self, factoids: NamedDependency[FactoidService]) -> CategoriesOut:
        """The fixed categories with how many factoids each holds."""
        counts = await factoids.categories()
        return CategoriesOut([category_out(category, n) for category, n in counts.items()])
