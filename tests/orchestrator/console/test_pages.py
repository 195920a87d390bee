"""What the pages show, and to whom."""

import html
import time

import pytest
from sqlalchemy import Connection, delete, insert

from orchestrator.store.tables import rollouts
from tests.orchestrator.console.conftest import Stage
from tests.orchestrator.console.scene import ERROR

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_nothing_is_shown_without_a_token(stage: Stage) -> None:
    async with stage.visitor() as visitor:
        for path in ("", "environments", "groups", "rollouts", f"rollouts/{stage.trained}"):
            reply = await visitor.get(f"/console/{path}")
            assert reply.status_code == 401
            assert "Sign in" in reply.text
            assert stage.trained not in reply.text.replace(f'value="/console/rollouts/{stage.trained}"', "")
        refused = await visitor.post("/console/sign-in", data={"token": "forged"})
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers
        process = await visitor.post("/console/sign-in", data={"token": stage.learner})
        assert process.status_code == 403
        assert "for a process" in process.text


async def test_a_token_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(stage: Stage) -> None:
    async with stage.visitor() as visitor:
        fields = {"token": stage.viewer, "here": "/console/rollouts?state=failed"}
        reply = await visitor.post("/console/sign-in", data=fields)
        assert (reply.status_code, reply.headers["location"]) == (303, fields["here"])
        cookie = reply.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/console" in cookie
        for elsewhere in ("https://evil.example/console/", "//evil.example/console/", "/v1/progress"):
            reply = await visitor.post("/console/sign-in", data={**fields, "here": elsewhere})
            assert reply.headers["location"] == "/console/"


async def test_forms_of_other_sites_are_refused(stage: Stage) -> None:
    async with stage.visitor(stage.admin) as visitor:
        forged = [
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"sec-fetch-site": "", "origin": "https://evil.example"},
            {"sec-fetch-site": ""},
        ]
        for path in ("admission", "sign-in", "sign-out", "environments/slides", "environments/slides/remove"):
            for headers in forged:
                data = {"state": "halted", "name": "slides", "token": stage.admin}
                reply = await visitor.post(f"/console/{path}", data=data, headers=headers)
                assert reply.status_code == 403, (path, headers)
        assert (await stage.running.progress())["admission"]["state"] == "paused"


async def test_a_viewer_looks_and_an_administrator_changes(stage: Stage) -> None:
    async with stage.visitor(stage.viewer) as viewer, stage.visitor(stage.admin) as admin:
        assert 'value="halted"' not in (await viewer.get("/console/")).text
        assert (await viewer.post("/console/admission", data={"state": "halted"})).status_code == 403
        page = "/console/environments/slides"
        assert (await viewer.post(page, data={"state": "draining"})).status_code == 403
        assert (await admin.post(page, data={"state": "draining"})).status_code == 303
        changed = {
            "share": "2.5",
            "min_share": "0.1",
            "max_share": "0.9",
            "max_in_flight": "",
            "deadline_s": "60",
        }
        assert (await admin.post(page, data=changed)).status_code == 303
        told = (await stage.running.client.get("/v1/environments/slides")).json()
        assert (told["state"], told["share"], told["max_in_flight"], told["deadline_s"]) == (
            "draining",
            2.5,
            None,
            60.0,
        )
        wrong = await admin.post(page, data={**changed, "min_share": "0.95"})
        assert wrong.status_code == 422
        assert "min_share 0.95 is above max_share 0.9" in wrong.text
        nobody = {"name": "new", "url": "http://127.0.0.1:1", "share": "1"}
        unanswered = await admin.post("/console/environments", data=nobody)
        assert unanswered.status_code == 503
        assert "nobody answers at http://127.0.0.1:1" in unanswered.text
        assert (await admin.post(f"{page}/remove", data={"name": "slide"})).status_code == 422
        assert (await admin.post(f"{page}/remove", data={"name": "slides"})).status_code == 303
        assert (await admin.get(page)).status_code == 404
        again = {"name": "slides", "url": stage.slides_url, "dispatch_token": "d", "share": "3"}
        assert (await admin.post("/console/environments", data=again)).headers["location"] == page


async def test_every_page_forbids_what_it_does_not_need(stage: Stage) -> None:
    async with stage.visitor(stage.viewer) as visitor:
        for path in ("", "rollouts", f"rollouts/{stage.trained}", "nowhere", "static/console.js"):
            headers = (await visitor.get(f"/console/{path}")).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"


