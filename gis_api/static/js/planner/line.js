// Edits that wait: in line, in order, while there is no connection; held, while somebody has to decide; kept as
// sketches, to be drawn again. All of them are in the browser's database too, and are there again after a reload or a
// crash.
import { isLost } from "../api.js";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

export class Line {
  constructor(store) {
    this.store = store;
    this.waiting = [];
    this.held = [];
    this.sketches = [];
    this.stopped = null;
    this.lostAt = null;
    this.pauseMs = FIRST_PAUSE_MS;
    addEventListener("online", () => this.hurry());
    document.addEventListener("connection-back", () => this.hurry());
    addEventListener("beforeunload", (event) => this.unsaved && event.preventDefault());
  }

  get waits() {
    return this.waiting.length > 0;
  }

  // Whether something would only be in this browser if the window were closed now.
  get unsaved() {
    return this.waits || this.store.pending > 0;
  }

  // What an earlier window of this person left behind.
  async restore() {
    for (const entry of await this.store.queue.list()) {
      // Made in this window while the list was being read.
      if (this.store.keys.has(entry.key)) continue;
      this.store.keys.add(entry.key);
      if (entry.state === "waiting") this.waiting.push(entry);
      else (entry.state === "held" ? this.held : this.sketches).push(entry);
      if (entry.stops) this.stopped = entry.key;
    }
    this.store.made = Math.max(0, ...this.waiting.map(({ number }) => number));
    if (this.waits) this.lostAt = this.waiting[0].at;
    this.count(this.waiting.length);
    if (this.waits) this.store.tell("answered", { changed: [], removed: [] });
    this.tell();
    for (const entry of this.held) this.store.tell("conflict", entry);
    await this.flush();
  }

  // Put an edit at the end of the line; the answer says how it looks for the time being.
  async wait(entry, kept) {
    this.lostAt ??= Date.now();
    this.waiting.push(entry);
    this.count(1);
    this.store.tell("drawn", entry);
    this.tell();
    this.later();
    await kept;
    // While it was being written it may have been taken back, or sent already.
    const changed = this.waiting.includes(entry) ? (entry.drawn ?? []) : [];
    return { queued: true, version: this.store.version, changed, removed: [], report: this.store.report };
  }

  // The last edit of the line, as if it had never been drawn; one that is just being sent is undone when it was made.
  async takeBack() {
    if (this.sending && this.sending === this.waiting.at(-1)) await this.flushing;
    if (!this.waits) return this.store.submit("undo");
    const entry = this.waiting.pop();
    this.count(-1);
    if (!this.waits) this.lostAt = null;
    await this.store.queue.drop(entry.key);
    this.tell();
    return {
      queued: true,
      version: this.store.version,
      changed: this.store.takenBack(),
      removed: [],
      report: this.store.report,
    };
  }

  // Sending again

  hurry() {
    this.pauseMs = FIRST_PAUSE_MS;
    this.flush();
    this.store.settle();
  }

  later() {
    clearTimeout(this.timer);
    const pause = this.pauseMs * (0.75 + Math.random() / 2);
    this.timer = setTimeout(() => this.flush(), pause);
    this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
  }

  flush() {
    if (!this.flushing && !this.stopped && this.waits) {
      this.flushing = this.sendAll().finally(() => {
        this.flushing = null;
        this.tell();
      });
    }
    return this.flushing ?? Promise.resolve();
  }

  async sendAll() {
    clearTimeout(this.timer);
    try {
      // What others did while these edits waited has to be known before the first of them goes out.
      await this.store.catchUp(Math.min(...this.waiting.map(({ seen }) => seen)));
      while (this.waits && !this.stopped) await this.sendFirst();
      if (!this.waits) this.lostAt = null;
      this.pauseMs = FIRST_PAUSE_MS;
    } catch (problem) {
      if (!isLost(problem)) throw problem;
      this.lostAt ??= Date.now();
      this.later();
    }
  }

  async sendFirst() {
    const { store } = this;
    const [entry] = this.waiting;
    this.sending = entry;
    try {
      const answer = this.isMade(entry) ? await this.found(entry) : await store.send(entry);
      this.leave(entry);
      store.tell("answered", answer);
      store.tell("saved", answer);
    } catch (problem) {
      if (isLost(problem)) throw problem;
      this.leave(entry);
      if (!problem.held) this.hold(entry, { problem });
      // What was drawn after it was drawn on it: nothing goes on before somebody has decided.
      this.stop(entry);
      store.tell("answered", { changed: [], removed: [] });
    } finally {
      this.sending = null;
    }
  }

  leave(entry) {
    this.waiting.splice(this.waiting.indexOf(entry), 1);
    this.count(-1);
  }

  // Its answer was lost, but the plan's chronicle has its key.
  isMade(entry) {
    return [...this.store.lines.values()].some((line) => line.key === entry.key);
  }

  async found(entry) {
    await this.store.queue.drop(entry.key);
    return { changed: [], removed: [], version: this.store.version };
  }

  // Deciding

  // Keep an edit until somebody has decided: `lines` of others that concern it, or the `problem` it was refused with.
  /** @param {any} entry @param {{lines?: any[], problem?: any}} why */
  hold(entry, { lines = [], problem = null }) {
    const told = problem && { message: problem.message, code: problem.code, where: problem.where };
    Object.assign(entry, { state: "held", lines, problem: told });
    this.held.push(entry);
    // Asked once it is kept: a window that is closed over the question asks it again.
    this.store.queue.keep(entry).then(() => this.held.includes(entry) && this.store.tell("conflict", entry));
    return Object.assign(new Error("held"), { held: true, status: 412 });
  }

  stop(entry) {
    if (!this.waits) return;
    this.stopped = entry.key;
    entry.stops = true;
    this.store.queue.keep(entry);
  }

  // "theirs": give mine up. "mine": make it on the present version. "sketch": keep it to be drawn again later.
  async decide(entry, choice) {
    for (const list of [this.held, this.sketches]) if (list.includes(entry)) list.splice(list.indexOf(entry), 1);
    if (this.stopped === entry.key) this.stopped = null;
    entry.stops = false;
    if (choice === "theirs") await this.store.queue.drop(entry.key);
    if (choice === "sketch") {
      entry.state = "sketch";
      this.sketches.push(entry);
      await this.store.queue.keep(entry);
    }
    if (choice === "mine") {
      Object.assign(entry, { state: "waiting", anyway: this.store.version, lines: [], problem: null });
      this.waiting.unshift(entry);
      this.count(1);
      await this.store.queue.keep(entry);
    }
    this.tell();
    await this.flush();
  }

  // What waits can be undone as well.
  count(more) {
    if (this.store.plan) this.store.plan.can_undo += more;
  }

  tell() {
    this.store.tell("waiting");
  }
}
