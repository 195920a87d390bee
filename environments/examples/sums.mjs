// An environment in one file of JavaScript: sums of two numbers, asked of the model once.
//
// It keeps the contract podium.environment/1 with nothing but Node.js. Start it with
//   PORT=8310 PODIUM_ORCHESTRATOR_URL=http://127.0.0.1:8000 PODIUM_TOKEN_FILE=token node sums.mjs
// where the file holds a token with scope `environment`.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const NAME = "sums";
const CAPACITY = 16;
const SPLITS = { train: 200, evaluation: 50 };
const PORT = Number(process.env.PORT ?? 8310);
const PUBLIC_URL = process.env.PUBLIC_URL ?? `http://127.0.0.1:${PORT}`;
const ORCHESTRATOR = process.env.PODIUM_ORCHESTRATOR_URL;
const TOKEN = ORCHESTRATOR ? readFileSync(process.env.PODIUM_TOKEN_FILE, "utf8").trim() : "";
const DISPATCH_TOKEN = randomBytes(24).toString("base64url");

// --- tasks: made from the split and the index, so that they are the same on every start ---------------

function problem({ split, index }) {
  const digest = createHash("sha256").update(`${split}/${index}`).digest();
  const [a, b] = [digest[0] % 50, digest[1] % 50];
  return { text: `What is ${a} + ${b}? Answer with the number alone.`, answer: String(a + b) };
}

const exists = ({ split, index }) => Number.isInteger(index) && index >= 0 && index < (SPLITS[split] ?? 0);

// --- one rollout: the agent asks the model, the answer is scored here, out of its reach ----------------

class Failed extends Error {
  constructor(cause, message) {
    super(message);
    this.cause = cause;
  }
}

async function play({ task, model }, signal) {
  const { text, answer } = problem(task);
  const reply = await fetch(`${model.base_url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${model.api_key}` },
    body: JSON.stringify({ model: model.name, messages: [{ role: "user", content: text }] }),
    signal,
  }).catch((error) => {
    throw signal.aborted ? signal.reason : new Failed("engine", `the model cannot be reached: ${error}`);
  });
  if (!reply.ok) throw new Failed("engine", `the model answered ${reply.status}`);
  const said = ((await reply.json()).choices[0].message.content ?? "").trim();
  const correct = said === answer ? 1 : 0;
  return { cause: "completed", reward: correct, components: { correct }, turns: 1 };
}

// --- attempts: started once, newest only, ended within their deadline, reported until acknowledged -----

const attempts = new Map(); // rollout_id → the newest attempt
const running = () => [...attempts.values()].filter(({ state }) => state === "running").length;
const live = () => [...attempts.values()].filter(({ state }) => state !== "reported");
const stateOf = ({ request, state, began }) => ({
  rollout_id: request.rollout_id,
  attempt: request.attempt,
  state,
  turns: 0,
  seconds: (Date.now() - began) / 1000,
});

function start(request) {
  const known = attempts.get(request.rollout_id);
  if (known?.request.attempt === request.attempt) return known;
  if (known?.request.attempt > request.attempt) throw new Refusal(409, "a newer attempt is known");
  if (!exists(request.task)) throw new Refusal(404, "no such task");
  if (running() - (known?.state === "running") >= CAPACITY) {
    throw new Refusal(429, `all ${CAPACITY} slots are taken`, { "retry-after": "1" });
  }
  known?.stop.abort(new Failed("cancelled", "a newer attempt has taken over"));
  const attempt = { request, state: "running", began: Date.now(), stop: new AbortController() };
  attempts.delete(request.rollout_id);
  attempts.set(request.rollout_id, attempt);
  forgetOld();
  run(attempt);
  return attempt;
}

async function run(attempt) {
  const { request, stop, began } = attempt;
  const late = setTimeout(() => stop.abort(new Failed("environment", "out of time")), request.deadline_s * 1000);
  const scored = await play(request, stop.signal).catch((error) => ({
    cause: error instanceof Failed ? error.cause : "environment",
    error: String(error.stack ?? error).slice(-8000),
  }));
  clearTimeout(late);
  attempt.state = "reporting";
  const outcome = { rollout_id: request.rollout_id, attempt: request.attempt, ...scored };
  await report(request, { ...outcome, seconds: (Date.now() - began) / 1000 });
  attempt.state = "reported";
}

async function report(request, outcome) {
  for (let wait = 100; ; wait = Math.min(wait * 2, 5000)) {
    const reply = await send("PUT", request.report_url, request.report_token, outcome).catch(() => null);
    if (reply && (reply.ok || (reply.status < 500 && ![408, 425, 429].includes(reply.status)))) return;
    await new Promise((wake) => setTimeout(wake, wait));
  }
}

