from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse


class ClinicError(Exception):
    status = 400
    code = "bad_request"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(ClinicError):
    status = 404
    code = "not_found"


def answer(request: Request, error: ClinicError) -> JSONResponse:
    content = {"error": {"code": error.code, "message": error.message}}
    return JSONResponse(content, status_code=error.status)


def install(app: FastAPI) -> None:
    app.add_exception_handler(ClinicError, answer)
