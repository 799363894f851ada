// A year's list of days as it is published or kept in a table: a line a day, "2027-01-01,休" or "2027/2/7 work". Pure.

const OFF = ["休", "假", "放假", "休息", "off", "holiday"];
const WORK = ["班", "上班", "调休", "补班", "工作", "work"];
const DAY = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$/;

// Whether there is such a day: 30 February would become 2 March.
function dayOf(words, year) {
  const [, y, m, d] = DAY.exec(words) ?? [];
  if (!y || Number(y) !== year) return null;
  const day = new Date(Date.UTC(Number(y), Number(m) - 1, Number(d)));
  if (day.getUTCMonth() !== Number(m) - 1 || day.getUTCDate() !== Number(d)) return null;
  return day.toISOString().slice(0, 10);
}

/**
 * The days off and the made-up work days of the lines, and the numbers of the lines that say nothing of this year.
 * @returns {{off: string[], work: string[], wrong: number[]}}
 */
export function readLines(text, year) {
  /** @type {{off: string[], work: string[], wrong: number[]}} */
  const found = { off: [], work: [], wrong: [] };
  text.split(/\r?\n/).forEach((line, at) => {
    const [date, ...rest] = line.trim().split(/[\s,，;；\t]+/);
    if (!date || date.startsWith("#") || ["date", "日期"].includes(date.toLowerCase())) return;
    const day = dayOf(date, year);
    const kind = (rest[0] ?? "").toLowerCase();
    if (day && OFF.includes(kind)) found.off.push(day);
    else if (day && WORK.includes(kind)) found.work.push(day);
    else found.wrong.push(at + 1);
  });
  return found;
}
