"""Middlewares around a handler: the first listed sees the request first and the answer last.

A chain of plain functions is a plain function; one coroutine in it makes it a coroutine. Either way a middleware that
answers by itself stops the request there, and those before it still see the answer.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from apps.engine.application import RouteCall
from apps.engine.http import Request, Response
from apps.engine.module import Context, Module
from apps.engine.run.program import Trace
from apps.engine.sections.answers import REFUSALS, problem, refusal

Handle = Callable[[Request, Context, Trace], Response | Awaitable[Response]]
Before = Callable[[Request, Context], Any]
After = Callable[[Request, Response, Context], Any]
Link = tuple[Before | None, bool, After | None, bool]  # each with whether it is a coroutine function


def link_of(middleware: Module[Any]) -> Link:
    """Return the two halves of a middleware."""
    before, after = getattr(middleware, "before", None), getattr(middleware, "after", None)
    return before, inspect.iscoroutinefunction(before), after, inspect.iscoroutinefunction(after)


def is_middleware(module: Module[Any]) -> bool:
    """Whether a module can stand in a chain."""
    return hasattr(module, "before") or hasattr(module, "after")


def chain(middlewares: Sequence[Module[Any]], handle: Handle, handle_is_async: bool) -> tuple[RouteCall, bool]:
    """Return the call of a route and whether it is a coroutine function."""
    links = [link_of(middleware) for middleware in middlewares]
    if handle_is_async and not links:
        return _bare_async(handle), True
    if handle_is_async or any(before_async or after_async for _, before_async, _, after_async in links):
        return _async_chain(links, handle, handle_is_async), True
    return (_sync_chain(links, handle) if links else _bare(handle)), False


def bounded(call: RouteCall, is_async: bool, seconds: float | None) -> tuple[RouteCall, bool]:
    """Return a call that is given up after so many seconds with 504, which undoes what it wrote.

    A call without a coroutine waits for nothing, so it needs no bound.
    """
    if seconds is None or not is_async:
        return call, is_async

    async def within(request: Request, context: Context, trace: Trace) -> Response:
        try:
            async with asyncio.timeout(seconds):
                response: Response = await cast(Any, call(request, context, trace))
                return response
        except TimeoutError:
            return problem(504, "route.timeout", f"The route took longer than {seconds:g} s.", request)

    return within, True


def _bare(handle: Handle) -> RouteCall:
    def call(request: Request, context: Context, trace: Trace) -> Any:
        try:
            return handle(request, context, trace)
        except REFUSALS as failure:
            return refusal(failure, request)

    return call


def _bare_async(handle: Handle) -> RouteCall:
    async def call(request: Request, context: Context, trace: Trace) -> Response:
        try:
            response: Response = await cast(Any, handle(request, context, trace))
            return response
        except REFUSALS as failure:
            return refusal(failure, request)

    return call


def _sync_chain(links: list[Link], handle: Handle) -> RouteCall:
    def call(request: Request, context: Context, trace: Trace) -> Any:
        entered: list[After] = []
        response: Any = None
        try:
            for before, _, after, _ in links:
                if before is not None:
                    response = before(request, context)
                    if response is not None:
                        _note_refusal(response)
                        break
                if after is not None:
                    entered.append(after)
            if response is None:
                response = handle(request, context, trace)
        except REFUSALS as failure:
            response = refusal(failure, request)
        while entered:
            entered.pop()(request, response, context)
        return response

    return call


def _async_chain(links: list[Link], handle: Handle, handle_is_async: bool) -> RouteCall:
    async def call(request: Request, context: Context, trace: Trace) -> Response:
        entered: list[tuple[After, bool]] = []
        try:
            response = await _before_all(links, request, context, entered)
            if response is None:
                answer: Any = handle(request, context, trace)
                response = (await answer) if handle_is_async else answer
        except REFUSALS as failure:
            response = refusal(failure, request)
        answered = cast(Response, response)
        for after, after_async in reversed(entered):
            done = after(request, answered, context)
            if after_async:
                await done
        return answered

    return call


async def _before_all(
    links: list[Link], request: Request, context: Context, entered: list[tuple[After, bool]]
) -> Response | None:
    for before, before_async, after, after_async in links:
        if before is not None:
            answer = before(request, context)
            response: Response | None = (await answer) if before_async else answer
            if response is not None:
                _note_refusal(response)
                return response
        if after is not None:
            entered.append((after, after_async))
    return None


def _note_refusal(response: Response) -> None:
    """Mark what a middleware answered by itself: with an error status the request was turned down."""
    if response.status >= 400:
        response.is_refusal = True
