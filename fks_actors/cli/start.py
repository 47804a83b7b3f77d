"""From a plan to a desk that answers, and back."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fks_actors.cli.cluster import (
    ClusterHandle,
    HeadOptions,
    ServeOptions,
    begin_serve,
    connect,
    join,
    port_owner,
    read_handle,
    release_dashboard,
    start_head,
    stop_cluster,
    wait_http,
)
from fks_actors.cli.held import held_cluster
from fks_actors.cli.plan import Plan
from fks_actors.cli.session import Running, note_running
from fks_actors.cli.venues import LIVE, PAPER, mode_of
from fks_actors.errors import ClusterError, FksError, PortTaken
from fks_actors.home import Home, known_secret, secret
from fks_actors.settings import Settings, without_password

if TYPE_CHECKING:
    from fks_actors.actors.jobs.told import JobsTold

APP = "deployments.app:build"
"""Serve's import path of the HTTP edge."""

_READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Started:
    """A desk that is ready. `new_token` and `new_secret` are empty unless they were made now."""

    running: Running
    reason: str
    fallback: str
    new_token: str
    new_secret: str
    mode: str = PAPER

    def facts(self) -> dict[str, Any]:
        """For scripts; without secrets."""
        running = self.running
        return {
            "url": running.url,
            "feed": running.feed,
            "label": running.label,
            "mode": self.mode,
            "reason": self.reason,
            "symbols": running.symbols,
            "journal": without_password(running.journal_url),
            "fallback": self.fallback,
        }


def start(home: Home, settings: Settings, settle: Callable[[], Plan]) -> Started:
    """Start the cluster (or join RAY_ADDRESS), the actors and the HTTP edge; return when the desk is ready.

    The cluster starts while `settle` looks for the feed. Whatever fails, what was started is ended again.

    Raises:
        FksError: with what to do about it.
    """
    owner = port_owner(settings.serve.host, settings.serve.port)
    if owner is not None:
        raise PortTaken(settings.serve.port, owner)
    known_secret(home.api_token, "FKS_API_TOKEN")  # a file that cannot be used shows now
    known_secret(home.webhook_secret, "FKS_WEBHOOK_SECRET")
    slow = settings.feed.spec.startswith(("auto", "live"))
    before = read_handle(home.run)
    try:
        with ThreadPoolExecutor(1) as pool:
            plan = None if slow else settle()
            cluster = pool.submit(_cluster, home, settings)
            plan = plan or settle()
            handle = cluster.result()
        token, token_is_new = secret(home.api_token, "FKS_API_TOKEN")
        signing, signing_is_new = secret(home.webhook_secret, "FKS_WEBHOOK_SECRET")
        running = _deploy(home, plan, handle)
    except BaseException:
        if read_handle(home.run) != before:  # end what we started, never what somebody else did
            stop(home)
        raise
    fallback = ""
    if settings.serve.proxy == "haproxy" and handle.owned and handle.proxy != "haproxy":
        fallback = "HAProxy does not run here: Serve's slower Python proxy is used"
    return Started(
        running,
        plan.info.reason,
        fallback,
        token if token_is_new else "",
        signing if signing_is_new else "",
        mode_of(settings),
    )


def _cluster(home: Home, settings: Settings) -> ClusterHandle:
    if address := os.environ.get("RAY_ADDRESS"):
        return join(address, home.run)
    options = HeadOptions(home.run, object_store_mb=settings.cluster.object_store_mb, proxy=settings.serve.proxy)
    return start_head(options)


def _deploy(home: Home, plan: Plan, handle: ClusterHandle) -> Running:
    from fks_actors.actors.spawn import spawn
    from fks_actors.actors.wiring import actor_specs

    wiring, serve = plan.wiring, plan.settings.serve
    connect(handle, wiring.namespace)
    serving = begin_serve(ServeOptions(serve.host, serve.port))
    spawn(actor_specs(wiring), wiring.namespace)
    running = Running(
        serve.host,
        serve.port,
        wiring.namespace,
        wiring.run.feed,
        plan.info.label,
        wiring.journal_url,
        wiring.inbox_url,
        wiring.run.symbols,
        wiring.run.ts_ms,
    )
    note_running(home, running)
    serving.deploy(APP, _edge_args(home, plan), name=wiring.namespace)
    wait_http(f"{running.url}/api/v1/ready", _READY_S)
    release_dashboard(handle)
    _go_on_with_jobs(home, plan)
    return running


def _edge_args(home: Home, plan: Plan) -> dict[str, Any]:
    wiring = plan.wiring
    return {
        "journal_url": wiring.journal_url,
        "inbox_url": wiring.inbox_url,
        "namespace": wiring.namespace,
        "jobs": _jobs_told(home, plan).model_dump(mode="json"),
        "symbols": list(wiring.run.symbols),
        "mode": mode_of(plan.settings),
        "webhook": plan.settings.webhook.model_dump(mode="json"),
        "venues": {
            name: {
                "exchange": venue.exchange if venue.kind == "ccxt" else "",
                "ids": dict(plan.ids.get(name, {})),
            }
            for name, venue in plan.settings.venues.items()
        },
        "redis_url": plan.settings.redis.url,
        "secret_file": "" if os.environ.get("FKS_WEBHOOK_SECRET") else str(home.webhook_secret),
        "token_file": "" if os.environ.get("FKS_API_TOKEN") else str(home.api_token),
        "replicas": plan.settings.serve.replicas,
    }


def _jobs_told(home: Home, plan: Plan) -> "JobsTold":
    from fks_actors.actors.jobs.told import JobsTold
    from fks_actors.backtest.search.space import base_tree

    hidden = (home.api_token, home.webhook_secret, home.run / "ray-token")
    return JobsTold(
        home=str(home.root),
        namespace=plan.wiring.namespace,
        config=plan.settings.jobs,
        tree=base_tree(plan.settings),
        real=mode_of(plan.settings) == LIVE,
        secrets=tuple(str(path) for path in hidden),
    )


def _go_on_with_jobs(home: Home, plan: Plan) -> None:
    """Jobs that waited or ran when the desk was ended; where there are none, their actor is made when one comes."""
    from fks_actors.adapters.jobs.folder import unfinished

    if unfinished(home.root):
        from fks_actors.actors.jobs.handle import keep_jobs

        keep_jobs(_jobs_told(home, plan))


def stop(home: Home) -> int:
    """End what runs in this home: the cluster if it is ours, else only our actors and our Serve application.

    Returns:
        How many processes (or, on a joined cluster, actors) were ended.
    """
    handle = held_cluster(home)
    if handle is None:
        (home.run / "desk.json").unlink(missing_ok=True)
        return 0
    if handle.owned:
        report = stop_cluster(handle, home.run)
        ended = len(report.ended) + len(report.killed)
    else:
        ended = _leave(home, handle)
        (home.run / "cluster.json").unlink(missing_ok=True)
    (home.run / "desk.json").unlink(missing_ok=True)
    return ended


def _leave(home: Home, handle: ClusterHandle) -> int:
    from fks_actors.actors.spawn import dismiss

    try:
        connect(handle, home.namespace)
    except ClusterError as error:
        for name in ("cluster.json", "desk.json"):
            (home.run / name).unlink(missing_ok=True)
        raise ClusterError(f"{error}; it is forgotten here, but a desk may go on there") from None
    from ray import serve

    try:
        serve.delete(home.namespace)
    except Exception as error:
        raise FksError(f"the HTTP edge could not be removed: {error}") from error
    return dismiss(home.namespace)
