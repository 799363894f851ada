// The one configuration object of a page, and the words it brought along.
const told = document.getElementById("config");
if (!told) throw new Error("a page without its configuration");
export const config = JSON.parse(told.textContent);

// The sentence of a key with {name} marks filled. An unknown key is an error: it would be a hole in the page.
export function t(key, values = {}) {
  const sentence = config.texts[key];
  if (sentence === undefined) throw new Error(`no text ${key}`);
  return sentence.replace(/\{(\w+)\}/g, (mark, name) => (name in values ? String(values[name]) : mark));
}

export function has(key) {
  return key in config.texts;
}

const LOCALE = config.lang === "en" ? "en-GB" : "zh-CN";
const whole = new Intl.NumberFormat(LOCALE);
const rough = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 3 });

export function number(value) {
  return value == null ? "—" : whole.format(value);
}

export function measure(value) {
  if (value == null) return "—";
  return Math.abs(value) >= 100 ? whole.format(Math.round(value)) : rough.format(value);
}

// A relative change in words: one sign, none for no change, and beyond ten times the number says no more than that.
export function changeInWords(rate, { up = "+", down = "−" } = {}) {
  if (rate == null) return "—";
  const share = Math.abs(Math.round(rate * 100));
  const sign = share === 0 ? "" : rate > 0 ? up : down;
  return share > 999 ? `${sign}>999%` : `${sign}${share}%`;
}

export function clock(moment) {
  return new Date(moment).toLocaleTimeString("zh-CN", { hour12: false });
}

// A day of another year is told with its year: the twelfth of last December looks like the next one otherwise.
export function day(moment) {
  const date = new Date(moment);
  const words = `${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
  return date.getFullYear() === new Date().getFullYear() ? words : `${date.getFullYear()}-${words}`;
}

export function when(moment) {
  return moment ? `${day(moment)} ${clock(moment).slice(0, 5)}` : "—";
}
