// The time strip: the curve of a year by day, a window on it that can be dragged, stretched, stepped and played.
import { t } from "../config.js";
import { el, fill, svg } from "../dom.js";

const DAY_MS = 86_400_000;
const PLAY_MS = 900;

export const dayOf = (moment) => new Date(moment).toISOString().slice(0, 10);

export class Strip {
  constructor(box, { days, changed }) {
    this.box = box;
    this.days = days;
    this.changed = changed;
    this.span = 30;
    this.end = days;
    this.curve = svg("svg", { preserveAspectRatio: "none", viewBox: `0 0 ${days} 100`, "aria-hidden": "true" });
    this.axis = el("div", { class: "axis", "aria-hidden": "true" });
    this.window = el(
      "div",
      {
        class: "window",
        tabindex: "0",
        role: "slider",
        "data-test": "heat-slider",
        "aria-label": t("heat.slider"),
        "aria-valuemin": "1",
        "aria-valuemax": String(days),
      },
      el("i"),
      el("i"),
    );
    fill(box, this.curve, this.window, this.axis);
    this.listen();
    this.place();
  }

  // The curve: values by day, the first day being `since`.
  show(since, values) {
    this.since = since;
    const top = Math.max(1, ...values);
    const points = values
      .map((value, i) => `${(i + 0.5).toFixed(1)},${(96 - (value / top) * 88).toFixed(1)}`)
      .join(" ");
    fill(
      this.curve,
      svg("polyline", {
        points,
        fill: "none",
        stroke: "var(--heat-4)",
        "stroke-width": 1.4,
        "vector-effect": "non-scaling-stroke",
      }),
    );
    const marks = [];
    for (let i = 0; i < this.days; i += 1) {
      const date = new Date(since.getTime() + i * DAY_MS);
      if (date.getDate() === 1 && (this.days < 200 || date.getMonth() % 2 === 0)) {
        const mark = el("span", {}, `${date.getFullYear() % 100}-${String(date.getMonth() + 1).padStart(2, "0")}`);
        mark.style.left = `${(i / this.days) * 100}%`;
        marks.push(mark);
      }
    }
    fill(this.axis, marks);
  }

  get from() {
    return Math.max(0, this.end - this.span);
  }

  place() {
    this.window.style.left = `${(this.from / this.days) * 100}%`;
    this.window.style.width = `${((this.end - this.from) / this.days) * 100}%`;
    this.window.setAttribute("aria-valuenow", String(this.end));
  }

  set(end, span = this.span) {
    this.span = Math.max(1, Math.min(this.days, Math.round(span)));
    this.end = Math.max(this.span, Math.min(this.days, Math.round(end)));
    this.place();
    this.changed();
  }

  listen() {
    this.window.addEventListener("pointerdown", (event) => this.grab(event));
    this.window.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("pointerdown", (event) => {
      if (this.window.contains(event.target)) return;
      this.set(this.dayAt(event) + this.span / 2);
    });
  }

  dayAt(event) {
    const box = this.box.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * this.days;
  }

  grab(event) {
    event.preventDefault();
    this.window.focus();
    this.window.setPointerCapture(event.pointerId);
    const edge = [...this.window.children].indexOf(event.target);
    const start = { day: this.dayAt(event), end: this.end, span: this.span };
    const move = (moved) => {
      const by = this.dayAt(moved) - start.day;
      if (edge === 0) this.set(start.end, start.span - by);
      else if (edge === 1) this.set(start.end + by, start.span + by);
      else this.set(start.end + by);
    };
    const drop = () => {
      this.window.removeEventListener("pointermove", move);
      this.window.removeEventListener("pointerup", drop);
      this.window.removeEventListener("pointercancel", drop);
    };
    this.window.addEventListener("pointermove", move);
    this.window.addEventListener("pointerup", drop);
    this.window.addEventListener("pointercancel", drop);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -this.span, PageDown: this.span }[event.key];
    if (event.key === "Home") this.set(this.span);
    else if (event.key === "End") this.set(this.days);
    else if (step) this.set(this.end + step * (event.shiftKey ? 7 : 1));
    else return;
    event.preventDefault();
  }

  get playing() {
    return Boolean(this.timer);
  }

  play() {
    if (this.end >= this.days) this.set(this.span);
    const step = Math.max(1, Math.round(this.span / 4));
    this.timer = setInterval(() => (this.end >= this.days ? this.pause() : this.set(this.end + step)), PLAY_MS);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.changed();
  }
}
