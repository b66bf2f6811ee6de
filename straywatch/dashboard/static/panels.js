// Each panel of the page, drawn from the view; `state` holds what the reader has chosen.

import { drawChart } from "./chart.js";
import { badge, byId, el, other, setText, sync } from "./dom.js";
import { addressOf, link } from "./sheet.js";
import { age, countdown, counted, moment, number, percent, spoken, time, word } from "./words.js";

const PAGE = 25;
const FEW = { graces: 50, timeline: 12, inbox: 6 };
const MORE = 50;
const LEVELS = ["fine", "watch", "bad"];

export const state = { view: null, alerts: [], offset: 0, status: "OPEN", page: 0, search: "", order: "worst", shown: { ...FEW } };
export const now = () => Date.now() + state.offset;

export function drawAll() {
  const { view } = state;
  drawHero(view);
  drawGraces(view.graces);
  drawFindings(view);
  drawTimeline(view);
  drawHealth(view.health);
  drawCompliance(view);
  drawTimes(view.times, view.deployment.grace_seconds);
  const { stack, account_id, region } = view.deployment;
  setText(byId("where"), `Account ${account_id} · ${region} · ${stack}`);
}

const isOpen = (finding) => finding.status === "OPEN";

function drawHero({ standing, deployment, health }) {
  setText(byId("headline"), standing.headline);
  document.title = `${health.ailment ? "\u26a0 " : ""}${standing.open ? `(${standing.open}) ` : ""}Straywatch`;
  drawLead();
  const parts = standing.counted_at === null ? [] : [
    ["open", "Overdue", standing.open], ["grace", "In grace", standing.grace],
    ["waiting", "Not noticed yet", standing.waiting],
    ["exempt", "Exempt", standing.exempt], ["compliant", "In a group", standing.compliant],
  ].filter(([kind, , n]) => n || kind !== "waiting");
  sync(byId("stack"), parts.filter(([, , n]) => n > 0), ([kind]) => kind, ([kind, , n]) => {
    const bar = el("i", { class: kind });
    bar.style.flexGrow = String(n);
    return bar;
  });
  sync(byId("tiles"), parts, ([kind]) => kind, ([kind, name, n]) => el("div", {}, el("dt", { class: kind }, name), el("dd", {}, number(n))));
}

// When all users were counted, and what overdue means.
function drawLead() {
  const { standing, deployment } = state.view;
  const grace = `In no group for longer than the grace of ${spoken(deployment.grace_seconds)} is overdue.`;
  if (standing.counted_at === null) {
    setText(byId("lead"), `How many users there are is not known: ${standing.note}. ${grace}`);
    return;
  }
  const users = `${counted(standing.users, "user", "users")} counted ${age(now() - standing.counted_at)} ago`;
  const by = standing.note ? `, by a sweep; a fresh count failed: ${standing.note}` : "";
  setText(byId("lead"), `${users}${by}. ${grace}`);
}

// As many of a list as are asked for; the rest is a click away, and never left out in silence.
function few(name, items) {
  const more = byId(`${name}-more`);
  const left = items.length - state.shown[name];
  more.hidden = items.length <= FEW[name];
  setText(more, left > 0 ? `Show ${number(Math.min(left, MORE))} more of ${number(left)}` : "Show fewer");
  return items.slice(0, state.shown[name]);
}

export function showMore(name, items) {
  state.shown[name] = state.shown[name] < items ? state.shown[name] + MORE : FEW[name];
}

function drawGraces(graces) {
  byId("strip").hidden = graces.length === 0;
  setText(byId("graces-count"), counted(graces.length, "grace is running", "graces are running"));
  drawNext(graces);
  sync(byId("graces"), few("graces", graces), (grace) => `${grace.user}\n${grace.since}`, (grace) => {
    const left = el("span", { class: "left" });
    const fill = el("i");
    const item = el("li", {}, other(grace.user, { class: "user" }), left, el("span", { class: "why" }, other(grace.why)), el("span", { class: "until" }), el("div", { class: "track", "aria-hidden": "true" }, fill));
    item.tick = () => tickGrace(item, grace);
    item.tick();
    return item;
  });
}

function drawNext(graces) {
  if (!graces.length) return;
  const [{ user, due }] = graces;
  const left = due - now();
  const next = byId("graces-next");
  const said = left > 0 ? `the next ends in ${countdown(left)}: ` : "being checked: ";
  if (next.said === said + user) return;
  next.said = said + user;
  next.replaceChildren(said, other(user));
}

