// Each panel of the page, drawn from the view; `state` holds what the reader has chosen.

import { drawChart } from "./chart.js";
import { byId, el, other, setText, sync } from "./dom.js";
import { openAlert, openFinding } from "./sheet.js";
import { age, clock, countdown, counted, number, percent, spoken, time } from "./words.js";

const PAGE = 25;
const FEW = { graces: 8, timeline: 15, inbox: 6 };
const LEVELS = ["fine", "watch", "bad"];

export const state = { view: null, alerts: [], offset: 0, status: "OPEN", page: 0, search: "", order: "worst", all: {} };
export const now = () => Date.now() + state.offset;

export function drawAll() {
  const { view } = state;
  drawHero(view);
  drawGraces(view.graces);
  drawFindings(view.findings);
  drawTimeline(view.timeline);
  drawHealth(view.health);
  drawCompliance(view);
  drawTimes(view.times, view.deployment.grace_seconds);
  const { stack, account_id, region } = view.deployment;
  setText(byId("where"), `Account ${account_id} · ${region} · ${stack}`);
}

function opener(text, open, label) {
  const button = el("button", { type: "button", class: "open-it" }, other(text));
  if (label) button.setAttribute("aria-label", label);
  button.addEventListener("click", open);
  return button;
}

const isOpen = (finding) => finding.status === "OPEN";

function drawHero({ counts, graces, findings, unannounced }) {
  const open = findings.filter(isOpen).length;
  setText(byId("headline"), headline(open, graces.length, counts, unannounced));
  setText(byId("lead"), lead(open, graces.length, counts, unannounced));
  document.title = `${open ? `(${open}) ` : ""}Straywatch`;
  const waiting = Math.max(0, (counts.strays ?? 0) - open);
  const parts = counts.source === "none" ? [] : [
    ["compliant", "In a group", counts.compliant], ["exempt", "Exempt", counts.exempt],
    ["grace", "In their grace", waiting], ["open", "Open findings", open],
  ];
  const bars = parts.filter(([, , n]) => n > 0).map(([kind, , n]) => ({ kind, n }));
  sync(byId("stack"), bars, (bar) => bar.kind, ({ kind, n }) => {
    const bar = el("i", { class: kind });
    bar.style.flexGrow = String(n);
    return bar;
  });
  const tile = ([kind, name, n]) => el("div", {}, el("dt", { class: kind }, name), el("dd", {}, number(n)));
  sync(byId("tiles"), parts, ([kind]) => kind, tile);
}

function headline(open, running, counts, unannounced) {
  if (open) return `${counted(open, "user is", "users are")} in no group`;
  if (unannounced) return `${counted(unannounced, "user is", "users are")} in no group, not alerted yet`;
  if (running) return `${counted(running, "grace is", "graces are")} running`;
  if (counts.source === "none") return "No open findings";
  return counts.users ? "Every user is in a group or exempt" : "This account has no users";
}

function lead(open, running, counts, unannounced) {
  if (counts.source === "none") return `How many users there are is not known: ${counts.note}`;
  if (!counts.users && !open) return "Users show here as soon as there are any.";
  const said = [`Of ${counted(counts.users, "user", "users")} in the account`];
  said.push(open ? `${number(open)} outlasted the grace period` : "none has outlasted the grace period");
  if (running) said.push(`${number(running)} may still join a group in time`);
  if (unannounced && open) said.push(`${number(unannounced)} of whom no event told wait for the next sweep`);
  const when = counts.source === "sweep" ? ` Counted by the sweep that ended at ${clock(counts.at)}; a fresh count failed: ${counts.note}` : "";
  return `${said.join(", ")}.${when}`;
}

function few(name, items) {
  const more = byId(`${name}-more`);
  const hidden = items.length - FEW[name];
  more.hidden = hidden <= 0;
  setText(more, state.all[name] ? "Show fewer" : `Show ${number(Math.min(hidden, 200))} more`);
  return state.all[name] ? items.slice(0, FEW[name] + 200) : items.slice(0, FEW[name]);
}

function drawGraces(graces) {
  byId("graces-empty").hidden = graces.length > 0;
  setText(byId("graces-count"), graces.length ? number(graces.length) : "");
  sync(byId("graces"), few("graces", graces), (grace) => `${grace.user}\n${grace.since}`, (grace) => {
    const left = el("span", { class: "left" });
    const fill = el("i");
    const item = el("li", {}, other(grace.user, { class: "user" }), left, el("span", { class: "why" }, other(grace.why)), el("span", { class: "until" }), el("div", { class: "track", "aria-hidden": "true" }, fill));
    item.tick = () => tickGrace(item, grace);
    item.tick();
    return item;
  });
}

function tickGrace(item, { since, due }) {
  const left = due - now();
  item.classList.toggle("over", left <= 0);
  setText(item.querySelector(".left"), left > 0 ? countdown(left) : "being checked");
  setText(item.querySelector(".until"), left > 0 ? `until ${clock(due)}` : `due ${age(-left)} ago`);
  const share = due > since ? Math.min(1, Math.max(0, left / (due - since))) : 0;
  item.querySelector(".track i").style.transform = `scaleX(${share.toFixed(4)})`;
}

export function tick() {
  for (const item of byId("graces").children) item.tick();
  for (const cell of byId("findings").querySelectorAll("[data-since]")) setText(cell, age(now() - Number(cell.dataset.since)));
  const last = byId("signs").querySelector("[data-sweep]");
  if (last) setText(last, sweepAge(Number(last.dataset.sweep)));
}

const sweepAge = (at) => `${age(Math.max(0, now() - at))} ago`;

