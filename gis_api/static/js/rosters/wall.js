// The clock on the wall of the city, whatever zone the reader's machine is in.

/** @type {(zone: string) => (moment: string | number | Date) => { day: string, time: string }} */
export function wallOf(zone) {
  const format = new Intl.DateTimeFormat("sv-SE", {
    ...{ timeZone: zone, hourCycle: "h23" },
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" },
  });
  return (moment) => {
    const [day, time] = format.format(new Date(moment)).split(" ");
    return { day, time };
  };
}

// The moment of a wall time such as `2026-12-01T22:00`; in an hour that a clock repeats, one of the two.
/** @type {(zone: string, wall: string) => string} */
export function momentOf(zone, wall) {
  const told = wallOf(zone);
  const meant = Date.parse(`${wall}:00Z`);
  let moment = meant;
  for (let turn = 0; turn < 2; turn += 1) {
    const { day, time } = told(moment);
    moment += meant - Date.parse(`${day}T${time}:00Z`);
  }
  return new Date(moment).toISOString();
}

/** @type {(day: string, days: number) => string} */
export const dayAfter = (day, days) =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

// The Monday of the week of a day.
/** @type {(day: string) => string} */
export function mondayOf(day) {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return dayAfter(day, -((weekday + 6) % 7));
}

// The hours of a stretch of duty that lie on a day, as `08:00–16:00`; null where none do.
/** @type {(told: (moment: string) => { day: string, time: string }, duty: { since: string, until: string },
 *   day: string) => string | null} */
export function hoursOn(told, duty, day) {
  const since = told(duty.since);
  const until = told(duty.until);
  if (since.day > day || until.day < day || (until.day === day && until.time === "00:00" && since.day < day))
    return null;
  const start = since.day < day ? "00:00" : since.time;
  const end = until.day > day ? "24:00" : until.time;
  return `${start}–${end}`;
}
