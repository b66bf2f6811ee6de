// Numbers, times and lengths of time as people read them.

const NUMBER = new Intl.NumberFormat("en");
const DAY = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
const CLOCK = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const FULL = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

export const number = (n) => NUMBER.format(n);
export const counted = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;
export const clock = (ms) => CLOCK.format(ms);
export const day = (ms) => DAY.format(ms);
export const percent = (value) => `${value === 100 ? "100" : value.toFixed(1)} %`;

export function moment(ms, now) {
  return now - ms < 18 * 3600e3 ? clock(ms) : `${day(ms)}, ${clock(ms).slice(0, 5)}`;
}

export function time(ms, now) {
  const node = document.createElement("time");
  node.dateTime = new Date(ms).toISOString();
  node.title = FULL.format(ms);
  node.textContent = moment(ms, now);
  return node;
}

// Two units at most: 3 d 4 h, 12 min, 8 s.
export function spoken(seconds) {
  let left = Math.max(0, Math.round(seconds));
  if (seconds > 0 && seconds < 1) return "under 1 s";
  const parts = [];
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count) parts.push(`${count} ${unit}`);
    if (parts.length === 2 || (parts.length && !count)) break;
  }
  return parts.join(" ") || "0 s";
}

export function age(ms) {
  if (ms >= 86400e3) return spoken(Math.floor(ms / 3600e3) * 3600);
  return spoken(ms >= 600e3 ? Math.floor(ms / 60e3) * 60 : Math.floor(ms / 1000));
}

export function countdown(ms) {
  const left = Math.max(0, Math.ceil(ms / 1000));
  if (left >= 86400) return spoken(left);
  const pad = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}
