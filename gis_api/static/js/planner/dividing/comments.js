// What planners say of the proposals of one division: read once, shown under each, and added to.
import { untilThere } from "../../again.js";
import { call, get } from "../../api.js";
import { clock, t } from "../../config.js";
import { el, fill, refusalBox } from "../../dom.js";

const MOST = 2000;

export class Comments {
  // `path` is where those of the division are read and written.
  constructor(path) {
    this.path = path;
    /** @type {Map<string, HTMLElement>} the list of each proposal, by its profile */
    this.lists = new Map();
    this.said = null;
  }

  // Asks until they are there or the proposals are gone from the page.
  async load() {
    const wanted = () => [...this.lists.values()].some((list) => list.isConnected);
    const told = await untilThere(() => get(this.path), { wanted }).catch(() => null);
    const read = told?.comments ?? [];
    // What was said here meanwhile may not be among what was read.
    this.said = [...read, ...(this.said ?? []).filter(({ id }) => !read.some((one) => one.id === id))];
    for (const profile of this.lists.keys()) this.show(profile);
  }

  section(profile) {
    const list = el("ul", { class: "comments", "data-test": `comments-${profile}` });
    this.lists.set(profile, list);
    const name = `comment-${profile}`;
    const field = el("textarea", { rows: 2, maxlength: MOST, required: true, "data-test": name });
    const wrong = el("div", {});
    const submit = (event) => {
      event.preventDefault();
      this.say(profile, field, wrong);
    };
    const form = el(
      "form",
      { onsubmit: submit, novalidate: true },
      el("label", {}, el("span", {}, t("divide.comment")), field),
      wrong,
      el("button", { class: "small", "data-test": `say-${profile}` }, t("divide.comment_send")),
    );
    this.show(profile);
    return el("div", { class: "said" }, list, form);
  }

  async say(profile, field, wrong) {
    const words = field.value.trim();
    fill(wrong);
    if (!words) return field.focus();
    field.disabled = true;
    try {
      const { data } = await call("POST", this.path, { body: { profile, words } });
      this.said = [...(this.said ?? []), data];
      field.value = "";
      this.show(profile);
    } catch (problem) {
      fill(wrong, refusalBox(problem));
    } finally {
      field.disabled = false;
    }
  }

  show(profile) {
    const mine = (this.said ?? []).filter((one) => one.profile === profile);
    fill(
      this.lists.get(profile),
      mine.map(({ words, by, at }) =>
        el("li", {}, el("p", {}, words), el("p", { class: "quiet" }, `${by} · ${clock(at)}`)),
      ),
    );
  }
}
