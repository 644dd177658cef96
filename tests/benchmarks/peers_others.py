"""The peers as contestants, each set up as its own documentation tells its users to."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, NotRequired, TypedDict

from pydantic import SecretStr, create_model, model_validator

from agentflow.flow.record import Record
from tests.benchmarks.peers_agentflow import Answer
from tests.benchmarks.peers_task import INSTRUCTIONS, Case, problems_of

PACKAGES = ("instructor", "langchain_openai", "langgraph", "pydantic_ai")
"""What must be installed: the `bench` extra."""
KEY = "none"
"""The faulty models ask for none."""


def _holding(made: Record) -> Record:
    if found := [problem.message for problem in problems_of(made) if problem.severity == "error"]:
        raise ValueError("; ".join(found))
    return made


def validated(form: type[Record]) -> type[Record]:
    """The form with its checks as a pydantic validator, where instructor and LangChain look for them."""
    checks: Any = {"holds": model_validator(mode="after")(_holding)}
    return create_model(form.__name__, __base__=form, __doc__=form.__doc__, __validators__=checks)


def langgraph(
    url: str, models: Sequence[str], tries: int, forms: Sequence[type[Record]], opened: AsyncExitStack
) -> Answer:
    """A node a form with a RetryPolicy; where it is used up, an error handler goes on to the next model's node.

    As in "Fault tolerance" and "Structured output" of LangGraph's and LangChain's documentation. Its default policy
    does not try again after a ValueError, which a failed validator raises: `retry_on` names it, as that page shows.
    """
    from langchain_openai import ChatOpenAI
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Command, RetryPolicy

    class State(TypedDict):
        text: str
        made: NotRequired[Mapping[str, Any]]

    policy = RetryPolicy(max_attempts=tries, initial_interval=0.05, retry_on=Exception)
    chat = {name: ChatOpenAI(model=name, base_url=url, api_key=SecretStr(KEY)) for name in models}
    for one in chat.values():
        opened.push_async_callback(one.root_async_client.close)

    def node(form: type[Record], model: str, then: str) -> Callable[[State], Any]:
        asked = chat[model].with_structured_output(validated(form))

        async def read(state: State) -> Any:
            made = await asked.ainvoke([("system", INSTRUCTIONS), ("user", state["text"])])
            if made is None:
                raise ValueError("no answer of the asked form")
            return Command(update={"made": {**state.get("made", {}), form.__name__: made}}, goto=then)

        return read

    def handler(next_node: str) -> Callable[[State], Any]:
        async def go_on(state: State) -> Any:
            return Command(goto=next_node)

        return go_on

    graph: Any = StateGraph(State)
    for place, form in enumerate(forms):
        then = f"{forms[place + 1].__name__}-{models[0]}" if place + 1 < len(forms) else END
        for rung, model in enumerate(models):
            more = {"error_handler": handler(f"{form.__name__}-{models[rung + 1]}")} if rung + 1 < len(models) else {}
            graph.add_node(f"{form.__name__}-{model}", node(form, model, then), retry_policy=policy, **more)
    graph.add_edge(START, f"{forms[0].__name__}-{models[0]}")
    compiled = graph.compile()

    async def answer(case: Case) -> Mapping[str, Any] | None:
        return (await compiled.ainvoke({"text": case.text}))["made"]

    return answer


def instructor(
    url: str, models: Sequence[str], tries: int, forms: Sequence[type[Record]], opened: AsyncExitStack
) -> Answer:
    """`max_retries` with validators on the model; the next model where they are used up, as its fallback page shows.

    Faults of the wire are retried by the OpenAI client it wraps, which honours Retry-After.
    """
    import instructor as library
    from instructor.core.exceptions import InstructorRetryException
    from openai import AsyncOpenAI

    openai = AsyncOpenAI(base_url=url, api_key=KEY)
    opened.push_async_callback(openai.close)
    client = library.from_openai(openai)
    kinds = {form.__name__: validated(form) for form in forms}

    async def ask(kind: type[Record], text: str) -> Any:
        messages: Any = [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": text}]
        for model in models[:-1]:
            try:
                return await client.create(model=model, response_model=kind, max_retries=tries - 1, messages=messages)
            except InstructorRetryException:
                continue
        return await client.create(model=models[-1], response_model=kind, max_retries=tries - 1, messages=messages)

    async def answer(case: Case) -> Mapping[str, Any] | None:
        return {name: await ask(kind, case.text) for name, kind in kinds.items()}

    return answer


def pydantic_ai(
    url: str, models: Sequence[str], tries: int, forms: Sequence[type[Record]], opened: AsyncExitStack
) -> Answer:
    """An output validator that raises ModelRetry, a transport that retries and honours Retry-After, FallbackModel.

    As in "Output", "Retries" and "Fallback model" of its documentation; refusals fall back too, which is more than
    its default. The output tool is given the form's name, so that all frameworks ask the same question.
    """
    from httpx2 import AsyncClient, ConnectError, HTTPStatusError
    from pydantic_ai import Agent, ModelRetry, ToolOutput
    from pydantic_ai.exceptions import ContentFilterError, ModelAPIError
    from pydantic_ai.models.fallback import FallbackModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.retries import AsyncHTTPX2TenacityTransport, RetryConfig, wait_retry_after
    from tenacity import retry_if_exception_type, stop_after_attempt, wait_exponential

    def passing(response: Any) -> None:
        if response.status_code in (429, 502, 503, 504):
            response.raise_for_status()

    transport = AsyncHTTPX2TenacityTransport(
        config=RetryConfig(
            retry=retry_if_exception_type((HTTPStatusError, ConnectError)),
            wait=wait_retry_after(fallback_strategy=wait_exponential(multiplier=1, max=60), max_wait=300),
            stop=stop_after_attempt(5),
            reraise=True,
        ),
        validate_response=passing,
    )
    client = AsyncClient(transport=transport)
    opened.push_async_callback(client.aclose)
    provider = OpenAIProvider(base_url=url, api_key=KEY, http_client=client)
    chat = [OpenAIChatModel(name, provider=provider) for name in models]
    model: Any = chat[0] if len(chat) == 1 else FallbackModel(*chat, fallback_on=(ModelAPIError, ContentFilterError))

    def agent(form: type[Record]) -> Any:
        made: Any = Agent(
            model,
            output_type=ToolOutput(form, name=form.__name__),
            instructions=INSTRUCTIONS,
            retries={"output": tries - 1},
        )

        @made.output_validator
        def holds(output: Record) -> Record:
            if found := [problem.message for problem in problems_of(output) if problem.severity == "error"]:
                raise ModelRetry("; ".join(found))
            return output

        return made

    agents = {form.__name__: agent(form) for form in forms}

    async def answer(case: Case) -> Mapping[str, Any] | None:
        return {name: (await one.run(case.text)).output for name, one in agents.items()}

    return answer


Peer = Callable[[str, Sequence[str], int, Sequence[type[Record]], AsyncExitStack], Answer]
"""Takes the server's URL, models from the cheapest on, tries for each, the forms, and what closes its clients."""
PEERS: Mapping[str, Peer] = {
    "langgraph": langgraph,
    "instructor": instructor,
    "pydantic-ai": pydantic_ai,
}
