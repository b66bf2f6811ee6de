// Asks the server on this machine again and again, and says so when it or AWS does not answer.

import { byId, setText } from "./dom.js";
import { drawAll, drawFindings, drawInbox, now, redrawChart, showMore, state, tick } from "./panels.js";
import { renew, route } from "./sheet.js";
import { age, counted, moment } from "./words.js";

const EVERY = 1000;
const HIDDEN_EVERY = 10000;
const PATIENCE = 6000;
const OLD = 12000; // a reading older than two turns and a slow answer of AWS

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
    const isFirst = !state.view;
    state.view = data.view;
    drawAll();
    if (isFirst) route(now);
    else renew();
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
  const { ailment = "", complaints = "" } = state.view?.health ?? {};
  const also = ailment && ` ${ailment}. ${complaints}`;
  const at = (ms) => (ms ? `Stale since ${moment(ms, now())}.` : "Nothing could be read yet.");
  if (failing) {
    return ["lost", answeredAt ? "Stale" : "No answer", at(answeredAt && answeredAt + state.offset), "The server of this page does not answer; it is asked again every second. If it was stopped, start it again." + also];
  }
  if (!answer) return ["loading", "Connecting", "", ""];
  if (answer.error) {
    return [answer.read_at ? "stale" : "lost", answer.read_at ? "Stale" : "No answer", at(answer.read_at), `Reading from AWS fails and is tried again: ${answer.error}${also}`];
  }
  if (!state.view) return ["loading", "Reading", "", ""];
  const old = now() - answer.read_at;
  if (old > OLD) return ["stale", "Stale", at(answer.read_at), `AWS was last read ${age(old)} ago; a newer reading is awaited.${also}`];
  return ailment ? ["live", "Live, monitor not well", `${ailment}.`, complaints] : ["live", "Live", "", ""];
}

function drawStatus() {
  const [kind, pulse, head, text] = status();
  if (document.body.dataset.state !== kind) document.body.dataset.state = kind;
  document.body.dataset.health = String(state.view?.health.level ?? 0);
  setText(byId("pulse-text"), pulse);
  setText(byId("clock"), answer ? `${new Date(now()).toISOString().slice(11, 19)} UTC` : "");
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
  if (state.view) drawFindings(state.view);
}

byId("show-open").addEventListener("click", () => choose("OPEN"));
byId("show-resolved").addEventListener("click", () => choose("RESOLVED"));
byId("search").addEventListener("input", ({ target }) => { state.search = target.value.trim(); state.page = 0; redraw(); });
byId("order").addEventListener("change", ({ target }) => { state.order = target.value; state.page = 0; redraw(); });
byId("page-back").addEventListener("click", () => { state.page -= 1; redraw(); });
byId("page-on").addEventListener("click", () => { state.page += 1; redraw(); });
for (const [name, items] of [["graces", () => state.view.graces], ["timeline", () => state.view.timeline], ["inbox", () => state.alerts]]) {
  byId(`${name}-more`).addEventListener("click", () => {
    showMore(name, items().length);
    if (state.view) drawAll();
    if (!byId("inbox-card").hidden) drawInbox();
  });
}

setInterval(() => { tick(); if (state.view) drawStatus(); }, 1000);
addEventListener("resize", redrawChart);
addEventListener("hashchange", () => route(now));
document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
poll();