function forgetOld() {
  for (const [id, { state }] of attempts) if (attempts.size > 4096 && state === "reported") attempts.delete(id);
}

// --- the service --------------------------------------------------------------------------------------

class Refusal extends Error {
  constructor(status, detail, headers = {}) {
    super(detail);
    Object.assign(this, { status, headers });
  }
}

function check(request) {
  const text = (value) => typeof value === "string" && value.length > 0;
  const { rollout_id, attempt, task, model, deadline_s, report_url, report_token } = request ?? {};
  const fits =
    /^[0-9a-f]{32}$/.test(rollout_id) && Number.isInteger(attempt) && attempt >= 1 && task &&
    text(model?.base_url) && text(model?.api_key) && text(model?.name) && deadline_s > 0 &&
    text(report_url) && text(report_token);
  if (!fits) throw new Refusal(422, "the body is no rollout request of podium.environment/1");
  return request;
}

function find(id) {
  const attempt = attempts.get(id);
  if (!attempt) throw new Refusal(404, `no rollout ${id} here`);
  return attempt;
}

const MANIFEST = {
  contract: "podium.environment/1",
  name: NAME,
  version: "1",
  description: "Sums of two numbers.",
  splits: SPLITS,
  capacity: CAPACITY,
  reward_components: ["correct"],
  reward_range: [0, 1],
  isolation: "none",
};

async function answer(method, path, body) {
  const [, , noun, first, second] = path.split("/");
  if (method === "GET" && path === "/v1/manifest") return [200, MANIFEST];
  if (method === "GET" && noun === "tasks") {
    const task = { split: first, index: Number(second) };
    if (!exists(task)) throw new Refusal(404, "no such task");
    return [200, { task, title: `${first} ${second}`, tags: ["arithmetic"], instruction: problem(task).text }];
  }
  if (method === "POST" && path === "/v1/rollouts") return [202, stateOf(start(check(JSON.parse(await body()))))];
  if (noun === "rollouts" && first && method === "GET") return [200, stateOf(find(first))];
  if (noun === "rollouts" && first && method === "DELETE") {
    const attempt = find(first);
    attempt.stop.abort(new Failed("cancelled", "cancelled"));
    return [202, stateOf(attempt)];
  }
  throw new Refusal(404, `no ${method} ${path}`);
}

function admitted(request) {
  const digest = (text) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(request.headers.authorization ?? ""), digest(`Bearer ${DISPATCH_TOKEN}`));
}

async function read(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

const server = createServer(async (request, response) => {
  const path = new URL(request.url, PUBLIC_URL).pathname;
  let status, body;
  try {
    if (path === "/healthz") [status, body] = [200, { status: "ok" }];
    else if (path === "/metrics") {
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4" });
      return response.end(`podium_environment_rollouts_running ${running()}\n`);
    } else if (!admitted(request)) throw new Refusal(401, "not the dispatch token of this service");
    else [status, body] = await answer(request.method, path, () => read(request));
  } catch (error) {
    status = error.status ?? (error instanceof SyntaxError ? 422 : 500);
    body = { title: "Refused", status, detail: error.message };
    for (const [name, value] of Object.entries(error.headers ?? {})) response.setHeader(name, value);
  }
  response.writeHead(status, { "content-type": status < 400 ? "application/json" : "application/problem+json" });
  response.end(JSON.stringify(body));
});

// --- registration and heartbeats ----------------------------------------------------------------------

function send(method, url, token, body) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  return fetch(url, { method, headers, body: JSON.stringify(body), signal: AbortSignal.timeout(10_000) });
}

async function beat() {
  const refs = live().map(({ request: { rollout_id, attempt } }) => ({ rollout_id, attempt }));
  const reply = await send("POST", `${ORCHESTRATOR}/v1/environments/${NAME}/heartbeat`, TOKEN, { running: refs });
  if (!reply.ok) return reply.status !== 404;
  const { stop, registered } = await reply.json();
  for (const { rollout_id, attempt } of stop ?? []) {
    const known = attempts.get(rollout_id);
    if (known?.request.attempt === attempt) known.stop.abort(new Failed("cancelled", "nobody wants it any more"));
  }
  return registered;
}

async function belong() {
  const registration = { name: NAME, url: PUBLIC_URL, dispatch_token: DISPATCH_TOKEN, share: 1 };
  for (let known = false; ; await new Promise((wake) => setTimeout(wake, 2000))) {
    try {
      known = known ? await beat() : (await send("POST", `${ORCHESTRATOR}/v1/environments`, TOKEN, registration)).ok;
    } catch {
      // the orchestrator is away: we go on, and try again
    }
  }
}

server.listen(PORT, () => {
  console.error(`${NAME} serves ${PUBLIC_URL}`);
  if (ORCHESTRATOR) belong();
});
