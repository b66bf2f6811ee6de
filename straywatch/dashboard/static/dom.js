// Builds and updates elements. Text from others only ever becomes text nodes.

export const byId = (id) => document.getElementById(id);

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// Text of others keeps its own direction of writing and cannot turn its neighbours'.
export const other = (text, attributes = {}) => el("bdi", attributes, text);

const SHAPES = { CRITICAL: "\u25c6", HIGH: "\u25b2", MEDIUM: "\u25a0", LOW: "\u25cb" };

// How bad it is, by shape and word: colour only helps.
export function badge(severity, said) {
  const shape = SHAPES[severity];
  const made = el("span", { class: `badge ${severity}` });
  if (shape) made.append(el("span", { class: "shape", "aria-hidden": "true" }, shape));
  made.append(el("span", { class: "word" }, said));
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const drawn = new WeakMap(); // of each parent: its rows by key

// Brings the children of `parent` in line with `items`: what is unchanged is not touched, so that
// focus, selection and scroll position stay, and long lists cost what has changed.
export function sync(parent, items, keyOf, make) {
  const known = drawn.get(parent) ?? new Map();
  const rows = new Map();
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const said = JSON.stringify(item);
    let row = known.get(key);
    if (!row || row.said !== said) {
      const fresh = { said, node: make(item) };
      if (row) {
        const focused = row.node.contains(document.activeElement);
        if (place === row.node) place = fresh.node;
        row.node.replaceWith(fresh.node);
        if (focused) fresh.node.querySelector("a, button")?.focus();
      }
      row = fresh;
    }
    rows.set(key, row);
    known.delete(key);
    if (row.node === place) place = place.nextElementSibling;
    else parent.insertBefore(row.node, place);
  }
  for (const { node } of known.values()) node.remove();
  drawn.set(parent, rows);
}
