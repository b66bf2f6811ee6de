// The sheet that opens over the page: a finding's life and its commands, or an alert's forms.

import { byId, el, other } from "./dom.js";
import { time } from "./words.js";

const sheet = byId("sheet");
let opener = null;
let current = "";

byId("sheet-close").addEventListener("click", () => sheet.close());
sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
sheet.addEventListener("close", () => {
  current = "";
  (opener && document.contains(opener) ? opener : byId("main")).focus();
});

function show(address, kicker, title, body) {
  if (current !== address) return;
  byId("sheet-kicker").replaceChildren(...kicker);
  byId("sheet-title").replaceChildren(other(title));
  byId("sheet-body").replaceChildren(...body);
}

async function open(address, render) {
  opener = document.activeElement;
  current = address;
  show(address, [], "One moment", []);
  if (!sheet.open) sheet.showModal();
  byId("sheet-title").focus();
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(8000) });
    if (!answer.ok) throw new Error(answer.status === 404 ? "It is not there any more." : `The server answers ${answer.status}.`);
    render(await answer.json());
  } catch (error) {
    show(address, [], "This could not be read", [el("p", {}, error.message)]);
  }
}

const badge = (text) => el("span", { class: `badge ${text}` }, text);

export function openFinding(id, now) {
  const address = `/finding.json?${new URLSearchParams({ id })}`;
  open(address, (finding) => show(address, findingKicker(finding), finding.user, findingBody(finding, now())));
}

function findingKicker(finding) {
  const status = finding.status === "OPEN" ? el("span", {}, "Open finding") : el("span", {}, "Resolved finding");
  return [badge(finding.severity), status];
}

function findingBody(finding, now) {
  const facts = el("dl", { class: "facts" });
  for (const [name, text] of finding.facts) facts.append(el("dt", {}, name), el("dd", {}, other(text)));
  const life = el("ol", { class: "life" });
  for (const each of finding.life) {
    life.append(el("li", {}, el("span", { class: `mark ${each.kind}`, "aria-hidden": "true" }), el("p", {}, other(each.text)), time(each.at, now)));
  }
  const parts = [facts, el("h3", {}, "Its life"), life];
  if (finding.commands.length) {
    parts.push(el("h3", {}, "To mend it, put the user in a group, or exempt it with a reason"));
    parts.push(...finding.commands.map(command));
  }
  const links = el("p", { class: "links" });
  for (const [text, href] of finding.links) links.append(el("a", { href, target: "_blank", rel: "noopener noreferrer" }, text));
  return [...parts, links];
}

function command(text) {
  const copy = el("button", { type: "button", class: "copy", "aria-label": `Copy: ${text}` }, "Copy");
  const code = el("code", { translate: "no" }, text);
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
      byId("said").textContent = "Copied";
      setTimeout(() => { copy.textContent = "Copy"; }, 1600);
    } catch {
      getSelection().selectAllChildren(code);
      copy.textContent = "Press Ctrl-C";
    }
  });
  return el("div", { class: "command" }, code, copy);
}

export function openAlert(n) {
  const address = `/alert.json?n=${n}`;
  open(address, (alert) => {
    const kicker = [el("span", { class: `badge ${alert.severity}` }, alert.type || "message"), el("span", {}, "as its readers get it")];
    show(address, kicker, alert.subject || "Message", forms(alert.forms));
  });
}

function forms(all) {
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "Reader" });
  const panel = el("div", { role: "tabpanel", id: "form-panel", tabindex: "0" });
  const buttons = all.map(({ name }, n) => el("button", { type: "button", role: "tab", id: `form-${n}`, "aria-controls": "form-panel" }, name));
  const choose = (n, focus) => {
    buttons.forEach((button, k) => {
      button.setAttribute("aria-selected", String(k === n));
      button.tabIndex = k === n ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `form-${n}`);
    panel.replaceChildren(el("pre", { class: "form", translate: "no" }, all[n].text));
    if (focus) buttons[n].focus();
  };
  buttons.forEach((button, n) => {
    button.addEventListener("click", () => choose(n, false));
    button.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step) choose((n + step + all.length) % all.length, true);
    });
  });
  tabs.append(...buttons);
  choose(0, false);
  return [tabs, panel];
}
