// Periods by name, as the service reads them: 2026-10-03, 2026-W40, 2026-10, 2026. All in days without a time zone.
const DAY_MS = 86_400_000;
const two = (n) => String(n).padStart(2, "0");
const utc = (year, month, day) => new Date(Date.UTC(year, month, day));

// The kind of a name: day, week, month or year.
export function kindOf(name) {
  if (name.includes("W")) return "week";
  return ["year", "month", "day"][name.split("-").length - 1];
}

// The first day of a named period.
export function firstDay(name) {
  const [year, part, day] = name.split("-");
  if (!part?.startsWith("W")) return utc(Number(year), Number(part ?? 1) - 1, Number(day ?? 1));
  // The fourth of January lies in the first week of its year.
  const fourth = utc(Number(year), 0, 4);
  const monday = fourth.getTime() - ((fourth.getUTCDay() + 6) % 7) * DAY_MS;
  return new Date(monday + (Number(part.slice(1)) - 1) * 7 * DAY_MS);
}

// The name of the period of a kind that holds a day.
export function nameOf(kind, date) {
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (kind === "year") return String(year);
  if (kind === "month") return `${year}-${two(month + 1)}`;
  if (kind === "day") return `${year}-${two(month + 1)}-${two(day)}`;
  const thursday = new Date(date.getTime() + (3 - ((date.getUTCDay() + 6) % 7)) * DAY_MS);
  const first = firstDay(`${thursday.getUTCFullYear()}-W01`);
  const week = Math.floor((thursday.getTime() - first.getTime()) / (7 * DAY_MS)) + 1;
  return `${thursday.getUTCFullYear()}-W${two(week)}`;
}

// The period so many further.
export function step(name, by) {
  const kind = kindOf(name);
  const first = firstDay(name);
  if (kind === "year") return String(first.getUTCFullYear() + by);
  if (kind === "month") return nameOf("month", utc(first.getUTCFullYear(), first.getUTCMonth() + by, 1));
  return nameOf(kind, new Date(first.getTime() + by * (kind === "week" ? 7 : 1) * DAY_MS));
}

// The period of another kind in the same place: the last one of it that has begun by a day.
export function asKind(kind, name, today) {
  const next = firstDay(step(name, 1)).getTime() - DAY_MS;
  const first = firstDay(name).getTime();
  return nameOf(kind, new Date(Math.max(first, Math.min(next, today.getTime()))));
}

// The month that is looked at first: before a week of it is over there is little to see, and the one before is shown.
export const monthToShow = (today) => nameOf("month", new Date(today.getTime() - 7 * DAY_MS));
