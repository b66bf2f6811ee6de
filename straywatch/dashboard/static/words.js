// Numbers, instants and lengths of time as people read them.

const NUMBER = new Intl.NumberFormat("en");
const HERE = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short" });
const DAY = 86400e3;

export const number = (n) => NUMBER.format(n);
export const counted = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;
// Rounded down: 100 % means that nobody is left.
export const percent = (value) => `${value === 100 ? "100" : (Math.floor(value * 10) / 10).toFixed(1)} %`;
export const word = (severity) => severity.charAt(0) + severity.slice(1).toLowerCase();

export const day = (ms) => new Date(ms).toISOString().slice(0, 10);
export const hour = (ms) => new Date(ms).toISOString().slice(11, 16);

// The one rule for instants: in UTC and with the zone; of today the time alone.
const inUtc = (ms) => `${day(ms)} ${new Date(ms).toISOString().slice(11, 19)} UTC`;
export const moment = (ms, now) => (day(ms) === day(now) ? inUtc(ms).slice(11) : inUtc(ms));

export function time(ms, now) {
  const node = document.createElement("time");
  node.dateTime = new Date(ms).toISOString();
  node.title = `${inUtc(ms)}; here it was ${HERE.format(ms)}`;
  node.textContent = moment(ms, now);
  return node;
}

// Two units at most: 3 days 4 h, 12 min, 8 s; from ten days on, days alone.
export function spoken(seconds) {
  if (seconds > 0 && seconds < 1) return "under 1 s";
  let left = Math.max(0, Math.round(seconds));
  const parts = [];
  for (const [unit, size] of [["day", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count) parts.push(`${number(count)} ${unit}${unit === "day" && count > 1 ? "s" : ""}`);
    if (parts.length === 2 || (parts.length && !count) || (unit === "day" && count >= 10)) break;
  }
  return parts.join(" ") || "0 s";
}

export function age(ms) {
  const step = ms >= DAY ? 3600e3 : ms >= 600e3 ? 60e3 : 1000;
  return spoken((Math.floor(Math.max(0, ms) / step) * step) / 1000);
}

export function countdown(ms) {
  const left = Math.max(0, Math.ceil(ms / 1000));
  if (left >= 86400) return spoken(left);
  const pad = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}
