// What time it is by the service's clock: a phone's own may be a day off, and what was done without a line is judged by
// its moment.
const KEPT = "wangge-clock-skew";
// The header tells whole seconds, and an answer takes a while: less than this is no difference.
const LEAST_MS = 10_000;

let skewMs = read();

function read() {
  try {
    return Number(localStorage.getItem(KEPT)) || 0;
  } catch {
    return 0;
  }
}

// Remember how far the device's clock is off, by the Date header of an answer.
export function noteServerTime(header) {
  const told = Date.parse(header ?? "");
  if (Number.isNaN(told)) return;
  const offMs = told - Date.now();
  const found = Math.abs(offMs) < LEAST_MS ? 0 : offMs;
  if (Math.abs(found - skewMs) < LEAST_MS) return;
  skewMs = found;
  try {
    localStorage.setItem(KEPT, String(found));
  } catch {
    // Without a store it is known for as long as the page is open.
  }
}

// A moment of the device's clock (milliseconds) as one of the service's, RFC 3339.
export const onServer = (ms = Date.now()) => new Date(ms + skewMs).toISOString();
