"""What stands at the end of a route: a module's `handle` or a pipeline, with its producers."""

import inspect
from typing import Any

from apps.engine.http import Request, Response
from apps.engine.module import Context, Effect, Module
from apps.engine.outcome import StepFailed
from apps.engine.run.driver import run_in_place, run_in_place_async
from apps.engine.run.effects import error_of
from apps.engine.run.program import Program, Trace, Variables
from apps.engine.sections.answers import body_of, encode, input_of, request_names, respond
from apps.engine.sections.chain import Handle
from apps.engine.sections.producers import Producers
from apps.engine.streams import StreamedResponse, collected

DRIVER = "driver"  # key of Context.state: a host's own way to run a program whose route is recorded step by step


def is_pure(module: Module[Any]) -> bool:
    """Whether calling a module leaves nothing behind."""
    return module.effect is Effect.PURE and not module.writes


def module_handle(module: Any, producers: Producers, name: str = "") -> tuple[Handle, bool]:
    """Return a module's `handle` as the end of a chain, and whether it is a coroutine function.

    Producers know it as `name`, else as its own.
    """
    name = name or module.name
    handle = module.handle
    is_async = inspect.iscoroutinefunction(handle)

    def plain(request: Request, context: Context, trace: Trace) -> Any:
        return handle(request, context)

    if not producers.has(name):
        return plain, is_async
    return _forwarding(plain, is_async, name, producers)


def pipeline_handle(name: str, program: Program, producers: Producers, *, by_step: bool = False) -> tuple[Handle, bool]:
    """Return a pipeline as the end of a chain; without `respond` it answers 200 with its data.

    With `by_step` a host may drive the program durably: `await driver(program, variables)` gives the variables at its
    end, or a Response when it goes on without this request.
    """
    wants_request, wants_run = "request" in program.roots, "run" in program.roots

    def variables_for(request: Request, context: Context) -> Variables:
        names = request_names(request) if wants_request else None
        run = {"id": str(context.run_id), "attempt": 1} if wants_run else None
        return Variables(input_of(request), names, run)

    def answer(variables: Variables) -> Response:
        asked = variables.response
        return Response(200, encode(variables.names["data"])) if asked is None else respond(asked)

    def plain(request: Request, context: Context, trace: Trace) -> Response:
        variables = variables_for(request, context)
        run_in_place(program, variables, context, trace)
        return answer(variables)

    async def waiting(request: Request, context: Context, trace: Trace) -> Response:
        variables = variables_for(request, context)
        await run_in_place_async(program, variables, context, trace)
        return answer(variables)

    async def stepwise(request: Request, context: Context, trace: Trace) -> Response:
        drive = context.state.get(DRIVER)
        if drive is None:
            return await waiting(request, context, trace)
        found = await drive(program, variables_for(request, context))
        return found if isinstance(found, Response) else answer(found)

    is_async = by_step or program.is_async
    handle: Handle = stepwise if by_step else waiting if program.is_async else plain
    if not producers.has(name):
        return handle, is_async
    return _forwarding(handle, is_async, name, producers)


def _forwarding(handle: Handle, is_async: bool, name: str, producers: Producers) -> tuple[Handle, bool]:
    """Publish the request's payload after the handler: to its topics, or with the error to those for errors."""

    async def call(request: Request, context: Context, trace: Trace) -> Response:
        try:
            found: Any = handle(request, context, trace)
            response: Response = (await found) if is_async else found
            if producers.is_transforming(name) and isinstance(response, StreamedResponse):
                response = await collected(response)
        except StepFailed as failure:
            producers.forward(context, name, _payload(request), error=error_of(failure))
            raise
        payload = _payload(request)
        if response.status >= 400:
            producers.forward(context, name, payload, error={"message": f"answered {response.status}"})
        else:
            producers.forward(context, name, payload, _answer(response))
        return response

    return call, True


def _payload(request: Request) -> Any:
    """Return what was sent; text that is no JSON as it came."""
    try:
        body = body_of(request)
    except StepFailed:
        return request.body.decode("utf-8", "replace")
    return {**request.query, **request.params} if body is None else body


def _answer(response: Response) -> Any:
    try:
        return Request("", "", body=response.body).json()
    except StepFailed:
        return None
