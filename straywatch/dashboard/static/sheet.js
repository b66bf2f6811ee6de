// The sheet over the page, at an address of its own: a finding (#finding=ID) or an alert (#alert=N).

import { badge, byId, el, other } from "./dom.js";
import { forms, line } from "./forms.js";
import { age, time, word } from "./words.js";

const sheet = byId("sheet");
const SOURCES = {
  finding: (id) => `/finding.json?${new URLSearchParams({ id })}`,
  alert: (n) => `/alert.json?${new URLSearchParams({ n })}`,
};
let opener = null;
let current = "";
let isOurs = false; // whether the page itself lies behind the sheet in the browser's history
let now = Date.now;

export const addressOf = (what, id) => `#${new URLSearchParams({ [what]: id })}`;

export function link(text, address) {
  const made = el("a", { href: address, class: "open-it" }, other(text));
  made.addEventListener("click", (event) => { isOurs = !(event.ctrlKey || event.metaKey || event.shiftKey); });
  return made;
}

// Shows what the address says; `clock` tells the server's time.
export function route(clock) {
  now = clock;
  const [[what, id] = []] = new URLSearchParams(location.hash.slice(1));
  if (!id || !SOURCES[what]) return sheet.close();
  if (current === location.hash && sheet.open) return undefined;
  if (!sheet.open) opener = document.activeElement;
  return open(location.hash, SOURCES[what](id), what === "finding" ? showFinding : showAlert);
}

byId("sheet-close").addEventListener("click", () => sheet.close());
sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
sheet.addEventListener("close", () => {
  const address = current;
  current = "";
  if (location.hash === address) {
    if (isOurs) history.back();
    else history.replaceState(null, "", location.pathname);
  }
  isOurs = false;
  (opener && document.contains(opener) ? opener : byId("main")).focus();
});

function show(address, kicker, title, body) {
  if (current !== address) return;
  byId("sheet-kicker").replaceChildren(...kicker);
  byId("sheet-title").replaceChildren(other(title));
  byId("sheet-body").replaceChildren(...body);
}

async function open(address, source, render) {
  current = address;
  show(address, [], "One moment", []);
  if (!sheet.open) sheet.showModal();
  byId("sheet-title").focus();
  try {
    render(address, await read(source));
  } catch (error) {
    show(address, [], "This could not be read", [el("p", {}, error.message)]);
  }
}

async function read(source) {
  const answer = await fetch(source, { signal: AbortSignal.timeout(8000) });
  if (!answer.ok) throw new Error(answer.status === 404 ? "There is nothing at this address, or not any more." : `The server answers ${answer.status}.`);
  return answer.json();
}

// The finding that is open is read again, since the page has news; what fails shows as old on the page.
export async function renew() {
  const address = current;
  const [[what, id] = []] = new URLSearchParams(address.slice(1));
  if (what === "finding") showFinding(address, await read(SOURCES.finding(id)).catch(() => shown.finding));
}

let shown = {};

function showFinding(address, finding) {
  if (!finding || current !== address) return;
  const said = JSON.stringify(finding);
  if (said === shown.said && byId("sheet-body").childElementCount) return; // selection and scroll stay
  shown = { finding, said };
  const isOpen = finding.status === "OPEN";
  const kicker = [badge(finding.severity, word(finding.severity)), el("span", {}, isOpen ? "Open finding" : "Resolved finding"), copier("Copy link", () => location.href)];
  show(address, kicker, finding.user, isOpen ? openBody(finding) : overBody(finding));
}

function openBody(finding) {
  const long = el("p", { class: "long" }, "In no group for ", el("strong", { "data-since": String(finding.since) }, age(now() - finding.since)), ", since ", time(finding.since, now()), "; alerted ", el("span", { "data-since": String(finding.opened) }, age(now() - finding.opened)), " ago.");
  const [either, or] = finding.ways.map(card);
  const ways = el("div", { class: "ways" }, either, el("p", { class: "or", "aria-hidden": "true" }, "or"), or);
  return [risk(finding), long, ways, ...rest(finding)];
}

function overBody(finding) {
  const long = el("p", { class: "long" }, "Open for ", el("strong", {}, age(finding.resolved - finding.opened)), " until ", time(finding.resolved, now()), ": ", other(finding.because), ".");
  return [risk(finding), long, ...rest(finding)];
}

const risk = (finding) => el("p", { class: "how-bad" }, other(finding.risk || "Its risk is not known."));

// `EITHER put it in a group (set ...)` has its beginning as the card's title.
function card([purpose, commands]) {
  const [, first, title, note] = purpose.match(/^(\S+) ([^(,]*)(.*)$/s);
  const said = line(note.replace(/^, |^\(|\)$/g, ""));
  said.className = "note";
  return el("section", { class: "way" }, el("h3", {}, `${word(first)} ${title}`), said, ...commands.map(command));
}

function rest(finding) {
  const life = el("ol", { class: "life" });
  for (const each of finding.life) {
    life.append(el("li", {}, el("span", { class: `mark ${each.kind}`, "aria-hidden": "true" }), el("p", {}, other(each.text)), time(each.at, now())));
  }
  const links = el("p", { class: "links" });
  for (const [text, href] of finding.links) links.append(el("a", { href, target: "_blank", rel: "noopener noreferrer" }, text));
  return [el("h3", {}, "Its life"), life, list(finding.facts, "facts"), links, list(finding.ids, "facts ids")];
}

function list(pairs, kind) {
  const made = el("dl", { class: kind });
  for (const [name, text] of pairs) made.append(el("dt", {}, name), el("dd", {}, other(text)));
  return made;
}

function command(text) {
  const code = el("code", { translate: "no" }, text);
  return el("div", { class: "command" }, code, copier("Copy", () => text, code));
}

function copier(name, text, code) {
  const copy = el("button", { type: "button", class: "copy" }, name);
  if (code) copy.setAttribute("aria-label", `Copy: ${text()}`);
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      copy.textContent = "Copied";
      byId("said").textContent = "Copied";
      setTimeout(() => { copy.textContent = name; }, 1600);
    } catch {
      if (code) getSelection().selectAllChildren(code);
      copy.textContent = code ? "Press Ctrl-C" : "Copy it from the address bar";
    }
  });
  return copy;
}

function showAlert(address, alert) {
  const kicker = [badge(alert.severity, alert.type || "message")];
  if (alert.machines) kicker.push(el("span", { class: "badge machines" }, "machines only: a digest tells people"));
  kicker.push(el("span", {}, "as its readers see it"));
  show(address, kicker, alert.subject || "Message", forms(alert.forms));
}
