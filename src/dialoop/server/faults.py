"""Errors in OpenAI's form: {"error": {"message", "type", "param", "code"}}, with the HTTP status that fits.

It knows typed errors and JSON, no requests.
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi.responses import JSONResponse

from dialoop.errors import DeskError, DialoopError, EngineError, RequestError

log = logging.getLogger(__name__)
_OF_THE_DESK = {"unknown": 404, "erased": 410, "no_text": 422, "no_name": 422}
"""HTTP status of what the desk refuses, by its code; the others are conflicts: 409."""
_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def for_clients(error: Exception) -> RequestError:
    """The error as clients are told it. What is the server's own fault and is no defect is written into its log."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, DeskError):
        return RequestError(error.what, status=_OF_THE_DESK.get(error.code, 409), code=error.code)
    if isinstance(error, DialoopError):
        log.error("%s", error)
        return EngineError(error.what, status=500)
    return EngineError("a defect of the server; its log says more", status=500, code="internal_error")


def error_body(error: RequestError) -> dict[str, Any]:
    """The JSON object of an error."""
    kind = _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    message = error.what if error.remedy is None else f"{error.what} ({error.remedy})"
    return {"error": {"message": message, "type": kind, "param": error.param, "code": error.code}}


def error_response(error: RequestError) -> JSONResponse:
    """The response of an error; 429 and 503 say when to come back, 401 how to sign in."""
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "1"}, 503: {"Retry-After": "5"}}
    return JSONResponse(error_body(error), status_code=error.status, headers=headers.get(error.status))