function tickGrace(item, { since, due }) {
  const left = due - now();
  item.classList.toggle("over", left <= 0);
  setText(item.querySelector(".left"), left > 0 ? countdown(left) : "being checked");
  setText(item.querySelector(".until"), left > 0 ? `until ${moment(due, now())}` : `due ${age(-left)} ago`);
  const share = due > since ? Math.min(1, Math.max(0, left / (due - since))) : 0;
  item.querySelector(".track i").style.transform = `scaleX(${share.toFixed(4)})`;
}

export function tick() {
  for (const item of byId("graces").children) item.tick();
  for (const cell of document.querySelectorAll("[data-since]")) setText(cell, age(now() - Number(cell.dataset.since)));
  for (const node of document.querySelectorAll("time")) setText(node, moment(Date.parse(node.dateTime), now()));
  if (!state.view) return;
  drawLead();
  drawNext(state.view.graces);
}

const ORDERS = {
  worst: (a, b) => b.rank - a.rank || a.since - b.since || a.id.localeCompare(b.id),
  oldest: (a, b) => a.since - b.since || a.id.localeCompare(b.id),
  newest: (a, b) => (b.resolved ?? b.opened) - (a.resolved ?? a.opened) || a.id.localeCompare(b.id),
  name: (a, b) => a.user.localeCompare(b.user) || a.id.localeCompare(b.id),
};

export function drawFindings({ findings, resolved: all }) {
  const open = findings.filter(isOpen);
  const resolved = findings.filter((finding) => !isOpen(finding));
  setText(byId("open-count"), number(open.length));
  setText(byId("resolved-count"), number(all));
  const wanted = state.search.toLowerCase();
  const shown = (state.status === "OPEN" ? open : resolved)
    .filter((f) => !wanted || f.user.toLowerCase().includes(wanted) || f.risk.toLowerCase().includes(wanted))
    .sort(ORDERS[state.order]);
  const pages = Math.max(1, Math.ceil(shown.length / PAGE));
  state.page = Math.min(state.page, pages - 1);
  const begin = state.page * PAGE;
  setText(byId("when-title"), state.status === "OPEN" ? "In no group for" : "Was open for");
  sync(byId("findings"), shown.slice(begin, begin + PAGE), (finding) => finding.id, findingRow);
  drawFindingsFrame(shown.length, open.length + resolved.length, begin, pages);
  const cut = state.status !== "OPEN" && all > resolved.length;
  byId("findings-cut").hidden = !cut;
  if (cut) setText(byId("findings-cut"), `These are the newest ${number(resolved.length)} of ${number(all)}; straywatch findings list --state resolved --limit ${all} has them all.`);
}

function drawFindingsFrame(count, all, begin, pages) {
  const isOpenShown = state.status === "OPEN";
  byId("findings-table").hidden = !count;
  byId("tools").hidden = !all;
  const empty = byId("findings-empty");
  empty.hidden = count > 0;
  const none = isOpenShown ? noneOpen(state.view) : "No finding has been resolved yet.";
  setText(empty, state.search ? "No finding matches." : none);
  setText(byId("findings-caption"), isOpenShown ? "Open findings" : "Resolved findings");
  byId("pages").hidden = pages < 2;
  setText(byId("page-text"), `${number(begin + 1)} to ${number(Math.min(begin + PAGE, count))} of ${number(count)}`);
  byId("page-back").disabled = state.page === 0;
  byId("page-on").disabled = state.page >= pages - 1;
}

function noneOpen({ deployment, health, resolved }) {
  const grace = spoken(deployment.grace_seconds);
  const said = `No open finding. One opens when a user stays in no group for ${grace}.`;
  if (health.last_sweep || resolved) return said;
  const first = deployment.created + deployment.sweep_seconds * 1000;
  const sweep = first > now() ? `The first sweep comes by ${moment(first, now())}, and finds who was in no group before.` : "No sweep has looked yet for who was in no group before.";
  return `${said} ${sweep} To try it, create a user and wait: aws iam create-user --user-name straywatch-trial`;
}

