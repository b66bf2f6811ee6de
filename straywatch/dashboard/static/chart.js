// Compliance over time as a step line. Where no sweep looked it is hatched, and there is no line.

import { el } from "./dom.js";
import { counted, day, hour, moment, percent, spoken } from "./words.js";

const HEIGHT = 150;
const MARGIN = { top: 10, right: 58, bottom: 22, left: 44 };
const FLOORS = [98, 96, 92, 80, 60, 20, 0]; // four even steps from each lead to 100
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 10080, 20160, 43200].map((minutes) => minutes * 60e3);
const TICKS = 4;
const GAP = 2; // intervals without a sweep that are a gap

function svg(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function hatch(id, path) {
  return svg("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse" }, svg("path", { class: id, d: path }));
}

// Stretches with a line, and those without: before the first sweep, between two, since the last.
// A count of the page's own, which is the newest point, is no sweep.
function spans(points, newest, begin, end, every) {
  const lines = [];
  const holes = points[0].at > begin ? [{ kind: "notyet", from: begin, to: points[0].at }] : [];
  points.forEach((point, n) => {
    if (n && !point.gap) return lines.at(-1).push(point);
    if (n) holes.push({ kind: "nosweep", from: points[n - 1].at, to: point.at });
    return lines.push([point]);
  });
  const last = points.at(-1);
  if (end - last.at > GAP * every) {
    holes.push({ kind: "nosweep", from: last.at, to: end });
    if (newest.length) lines.push([{ ...newest[0], at: end }]);
  } else lines.at(-1).push(...newest, { ...(newest[0] ?? last), at: end });
  return { lines, holes };
}

function times(begin, end) {
  const step = STEPS.find((each) => (end - begin) / each <= TICKS) ?? STEPS.at(-1);
  const found = [];
  for (let at = Math.ceil(begin / step) * step; at <= end; at += step) found.push(at);
  return { found, label: (at) => (step >= 1440 * 60e3 ? day(at).slice(5) : end - begin > 20 * 3600e3 && hour(at) === "00:00" ? day(at).slice(5) : hour(at)) };
}

// `newest` is how it stands now, if that was counted after the last sweep.
export function drawChart(figure, points, newest, { created, sweep_seconds }, now) {
  const width = Math.max(260, figure.clientWidth);
  const said = JSON.stringify([points, newest[0]?.percent, width, Math.floor(now / 60e3)]);
  if (figure.said === said || figure.contains(document.activeElement)) return;
  figure.said = said;
  if (!points.length) {
    const first = created + sweep_seconds * 1000;
    figure.replaceChildren(el("p", { class: "note" }, first > now ? `The line begins with the first sweep, by ${moment(first, now)}.` : "No sweep has counted the users yet."));
    return;
  }
  const end = Math.max(points.at(-1).at + 60e3, now);
  const begin = Math.min(points[0].at, Math.max(created, points[0].at - (end - points[0].at) * 0.1));
  const all = [...points, ...newest];
  const least = Math.min(...all.map((p) => p.percent));
  const floor = FLOORS.find((each) => least >= each) ?? 0;
  const [right, low] = [width - MARGIN.right, HEIGHT - MARGIN.bottom];
  const x = (at) => MARGIN.left + ((at - begin) / (end - begin)) * (right - MARGIN.left);
  const y = (value) => low - ((value - floor) / (100 - floor)) * (low - MARGIN.top);
  const { lines, holes } = spans(points, newest, begin, end, sweep_seconds * 1000);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, "aria-hidden": "true" }, svg("defs", {}, hatch("nosweep", "M-1 7 7 -1M-1 1 1 -1M5 7 7 5"), hatch("notyet", "M-1 -1 7 7M-1 5 1 7M5 -1 7 1")));
  for (const { kind, from, to } of holes) picture.append(svg("rect", { fill: `url(#${kind})`, x: x(from), y: MARGIN.top, width: Math.max(1, x(to) - x(from)), height: low - MARGIN.top }));
  for (let n = 0; n <= TICKS; n += 1) {
    const value = floor + (n * (100 - floor)) / TICKS;
    picture.append(svg("line", { class: "grid", x1: MARGIN.left, x2: right, y1: y(value), y2: y(value) }), svg("text", { x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, `${value} %`));
  }
  const { found, label } = times(begin, end);
  for (const at of found) picture.append(svg("line", { class: "tick", x1: x(at), x2: x(at), y1: low, y2: low + 4 }), svg("text", { x: x(at), y: HEIGHT - 4, "text-anchor": "middle" }, label(at)));
  for (const line of lines) {
    const steps = line.map((p, n) => (n ? `H${x(p.at).toFixed(1)}V${y(p.percent).toFixed(1)}` : `M${x(p.at).toFixed(1)} ${y(p.percent).toFixed(1)}`));
    picture.append(svg("path", { class: "line", d: steps.join("") + (line.length === 1 ? "h2" : "") }));
  }
  const last = lines.at(-1).at(-1);
  picture.append(svg("circle", { class: "end", cx: x(last.at), cy: y(last.percent), r: 3.5 }), svg("text", { class: "end-label", x: x(last.at) + 7, y: y(last.percent) + 4 }, percent(last.percent)));
  figure.replaceChildren(reader(picture, all, { x, y, now, low, right }), legend(holes));
}

