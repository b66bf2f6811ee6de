// An alert as each of its readers sees it, with what was sent one click away.

import { el, other } from "./dom.js";

const FACES = { ":red_circle:": ["\u25cf", "CRITICAL"], ":large_orange_circle:": ["\u25cf", "HIGH"], ":large_yellow_circle:": ["\u25cf", "MEDIUM"], ":white_check_mark:": ["\u2713", "fine"] };
const MARKUP = /(`[^`]*`|\*[^*\s][^*]*\*|:[a-z_]+:|https:\/\/[^\s<>]+)/;

// The markup that chats know: `code`, *bold*, faces and links; all else is text.
export function line(text) {
  const made = el("p");
  for (const part of text.split(MARKUP)) {
    if (/^`.*`$/s.test(part)) made.append(el("code", { translate: "no" }, other(part.slice(1, -1))));
    else if (/^\*.+\*$/s.test(part)) made.append(el("strong", {}, part.slice(1, -1).replaceAll("*", "")));
    else if (part.startsWith("https://")) made.append(anchor(part, part));
    else if (FACES[part]) made.append(el("span", { class: `face ${FACES[part][1]}`, title: part }, FACES[part][0]));
    else made.append(part);
  }
  return made;
}

const anchor = (text, href) => (href.startsWith("https://") ? el("a", { href, target: "_blank", rel: "noopener noreferrer" }, text) : el("span", {}, text));

const DRAWN = {
  mail: ({ subject, body }) => el("article", { class: "letter" }, el("p", { class: "subject" }, other(subject)), el("pre", { class: "form", translate: "no" }, body)),
  sms: ({ text, bytes }) => el("div", { class: "telephone" }, el("p", { class: "bubble" }, other(text)), el("p", { class: "note" }, `${bytes} of the 140 bytes that one message has`)),
  chat: ({ title, lines, steps }) => {
    const shown = line(title);
    shown.className = "subject";
    const made = el("article", { class: "chat-card" }, shown, ...lines.map(line));
    if (steps.length) made.append(el("p", { class: "note" }, "Next steps"), ...steps.map(line));
    return made;
  },
  incident: ({ action, severity, summary, details, links, key }) => {
    const isOver = action === "resolve";
    const head = el("p", { class: "meta" }, el("span", { class: `badge ${isOver ? "fine" : "CRITICAL"}` }, isOver ? "\u2713 Resolved" : "\u25b2 Triggered"));
    if (severity) head.append(el("span", {}, `severity ${severity}`));
    const made = el("article", { class: "incident" }, head, el("p", { class: "subject" }, other(summary || "It closes the incident with this key.")));
    const table = el("dl", { class: "facts" });
    for (const [name, text] of [...details, ["key", key]]) table.append(el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, other(text)));
    const under = el("p", { class: "links" });
    for (const [text, href] of links) under.append(anchor(text, href));
    made.append(table, under);
    return made;
  },
  unsent: ({ text }) => el("p", { class: "unsent" }, text),
};

function drawn(form) {
  const source = () => el("pre", { class: "form", translate: "no" }, form.text);
  if (form.kind === "source") return [el("p", { class: "note" }, "For programs; no person reads it like this."), source()];
  const made = [DRAWN[form.kind](form)];
  if (form.kind !== "unsent") made.push(el("details", { class: "source" }, el("summary", {}, "Source: what was sent"), source()));
  return made;
}

export function forms(all) {
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "Reader" });
  const panel = el("div", { role: "tabpanel", id: "form-panel", tabindex: "0" });
  const buttons = all.map(({ name }, n) => el("button", { type: "button", role: "tab", id: `form-${n}`, "aria-controls": "form-panel" }, name));
  const choose = (n, focus) => {
    buttons.forEach((button, k) => {
      button.setAttribute("aria-selected", String(k === n));
      button.tabIndex = k === n ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `form-${n}`);
    panel.replaceChildren(...drawn(all[n]));
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
