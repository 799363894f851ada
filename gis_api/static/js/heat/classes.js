// Class limits of the heat: few, whole where counts are whole, and told in words beside the map.
import { number, t } from "../config.js";

export const RAMP = ["heat-0", "heat-1", "heat-2", "heat-3", "heat-4", "heat-5"];
const DOWN = ["less-3", "less-2", "less-1"];
const UP = ["heat-2", "heat-3", "heat-4"];

// A scale for these values: {classOf(value) -> index, classes: [{colour, words}]}.
export function scaleOf(values, per) {
  if (per === "change") return changeScale(values);
  const limits = per === "count" ? countLimits(values) : rateLimits(values);
  const classOf = (value) => {
    let index = 0;
    while (index < limits.length && value >= limits[index]) index += 1;
    return index;
  };
  return { classOf, classes: words(limits, per === "count").map((text, i) => ({ colour: RAMP[i], words: text })) };
}

// 0, then limits that grow by the quantiles of what is above 0, whole and rising.
function countLimits(values) {
  const found = values.filter((value) => value > 0).sort((a, b) => a - b);
  if (!found.length) return [1];
  const limits = [1];
  for (const share of [0.45, 0.7, 0.86, 0.955]) {
    const limit = Math.max(
      Math.round(found[Math.floor((found.length - 1) * share)]) + 1,
      limits[limits.length - 1] + 1,
    );
    if (limit <= found.at(-1)) limits.push(limit);
  }
  return limits;
}

function rateLimits(values) {
  const found = values.filter((value) => value > 0).sort((a, b) => a - b);
  if (!found.length) return [1];
  const limits = [Number.MIN_VALUE];
  for (const share of [0.4, 0.65, 0.82, 0.94]) {
    const limit = round(found[Math.floor((found.length - 1) * share)]);
    if (limit > limits[limits.length - 1]) limits.push(limit);
  }
  return limits;
}

function round(value) {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.round(value / unit) * unit).toPrecision(2));
}

function words(limits, whole) {
  const from = (i) => (limits[i] === Number.MIN_VALUE ? ">0" : number(limits[i]));
  const list = ["0"];
  for (let i = 0; i < limits.length; i += 1) {
    if (i === limits.length - 1) list.push(limits[i] === Number.MIN_VALUE ? ">0" : t("heat.and_more", { n: from(i) }));
    else if (whole && limits[i + 1] - limits[i] === 1) list.push(from(i));
    else if (whole) list.push(`${from(i)}–${number(limits[i + 1] - 1)}`);
    else list.push(`${from(i)} – ${number(limits[i + 1])}`);
  }
  return list;
}

function changeScale(values) {
  const most = Math.max(...values.map(Math.abs), 0);
  const whole = values.every(Number.isInteger);
  const unit = whole ? Math.max(1, Math.ceil(most / 6)) : 0.25;
  const name = (value) => (whole ? number(Math.abs(value)) : `${Math.round(Math.abs(value) * 100)}%`);
  const limits = [-3 * unit, -unit, 0, 0, unit, 3 * unit];
  const classes = [
    { colour: DOWN[0], words: `▼ ≥ ${name(limits[0])}` },
    { colour: DOWN[1], words: `▼ ${name(limits[1])} – ${name(limits[0])}` },
    { colour: DOWN[2], words: `▼ < ${name(limits[1])}` },
    { colour: "heat-0", words: "0" },
    { colour: UP[0], words: `▲ < ${name(limits[4])}` },
    { colour: UP[1], words: `▲ ${name(limits[4])} – ${name(limits[5])}` },
    { colour: UP[2], words: `▲ ≥ ${name(limits[5])}` },
  ];
  const classOf = (value) => {
    if (value === 0) return 3;
    if (value < 0) return value <= limits[0] ? 0 : value <= limits[1] ? 1 : 2;
    return value >= limits[5] ? 6 : value >= limits[4] ? 5 : 4;
  };
  return { classOf, classes };
}
