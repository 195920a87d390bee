"""Puts a search environment together from its settings."""

from pathlib import Path

import httpx

from environments.context import ContextManagement, DiscardAll, Hierarchical, KeepAll, KeepRecent
from environments.host import Host
from environments.search.corpus.folder import read_folder
from environments.search.endpoint import ChatEndpoint
from environments.search.environment import VERSION, SearchFamily, Workbench
from environments.search.index.engine import Library, SearchEngine
from environments.search.index.local import LocalIndex
from environments.search.judge.judge import FirstMatchThen, Judge, MatchJudge
from environments.search.judge.model import ModelJudge
from environments.search.reward import COMPONENTS
from environments.search.rules import Rules
from environments.search.settings import SearchSettings
from environments.search.tasks import corpus_of, load_tasks
from environments.search.tools.toolbox import Extent
from environments.search.web.cache import Cache, CachedEngine, CachedLibrary
from environments.search.web.engines import HttpEngine, JsonApi, searxng
from environments.search.web.fetch import Fetcher
from environments.search.web.library import WebLibrary
from services.contracts.environment import Manifest
from services.kit.address import Allowance


def search_family(host: Host, settings: SearchSettings) -> SearchFamily:
    """Errors: Refused if the tasks or the corpus cannot be read."""
    tasks = load_tasks(host.tasks_dir)
    engine, library = _pages(host, settings)
    manifest = Manifest(
        name=host.name,
        version=VERSION,
        description="Questions whose answers take several pages to find, over a corpus or the web.",
        splits=tasks.counts(),
        capacity=host.capacity,
        reward_components=COMPONENTS,
    )
    return SearchFamily(
        manifest,
        tasks,
        Workbench(
            engine,
            library,
            host.sandboxes if settings.python else None,
            Extent(settings.hits, settings.page_chars),
            python_timeout_s=settings.python_timeout_s,
        ),
        host.client,
        _judge(host.client, settings),
        context_of(settings),
        Rules(settings.max_turns, settings.max_tokens, settings.judge_reserve_s),
        host.metrics,
    )


def _pages(host: Host, settings: SearchSettings) -> tuple[SearchEngine, Library]:
    if settings.engine == "local":
        index = LocalIndex(read_folder(settings.corpus_dir or corpus_of(host.tasks_dir)))
        return index, index
    engine = HttpEngine(host.client, api_of(settings), settings.engine_timeout_s)
    fetcher = Fetcher(Allowance(settings.allowed_networks, settings.allowed_ports))
    host.lifetimes.append(fetcher)
    return (
        CachedEngine(engine, Cache(seconds=settings.cache_s)),
        CachedLibrary(WebLibrary(fetcher), Cache(size=512, seconds=settings.cache_s)),
    )


def _judge(client: httpx.AsyncClient, settings: SearchSettings) -> Judge:
    if settings.judge == "match":
        return MatchJudge()
    key = _secret(settings.judge_key_file)
    model = ModelJudge(ChatEndpoint(client, settings.judge_url, settings.judge_model, key))
    return model if settings.judge == "model" else FirstMatchThen(model)


def api_of(settings: SearchSettings) -> JsonApi:
    """How the configured search API is asked."""
    if settings.engine == "searxng":
        return searxng(settings.engine_url)
    key = _secret(settings.engine_key_file)
    return JsonApi(
        url=settings.engine_url,
        query=settings.engine_query,
        limit=settings.engine_limit,
        headers={"authorization": f"Bearer {key}"} if key else {},
        results=settings.engine_results,
        page=settings.engine_page,
        title=settings.engine_title,
        snippet=settings.engine_snippet,
    )


def context_of(settings: SearchSettings) -> ContextManagement:
    """The context management that the settings name."""
    recent, discard = KeepRecent(settings.keep_rounds), DiscardAll(settings.context_tokens)
    match settings.context:
        case "keep_all":
            return KeepAll()
        case "keep_recent":
            return recent
        case "discard_all":
            return discard
        case "hierarchical":
            return Hierarchical(recent, discard)


def _secret(file: Path | None) -> str:
    return file.read_text().strip() if file else ""