const ORDERS = {
  worst: (a, b) => b.rank - a.rank || a.since - b.since || a.id.localeCompare(b.id),
  oldest: (a, b) => a.since - b.since || a.id.localeCompare(b.id),
  newest: (a, b) => (b.resolved ?? b.opened) - (a.resolved ?? a.opened) || a.id.localeCompare(b.id),
  name: (a, b) => a.user.localeCompare(b.user) || a.id.localeCompare(b.id),
};

export function drawFindings(findings) {
  const open = findings.filter(isOpen);
  const resolved = findings.filter((finding) => !isOpen(finding));
  setText(byId("open-count"), number(open.length));
  setText(byId("resolved-count"), number(resolved.length));
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
}

function drawFindingsFrame(count, all, begin, pages) {
  const isOpenShown = state.status === "OPEN";
  byId("findings-table").hidden = !count;
  byId("tools").hidden = !all;
  const empty = byId("findings-empty");
  empty.hidden = count > 0;
  const none = isOpenShown ? "No open finding. One opens when a user stays in no group past its grace." : "No finding has been resolved yet.";
  setText(empty, state.search ? "No finding matches." : none);
  setText(byId("findings-caption"), isOpenShown ? "Open findings" : "Resolved findings");
  byId("pages").hidden = pages < 2;
  setText(byId("page-text"), `${number(begin + 1)} to ${number(Math.min(begin + PAGE, count))} of ${number(count)}`);
  byId("page-back").disabled = state.page === 0;
  byId("page-on").disabled = state.page >= pages - 1;
}

function findingRow(finding) {
  const user = el("td", {}, opener(finding.user, () => openFinding(finding.id, now)));
  user.append(el("span", { class: "risk" }, other(finding.because || finding.risk)));
  const when = el("td", { class: "num" });
  if (isOpen(finding)) {
    when.append(el("span", { "data-since": String(finding.since) }, age(now() - finding.since)));
  } else {
    when.append(age(finding.resolved - finding.opened), el("span", { class: "sub" }, time(finding.resolved, now())));
  }
  return el("tr", {}, user, el("td", {}, el("span", { class: `badge ${finding.severity}` }, finding.severity.toLowerCase())), when);
}

const KINDS = { event: "Event", check: "Check", alert: "Alert", resolve: "Resolved", sweep: "Sweep" };

function drawTimeline(happenings) {
  byId("timeline-empty").hidden = happenings.length > 0;
  const counts = new Map();
  const keyed = few("timeline", happenings).map((each) => {
    const key = `${each.at} ${each.kind} ${each.user} ${each.text}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return { ...each, key: `${key} ${counts.get(key)}` };
  });
  sync(byId("timeline"), keyed, (each) => each.key, (each) => {
    const said = el("p");
    said.append(el("span", { class: "unseen" }, `${KINDS[each.kind]}: `));
    if (each.user) said.append(each.finding ? opener(each.user, () => openFinding(each.finding, now)) : other(each.user, { class: "user" }), " ");
    said.append(other(each.text));
    return el("li", {}, time(each.at, now()), el("span", { class: `mark ${each.kind}`, "aria-hidden": "true" }), said);
  });
}

export function drawInbox() {
  const { alerts } = state;
  byId("inbox-card").hidden = false;
  byId("inbox-empty").hidden = alerts.length > 0;
  setText(byId("inbox-count"), alerts.length ? number(alerts.length) : "");
  sync(byId("inbox"), few("inbox", [...alerts].reverse()), (alert) => alert.n, (alert) => el("li", {},
    el("div", { class: "meta" }, el("span", { class: `badge ${alert.type === "resolved" ? "fine" : alert.severity}` }, alert.type || "message"), time(alert.at, now())),
    opener(alert.subject || "Message without a subject", () => openAlert(alert.n))));
}

function drawHealth({ level, signs, last_sweep }) {
  const badge = byId("health-badge");
  badge.className = `badge ${LEVELS[level]}`;
  setText(badge, ["Well", "Worth a look", "Not well"][level]);
  sync(byId("signs"), signs.map((sign) => ({ ...sign, last_sweep })), (sign) => sign.name, (sign) => {
    const said = el("dd");
    if (sign.name === "Last sweep" && sign.level === 0 && last_sweep) said.append(el("span", { "data-sweep": String(last_sweep) }, sweepAge(last_sweep)));
    else said.append(other(sign.text));
    return el("div", { class: LEVELS[sign.level] }, el("dt", {}, sign.name), said);
  });
}

function drawCompliance({ compliance, counts }) {
  const obliged = counts.source === "none" ? 0 : counts.users - counts.exempt;
  setText(byId("compliance-now"), obliged ? percent((100 * counts.compliant) / obliged) : "");
  const said = JSON.stringify(compliance);
  const figure = byId("chart");
  if (figure.said === said) return;
  figure.said = said;
  drawChart(figure, compliance, now());
}

function drawTimes({ detect, resolve, by_sweep }, grace) {
  const after = `after a grace of ${spoken(grace)}`;
  const parts = [["Time to detect", detect, after], ["Time to resolve", resolve, "from alert to mended"]];
  sync(byId("times"), parts.map((part) => [...part, by_sweep]), ([name]) => name, ([name, found, note]) => {
    const figure = el("dd", {}, found.count ? spoken(found.median) : "None yet");
    const more = found.count ? `median of ${number(found.count)}, longest ${spoken(found.longest)}; ${note}` : note;
    const swept = name === "Time to detect" && by_sweep ? `; ${number(by_sweep)} more found by a sweep` : "";
    figure.append(el("span", {}, more + swept));
    return el("div", {}, el("dt", {}, name), figure);
  });
}
