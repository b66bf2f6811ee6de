// Asks the server on this machine again and again, and says so when it or AWS does not answer.

import { byId, setText } from "./dom.js";
import { drawAll, drawFindings, drawInbox, now, state, tick } from "./panels.js";
import { clock, counted, spoken } from "./words.js";

const EVERY = 1000;
const HIDDEN_EVERY = 10000;
const PATIENCE = 6000;

let seen = "";
let answeredAt = null;
let answer = null;
let failing = false;

async function ask() {
  const query = new URLSearchParams({ seen, alerts: String(state.alerts.length) });
  const response = await fetch(`/data.json?${query}`, { signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.json();
}

function take(data) {
  answer = data;
  answeredAt = Date.now();
  state.offset = data.now - answeredAt;
  if (data.inbox) {
    const before = state.alerts.length;
    state.alerts = state.alerts.slice(0, data.inbox.from).concat(data.inbox.alerts);
    if (data.inbox.alerts.length || byId("inbox-card").hidden) drawInbox();
    if (before && state.alerts.length > before) setText(byId("said"), `New alert: ${state.alerts.at(-1).subject}`);
  }
  if (data.view) {
    announce(data.view);
    state.view = data.view;
    drawAll();
  }
  seen = data.version;
}

function announce(view) {
  if (!state.view) return;
  const open = (of) => of.findings.filter((finding) => finding.status === "OPEN").length;
  if (open(view) !== open(state.view)) setText(byId("said"), counted(open(view), "open finding", "open findings"));
}

async function poll() {
  const data = await ask().catch(() => null);
  failing = !data;
  try {
    if (data) take(data);
    drawStatus();
  } finally {
    setTimeout(poll, document.hidden ? HIDDEN_EVERY : EVERY);
  }
}

function status() {
  if (failing) {
    const since = answeredAt ? `Stale since ${clock(answeredAt)}.` : "Nothing could be read yet.";
    return ["lost", answeredAt ? "Stale" : "No answer", since, "The server of this page does not answer; it is asked again every second. If it was stopped, start it again."];
  }
  if (!answer) return ["loading", "Connecting", "", ""];
  if (answer.error) {
    const since = answer.read_at ? `Stale since ${clock(answer.read_at)}.` : "Nothing could be read yet.";
    return [answer.read_at ? "stale" : "lost", answer.read_at ? "Stale" : "No answer", since, `Reading from AWS fails and is tried again: ${answer.error}`];
  }
  if (!state.view) return ["loading", "Reading", "", ""];
  const old = (now() - answer.read_at) / 1000;
  return ["live", old < 3 ? "Live" : `Live, read ${spoken(old)} ago`, "", ""];
}

function drawStatus() {
  const [kind, pulse, head, text] = status();
  if (document.body.dataset.state !== kind) document.body.dataset.state = kind;
  setText(byId("pulse-text"), pulse);
  byId("banner").hidden = !head;
  setText(byId("banner-head"), head);
  setText(byId("banner-text"), text);
  if (!state.view && kind === "lost") {
    setText(byId("headline"), "Nothing to show yet");
    setText(byId("lead"), "The page fills as soon as the account can be read.");
  }
}

function choose(status) {
  state.status = status;
  state.page = 0;
  byId("show-open").setAttribute("aria-pressed", String(status === "OPEN"));
  byId("show-resolved").setAttribute("aria-pressed", String(status !== "OPEN"));
  redraw();
}

function redraw() {
  if (state.view) drawFindings(state.view.findings);
}

byId("show-open").addEventListener("click", () => choose("OPEN"));
byId("show-resolved").addEventListener("click", () => choose("RESOLVED"));
byId("search").addEventListener("input", ({ target }) => { state.search = target.value.trim(); state.page = 0; redraw(); });
byId("order").addEventListener("change", ({ target }) => { state.order = target.value; state.page = 0; redraw(); });
byId("page-back").addEventListener("click", () => { state.page -= 1; redraw(); });
byId("page-on").addEventListener("click", () => { state.page += 1; redraw(); });
for (const name of ["graces", "timeline", "inbox"]) {
  byId(`${name}-more`).addEventListener("click", () => {
    state.all[name] = !state.all[name];
    if (state.view) drawAll();
    drawInboxIfThere();
  });
}

function drawInboxIfThere() {
  if (!byId("inbox-card").hidden) drawInbox();
}

setInterval(() => { tick(); if (state.view) drawStatus(); }, 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
poll();
