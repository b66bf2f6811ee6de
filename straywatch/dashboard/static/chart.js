// Compliance over time as a drawn step line; where sweeps are missing, so is the line.

import { el } from "./dom.js";
import { day, moment, percent } from "./words.js";

const WIDTH = 600;
const HEIGHT = 120;

function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function lowest(points) {
  const least = Math.min(...points.map((p) => p.percent));
  for (const floor of [95, 90, 80, 50]) if (least >= floor + (100 - floor) / 10) return floor;
  return 0;
}

function stretches(points) {
  const found = [];
  for (const point of points) {
    if (point.gap || !found.length) found.push([]);
    found.at(-1).push(point);
  }
  return found;
}

export function drawChart(figure, points, now) {
  if (points.length < 2) {
    const told = points.length ? "One sweep so far; the line begins with the second." : "The line begins with the first sweep of the account.";
    figure.replaceChildren(el("p", { class: "note" }, told));
    return;
  }
  const [first, last] = [points[0], points.at(-1)];
  const floor = lowest(points);
  const end = Math.max(last.at, now); // where sweeps have stopped, the line ends before the picture
  const x = (at) => ((at - first.at) / Math.max(1, end - first.at)) * WIDTH;
  const y = (value) => HEIGHT - ((value - floor) / (100 - floor)) * HEIGHT;
  const least = Math.min(...points.map((p) => p.percent));
  const picture = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `Compliance from ${moment(first.at, now)} to ${moment(last.at, now)}: now ${percent(last.percent)}, at its lowest ${percent(least)}, over ${points.length} sweeps.`,
  });
  for (const level of [floor, (floor + 100) / 2, 100]) {
    picture.append(svg("line", { class: "grid", x1: 0, x2: WIDTH, y1: y(level), y2: y(level) }));
  }
  for (const stretch of stretches(points)) {
    const steps = stretch.map((p, n) => (n ? `H${x(p.at).toFixed(1)}V${y(p.percent).toFixed(1)}` : `M${x(p.at).toFixed(1)} ${y(p.percent).toFixed(1)}`));
    const [from, to] = [x(stretch[0].at), x(stretch.at(-1).at)];
    picture.append(svg("path", { class: "area", d: `${steps.join("")}L${to.toFixed(1)} ${HEIGHT}L${from.toFixed(1)} ${HEIGHT}Z` }));
    picture.append(svg("path", { class: "line", d: steps.join("") + (stretch.length === 1 ? "h2" : "") }));
  }
  const label = (value) => el("span", {}, `${value} %`);
  const sameDay = end - first.at < 36 * 3600e3;
  const when = (at) => el("span", {}, sameDay ? moment(at, now) : day(at));
  figure.replaceChildren(
    el("div", { class: "ys", "aria-hidden": "true" }, label(100), label((floor + 100) / 2), label(floor)),
    picture,
    el("div", { class: "xs", "aria-hidden": "true" }, when(first.at), when(end)),
  );
}
