// Keys, colours and fresh numbers. Every page can be read and used without it.
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (id) => document.getElementById(id);

// --- dark and light ---------------------------------------------------------------------------------
function turnTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
}

// --- a page that stays fresh: its own address again, and what is between <main> and </main> ------------
async function refresh(main) {
  const busy = main.contains(document.activeElement) && document.activeElement.matches("input, select, button");
  if (document.hidden || busy) return;
  const reply = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!reply.ok) return;
  const fresh = new DOMParser().parseFromString(await reply.text(), "text/html").getElementById("main");
  if (!fresh) return;
  const focused = main.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  main.replaceChildren(...fresh.childNodes);
  if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function keepFresh() {
  const main = document.querySelector("main[data-refresh]");
  if (main) setInterval(() => refresh(main).catch(() => {}), 1000 * Number(main.dataset.refresh));
}

// --- rows and turns by keys ------------------------------------------------------------------------------
function step(by) {
  const rows = all("table.rows tbody tr:has(a), article.turn");
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
  const target = row?.matches("tr") ? row.querySelector("a") : row;
  target?.focus();
  row?.scrollIntoView({ block: row.matches("tr") ? "nearest" : "start" });
}

const follow = (id) => one(id)?.click();

// --- tokens: what they are coloured by, and what each of them is -----------------------------------------
function colour(name) {
  const reading = one("reading");
  if (!reading) return;
  reading.dataset.colour = name;
  all("input[name=colour]", reading).forEach((input) => (input.checked = input.value === name));
  sessionStorage.setItem("colour", name);
}

function nextColour() {
  const inputs = all("#reading input[name=colour]");
  const at = inputs.findIndex((input) => input.checked);
  if (inputs.length) colour(inputs[(at + 1) % inputs.length].value);
}

function choose(token) {
  all(".ids .chosen").forEach((other) => other.classList.remove("chosen"));
  token.classList.add("chosen");
  token.scrollIntoView({ block: "nearest" });
  const { i, l, v } = token.dataset;
  const sampled = l === undefined ? "prompt" : `log-prob ${l} (${(100 * Math.exp(Number(l))).toFixed(1)} %) · v${v}`;
  const mask = token.classList.contains("m1") ? "loss mask 1" : "loss mask 0";
  one("token").textContent = `${JSON.stringify(token.textContent)} · id ${i} · ${sampled} · ${mask}`;
}

function walk(pane, by) {
  const at = pane.querySelector(".chosen");
  const token = at ? (by > 0 ? at.nextElementSibling : at.previousElementSibling) : pane.firstElementChild;
  if (token) choose(token);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  const pane = event.target.closest(".ids");
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    n: () => follow("next"),
    p: () => follow("first"),
    "[": () => follow("before"),
    "]": () => follow("after"),
    c: nextColour,
    t: turnTheme,
    "?": () => one("keys").showModal(),
    ArrowRight: pane && (() => walk(pane, 1)),
    ArrowLeft: pane && (() => walk(pane, -1)),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
}

document.addEventListener("keydown", onKey);
document.addEventListener("click", (event) => {
  const token = event.target.closest(".ids > i");
  if (token) choose(token);
  const span = event.target.closest("[data-turn]");
  if (span) one(`turn-${span.dataset.turn}`)?.focus();
});
document.addEventListener("change", (event) => {
  if (event.target.name === "colour") colour(event.target.value);
});
one("theme")?.addEventListener("click", turnTheme);
one("help")?.addEventListener("click", () => one("keys").showModal());
colour(sessionStorage.getItem("colour") ?? "logprob");
keepFresh();
