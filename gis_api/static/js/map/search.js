// The search box on a map: "/" or Ctrl+K goes there, words are looked up while they are typed, arrows and Enter choose.
import { get } from "../api.js";
import { t } from "../config.js";
import { againButton, el, fill, present } from "../dom.js";
import { shield } from "./leaflet.js";

const TYPING_MS = 120;
const FIELDS = "input, textarea, select, dialog, [contenteditable]";

export class SearchBox {
  // `chosen` gets the found thing; `plan` has its own grids searched, `area` narrows the search to a code prefix.
  /** @param {{chosen: (one: any) => void, plan?: string, area?: string}} about */
  constructor({ chosen, plan, area }) {
    this.form = present(document.getElementById("search"));
    this.input = present(this.form.querySelector("input"));
    this.list = present(this.form.querySelector("ul"));
    this.said = present(this.form.querySelector(".said"));
    this.act = chosen;
    this.asked = { plan, area };
    this.found = [];
    this.active = -1;
    this.listen();
  }

  listen() {
    const { form, input } = this;
    input.addEventListener("input", () => this.later());
    input.addEventListener("focus", () => this.open(this.found.length > 0));
    input.addEventListener("keydown", (event) => this.key(event));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener(
      "focusout",
      (/** @type {any} */ event) => form.contains(event.relatedTarget) || this.open(false),
    );
    // The map under the box must not take its clicks, its wheel or its keys.
    shield(form);
    document.addEventListener("keydown", (event) => this.call(event));
  }

  // "/" and Ctrl+K from anywhere that is not a field itself.
  call(event) {
    const combined = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!combined && !(slash && !event.target.closest(FIELDS))) return;
    event.preventDefault();
    this.input.focus();
    this.input.select();
  }

  key(event) {
    event.stopPropagation();
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.found.length) {
      event.preventDefault();
      this.open(true);
      this.point((this.active + step + this.found.length) % this.found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.enter();
    } else if (event.key === "Escape") this.escape();
    else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") event.preventDefault();
  }

  // What Enter chooses: the row pointed at, else the first; while an answer is under way, the first of that answer.
  async enter() {
    if (this.waiting || this.asking) await this.look();
    const one = this.found[Math.max(0, this.active)];
    if (one) this.choose(one);
  }

  escape() {
    if (this.input.value === "" || this.list.hidden) this.input.blur();
    this.input.value = "";
    this.clear();
  }

  clear() {
    clearTimeout(this.waiting);
    this.waiting = 0;
    this.asking?.abort();
    this.asking = null;
    this.found = [];
    fill(this.list);
    this.tell("");
    this.open(false);
  }

  later() {
    clearTimeout(this.waiting);
    if (this.input.value.trim() === "") this.clear();
    else this.waiting = setTimeout(() => this.look(), TYPING_MS);
  }

  // Ask the service; an older question under way is given up.
  async look() {
    clearTimeout(this.waiting);
    this.waiting = 0;
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    const words = this.input.value.trim();
    this.form.setAttribute("aria-busy", "true");
    try {
      const answer = await get(`/api/v1/search?${this.question(words)}`, { signal: asking.signal });
      if (this.asking === asking) this.show(answer, words);
    } catch (problem) {
      if (problem.name !== "AbortError" && this.asking === asking) this.failed(problem);
    } finally {
      if (this.asking === asking) {
        this.asking = null;
        this.form.removeAttribute("aria-busy");
      }
    }
  }

  question(q) {
    const asked = Object.entries({ q, ...this.asked }).filter(([, value]) => value);
    return new URLSearchParams(asked);
  }

  show({ results, more }, words) {
    this.found = results;
    this.active = -1;
    fill(
      this.list,
      results.map((one, at) => this.row(one, at, words)),
    );
    if (!results.length) this.tell(t("search.nothing", { words }));
    else this.tell(t(more ? "search.more" : "search.found", { n: results.length }));
    this.open(true);
  }

  failed(problem) {
    this.found = [];
    fill(this.list);
    this.tell(
      problem.message,
      againButton(problem, () => this.look()),
    );
    this.open(true);
  }

  tell(words, ...more) {
    fill(this.said, words, ...more);
  }

  row(one, at, words) {
    const way = one.path.map((step) => step.name || step.code).join(" › ");
    const row = el(
      "li",
      {
        role: "option",
        id: `search-found-${at}`,
        "aria-selected": "false",
        "data-test": "search-result",
        "data-kind": one.kind,
        "data-code": one.code ?? one.grid ?? "",
      },
      el("span", { class: "kind" }, t(`search.${one.kind}`)),
      el("b", {}, marked(one.name || one.code, words)),
      el(
        "span",
        { class: "quiet" },
        [
          one.code && one.code !== one.name ? marked(one.code, words) : null,
          one.detail ? marked(one.detail, words) : null,
          way,
        ]
          .filter(Boolean)
          .flatMap((part, i) => (i ? [" · ", part] : [part])),
      ),
    );
    row.addEventListener("pointerdown", (event) => event.preventDefault());
    row.addEventListener("click", () => this.choose(one));
    row.addEventListener("pointermove", () => this.active === at || this.point(at));
    return row;
  }

  point(at) {
    this.active = at;
    [...this.list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === at)));
    const row = this.list.children[at];
    this.input.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  }

  open(wanted) {
    const shown = wanted && (this.found.length > 0 || this.said.textContent !== "");
    this.list.hidden = !shown || !this.found.length;
    this.said.classList.toggle("unseen", !shown || this.found.length > 0);
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    if (this.list.hidden) this.input.removeAttribute("aria-activedescendant");
  }

  choose(one) {
    // An answer that is still under way would open the list again over the map.
    clearTimeout(this.waiting);
    this.waiting = 0;
    this.asking?.abort();
    this.asking = null;
    this.form.removeAttribute("aria-busy");
    this.input.value = one.name || one.code;
    this.open(false);
    this.input.blur();
    this.act(one);
  }
}

// A text with the typed words told apart.
function marked(text, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const low = text.toLowerCase();
  const first = wanted.map((word) => [low.indexOf(word), word.length]).find(([at]) => at >= 0);
  if (!first) return text;
  const [at, length] = first;
  return [text.slice(0, at), el("mark", {}, text.slice(at, at + length)), text.slice(at + length)];
}
