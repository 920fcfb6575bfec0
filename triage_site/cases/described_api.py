"""An API whose description is built once."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema


class DescribedApi(NinjaAPI):
    """Its description is built at the first request of a process and kept: the build takes up to
    two seconds of a processor. It depends on the routes, which are all added before the first
    request, and on the path in front of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._descriptions: dict[str, OpenAPISchema] = {}

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The kept value itself, so a caller must not change it."""
        if path_prefix is None:
            path_prefix = self.get_root_path(path_params or {})
        if path_prefix not in self._descriptions:
            built = super().get_openapi_schema(path_prefix=path_prefix)
            self._descriptions[path_prefix] = built
        return self._descriptions[path_prefix]