async def test_what_an_agent_wrote_is_text(stage: Stage) -> None:
    async with stage.visitor(stage.viewer) as visitor:
        for path in (f"rollouts/{stage.trained}", f"groups/{stage.group}", "environments/slides"):
            page = (await visitor.get(f"/console/{path}")).text
            assert "<script>document" not in page
            assert "onerror=alert(1)>" not in page
            assert "\u202e" not in page
            assert "\x1b" not in page
            assert "&lt;/pre&gt;&lt;script&gt;document.title=" in page
            assert "⟨202E⟩" in page
        page = (await visitor.get(f"/console/rollouts/{stage.failed}")).text
        assert "<b>no browser" not in page
        assert ERROR in html.unescape(page)


async def test_the_rollout_page_shows_tokens_with_logprob_version_and_mask(stage: Stage) -> None:
    async with stage.visitor(stage.viewer) as visitor:
        page = (await visitor.get(f"/console/rollouts/{stage.trained}")).text
        path = f"/v1/rollouts/{stage.trained}"
        told = (await stage.running.client.get(path, params={"tokens": True, "pieces": True})).json()
    assert len(told["tokens"]) == 4
    for call, tokens in zip(told["calls"], told["tokens"], strict=True):
        reply = next(m for m in told["messages"] if m["call"] == call["index"] and m["sampled"])
        assert "".join(tokens["sampled_pieces"]) == reply["content"]
        logprobs = [f'data-l="{logprob:.4f}" data-v="3"' for logprob in tokens["rollout_logprobs"][:3]]
        assert all(logprob in page for logprob in logprobs)
    assert page.count('<i class="s ') > 100
    assert '<i class="m0" ' in page
    assert page.count(' m1"') == sum(call["sampled_tokens"] for call in told["calls"]) + 1  # and the legend
    assert "東" in page
    assert "branch 1" in page


async def test_files_are_shown_only_where_no_browser_would_run_them(stage: Stage) -> None:
    base = f"/console/rollouts/{stage.trained}/attempts/1/artifacts"
    async with stage.visitor(stage.viewer) as visitor:
        shown = await visitor.get(f"{base}/page-1.png")
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
        page = await visitor.get(f"{base}/deck.html")
        assert page.headers["content-type"] == "text/plain; charset=utf-8"
        drawing = await visitor.get(f"{base}/logo.svg")
        assert drawing.headers["content-type"] == "application/octet-stream"
        assert drawing.headers["content-disposition"] == "attachment"
        for reply in (shown, page, drawing):
            assert "sandbox" in reply.headers["content-security-policy"]
        assert (await visitor.get(f"{base}/other.png")).status_code == 404
        assert (await visitor.get(f"{base}/..%2f..%2fsecret")).status_code == 404
    async with stage.visitor() as stranger:
        assert (await stranger.get(f"{base}/page-1.png")).status_code == 401


_made_up = delete(rollouts).where(rollouts.c.rollout_id.like("0" * 28 + "%"))


async def test_ten_thousand_rollouts_stay_fluid(stage: Stage) -> None:
    """A page is a hundred rows wherever it lies in the list. Time is the processor's, not the neighbours'."""

    def many(connection: Connection) -> None:
        rows = [
            {
                "rollout_id": f"{number:032x}",
                "group_id": f"{number // 8:032x}",
                "environment": ("slides", "broken")[number % 2],
                "purpose": "train",
                "slot": number % 8,
                "attempt": 1,
                "state": ("sealed", "failed")[number % 5 == 0],
                "cause": ("completed", "verifier")[number % 5 == 0],
                "reward": None if number % 5 == 0 else 0.5,
                "error": ERROR if number % 5 == 0 else None,
                "opened_at": time.time(),
            }
            for number in range(10_000)
        ]
        connection.execute(insert(rollouts), rows)

    await stage.running.parts.store.write(many)
    async with stage.visitor(stage.viewer) as visitor:
        took = []
        for query in (
            "",
            "?environment=slides&state=failed",
            "?cause=verifier&dead=true",
            f"?after={5_000:032x}",
        ):
            started = time.process_time()
            page = await visitor.get(f"/console/rollouts{query}")
            took.append(time.process_time() - started)
            assert page.status_code == 200
            assert page.text.count("<tr>") <= 101
        assert min(took) < 0.25, took
        first = (await visitor.get("/console/rollouts")).text
        assert f"{9_999:032x}" in first
        assert f"?after={9_900:032x}" in first
    await stage.running.parts.store.write(lambda connection: connection.execute(_made_up) and None)


async def test_groups_are_listed_and_their_rollouts_stand_side_by_side(stage: Stage) -> None:
    async with stage.visitor(stage.viewer) as visitor:
        listed = (await visitor.get("/console/groups?environment=slides&state=trained")).text
        assert stage.group in listed
        page = (await visitor.get(f"/console/groups/{stage.group}")).text
        assert page.count("<article>") == 2
        assert "best" in page