function findingRow(finding) {
  const why = finding.because || finding.risk;
  const user = el("td", { class: "who" }, link(finding.user, addressOf("finding", finding.id)));
  user.append(el("span", { class: "risk" }, el("span", { class: "word" }, `${word(finding.severity)} · `), other(why)));
  const when = el("td", { class: "num" });
  if (isOpen(finding)) {
    when.append(el("span", { "data-since": String(finding.since) }, age(now() - finding.since)));
  } else {
    when.append(age(finding.resolved - finding.opened), el("span", { class: "sub" }, time(finding.resolved, now())));
  }
  return el("tr", {}, el("td", { class: "how" }, badge(finding.severity, word(finding.severity))), user, when);
}

function drawTimeline({ timeline, happened }) {
  byId("timeline-empty").hidden = timeline.length > 0;
  const counts = new Map();
  const keyed = few("timeline", timeline).map((each) => {
    const key = `${each.at} ${each.kind} ${each.user} ${each.text}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return { ...each, key: `${key} ${counts.get(key)}` };
  });
  sync(byId("timeline"), keyed, (each) => each.key, (each) => {
    const said = el("p");
    if (each.user) said.append(each.finding ? link(each.user, addressOf("finding", each.finding)) : other(each.user, { class: "user" }), " ");
    said.append(other(each.text));
    return el("li", {}, time(each.at, now()), el("span", { class: `kind ${each.kind}` }, each.kind === "resolve" ? "resolved" : each.kind), said);
  });
  const cut = happened > timeline.length && state.shown.timeline >= timeline.length;
  byId("timeline-cut").hidden = !cut;
  if (cut) setText(byId("timeline-cut"), `These are the newest ${number(timeline.length)} of ${number(happened)}.`);
}

export function drawInbox() {
  const { alerts } = state;
  byId("inbox-card").hidden = false;
  byId("inbox-empty").hidden = alerts.length > 0;
  setText(byId("inbox-count"), alerts.length ? number(alerts.length) : "");
  sync(byId("inbox"), few("inbox", [...alerts].reverse()), (alert) => alert.n, (alert) => {
    const meta = el("div", { class: "meta" }, alert.type === "resolved" ? el("span", { class: "badge fine" }, "\u2713 resolved") : badge(alert.severity, alert.type || "message"));
    if (alert.machines) meta.append(el("span", { class: "badge machines" }, "machines only"));
    meta.append(time(alert.at, now()));
    return el("li", {}, meta, link(alert.subject || "Message without a subject", addressOf("alert", alert.n)));
  });
}

function drawHealth({ level, signs, last_sweep }) {
  const said = byId("health-badge");
  said.className = `badge ${LEVELS[level]}`;
  setText(said, ["\u2713 Well", "! Worth a look", "\u2715 Not well"][level]);
  sync(byId("signs"), signs.map((sign) => ({ ...sign, last_sweep })), (sign) => sign.name, (sign) => {
    const told = el("dd");
    if (sign.name === "Last sweep" && sign.level === 0 && last_sweep) told.append(el("span", { "data-since": String(last_sweep) }, age(now() - last_sweep)), " ago");
    else told.append(other(sign.text));
    return el("div", { class: LEVELS[sign.level] }, el("dt", {}, sign.name), told);
  });
}

function drawCompliance({ compliance, standing, deployment }) {
  setText(byId("compliance-now"), standing.percent === null ? "" : percent(standing.percent));
  const counted = standing.counted_at !== null && standing.percent !== null && compliance.length > 0 && !standing.note;
  const newest = counted && standing.counted_at > compliance.at(-1).at ? [{ at: standing.counted_at, percent: standing.percent, gap: false }] : [];
  drawChart(byId("chart"), compliance, newest, deployment, now());
}

export function redrawChart() {
  if (state.view) drawCompliance(state.view);
}

function drawTimes({ detect, resolve, by_sweep }, grace) {
  const after = `after a grace of ${spoken(grace)}`;
  const parts = [["Time to detect", detect, after], ["Time to resolve", resolve, "from the alert to the end"]];
  sync(byId("times"), parts.map((part) => [...part, by_sweep]), ([name]) => name, ([name, found, note]) => {
    const figure = el("dd", {}, found.count ? spoken(found.median) : "None yet");
    const more = found.count ? `median of ${number(found.count)}, longest ${spoken(found.longest)}; ${note}` : note;
    const swept = name === "Time to detect" && by_sweep ? `; ${number(by_sweep)} more found by a sweep` : "";
    figure.append(el("span", {}, more + swept));
    return el("div", {}, el("dt", {}, name), figure);
  });
}