function legend(holes) {
  const kinds = new Set(holes.map(({ kind }) => kind));
  const made = el("figcaption", { class: "legend" }, "UTC");
  for (const [kind, name] of [["nosweep", "no sweep"], ["notyet", "not yet watched"]]) {
    if (!kinds.has(kind)) continue;
    const swatch = svg("svg", { width: 18, height: 10, "aria-hidden": "true" }, svg("rect", { width: 18, height: 10, fill: `url(#${kind})` }));
    made.append(el("span", {}, swatch, name));
  }
  return made;
}

// The value at a time, by pointer or by arrow keys.
function reader(picture, points, { x, y, now, low, right }) {
  const cursor = svg("g", { class: "cursor", visibility: "hidden" }, svg("line", { y1: MARGIN.top, y2: low }), svg("circle", { r: 3.5 }));
  picture.append(cursor);
  const shown = el("output", { class: "value", "aria-hidden": "true" });
  const least = Math.min(...points.map((p) => p.percent));
  const made = el("div", {
    class: "plot", tabindex: "0", role: "slider", "aria-readonly": "true", "aria-valuemin": "0", "aria-valuemax": "100",
    "aria-label": `Compliance, ${counted(points.length, "count", "counts")} over ${spoken((points.at(-1).at - points[0].at) / 1000)}; at its lowest ${percent(least)}`,
  }, picture, shown);
  let chosen = points.length - 1;
  const say = (n, isVisible) => {
    chosen = Math.min(points.length - 1, Math.max(0, n));
    const { at, percent: value } = points[chosen];
    const text = `${percent(value)} at ${moment(at, now)}`;
    made.setAttribute("aria-valuenow", String(value));
    made.setAttribute("aria-valuetext", text);
    cursor.setAttribute("visibility", isVisible ? "visible" : "hidden");
    const [line, dot] = cursor.children;
    line.setAttribute("x1", x(at));
    line.setAttribute("x2", x(at));
    dot.setAttribute("cx", x(at));
    dot.setAttribute("cy", y(value));
    shown.textContent = isVisible ? text : "";
    shown.classList.toggle("leftwards", x(at) > right / 2);
    shown.style.left = `${x(at)}px`;
  };
  say(chosen, false);
  made.addEventListener("pointermove", (event) => {
    const at = event.clientX - made.getBoundingClientRect().left;
    const after = points.findIndex((p) => x(p.at) > at);
    say((after < 0 ? points.length : after) - 1, true);
  });
  made.addEventListener("pointerleave", () => say(chosen, document.activeElement === made));
  made.addEventListener("focus", () => say(chosen, true));
  made.addEventListener("blur", () => say(points.length - 1, false));
  made.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: points.length - 1, PageUp: chosen - 10, PageDown: chosen + 10 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    say(to, true);
  });
  return made;
}
