// The clock of an incident's present step: what is left of it, or by how much it is over.
import { t } from "../config.js";
import { el } from "../dom.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// The words for a stretch of time: 04:30 of minutes and seconds under an hour, else hours or days.
export function stretch(ms) {
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  if (ms < HOUR) return `${two(ms / MINUTE)}:${two((ms % MINUTE) / 1000)}`;
  if (ms < DAY) return t("clock.hours", { h: Math.floor(ms / HOUR), m: two((ms % HOUR) / MINUTE) });
  return t("clock.days", { d: Math.floor(ms / DAY), h: Math.floor((ms % DAY) / HOUR) });
}

function words(dueAt, pausedUntil, now) {
  if (pausedUntil && pausedUntil > now) return t("clock.paused");
  return dueAt < now ? t("clock.over", { time: stretch(now - dueAt) }) : stretch(dueAt - now);
}

export function clockOf({ due_at: due, clock }) {
  if (!due) return null;
  const light = clock?.light ?? (Date.parse(due) < Date.now() ? "red" : "green");
  const about = { class: `clock ${light}`, "data-due": due, "data-light": light };
  if (clock?.yellow_at) about["data-yellow"] = clock.yellow_at;
  if (clock?.paused_until) about["data-paused"] = clock.paused_until;
  const made = el("span", about);
  paint(made);
  return made;
}

function paint(one) {
  const { due, yellow, paused } = one.dataset;
  const now = Date.now();
  const [dueAt, pausedUntil] = [Date.parse(due), paused ? Date.parse(paused) : null];
  one.textContent = words(dueAt, pausedUntil, now);
  const light = now > dueAt ? "red" : yellow && now > Date.parse(yellow) ? "yellow" : "green";
  const still = pausedUntil && pausedUntil > now;
  one.dataset.light = still ? one.dataset.light : light;
  one.className = `clock ${one.dataset.light}`;
}

export function tick(box) {
  if (!document.hidden) box.querySelectorAll(".clock").forEach(paint);
}
