// The plan being edited: what the server last said, edits on their way to it, and what others did meanwhile.
//
// Every edit carries the version it saw and a key under which the server makes it once; the browser keeps it until it
// was answered (queue.js). An edit that nobody else's concerns goes on by itself on a newer version; one that somebody
// else's does is held until the person has decided, and without a connection edits wait in line (line.js).
import { untilThere } from "../again.js";
import { call, get, isLost } from "../api.js";
import { config, t } from "../config.js";
import { drawnBefore, featuresBefore, gridCode, touchedBy } from "./operations/registry.js";
import { Line } from "./line.js";
import { newKey, Queue } from "../parts/queue.js";

const MOST_TRIES = 8;

export class PlanStore extends EventTarget {
  constructor(id) {
    super();
    this.id = id;
    this.path = `/api/v1/plans/${encodeURIComponent(id)}`;
    this.plan = null;
    this.version = null;
    this.report = null;
    this.turn = Promise.resolve();
    this.pending = 0;
    this.made = 0;
    this.keys = new Set();
    this.lines = new Map();
    this.unknownUpTo = 0;
    this.heardUpTo = 0;
    this.queue = new Queue(id);
    this.line = new Line(this);
    this.attach({ tiling: null, busy: () => false, figures: () => null, takenBack: () => [] });
  }

  // The map that edits are drawn on, whether something hangs on the pointer, what an edit does to households, and the
  // features as they are without an edit that was taken back.
  attach({ tiling, busy, figures, takenBack }) {
    this.tiling = tiling;
    this.busy = busy;
    this.figures = figures;
    this.takenBack = takenBack;
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  async load() {
    const answer = await call("GET", this.path);
    this.plan = answer.data;
    this.version = Number(answer.version ?? answer.data.version);
    this.tell("plan", this.plan);
    return this.plan;
  }

  // The plan itself as it is now, after everything that happened to its grids was taken in.
  async refresh() {
    await this.catchUp(this.version);
    const { data } = await call("GET", this.path);
    this.plan = data;
    this.heardUpTo = Math.max(this.heardUpTo, data.version);
    this.tell("plan", data);
  }

  async grids() {
    const { features } = await get(`${this.path}/grids`);
    return features.filter((feature) => feature.geometry);
  }

  // The whole report, asked for until it is there or asked for anew; `failed` is told why there is none yet.
  /** @param {(problem: any) => void} [failed] */
  async check(failed) {
    const mine = {};
    this.checking = mine;
    const wanted = () => this.checking === mine;
    const report = await untilThere(() => get(`${this.path}/coverage`), { wanted, failed });
    if (!report) return this.report;
    // Of two that were asked for, the older one may come last.
    if (report.version >= (this.report?.version ?? 0)) this.report = report;
    this.tell("report", this.report);
    return this.report;
  }

  difference() {
    return get(`${this.path}/diff?against=published`);
  }

  // One edit. Resolves with the server's answer, marked `queued` while there is no connection. A refusal rejects with
  // its Problem after `refused` was told, an edit that somebody else's concerns after `conflict` was.
  edit(operation) {
    return this.submit("edits", operation);
  }

  // While edits wait, the last of them is taken back before it was made.
  undo() {
    return this.line.waits ? this.line.takeBack() : this.submit("undo");
  }

  redo() {
    return this.submit("redo");
  }

  // What a repair would do with these decisions (id -> option); nothing is changed.
  async proposal(options) {
    return (await call("POST", `${this.path}/repair`, { body: { options } })).data;
  }

  repair(options) {
    return this.submit("repair?apply=true", { options });
  }

  // Puts a proposal of a division into the draft, as it was looked at.
  divide(job, profile) {
    return this.submit(`divide/${encodeURIComponent(job)}/apply?report=changes`, { profile });
  }

  // submit, withdraw, return, publish: the plan changes its state, the grids stay.
  async step(name, body) {
    if (this.line.waits) throw new Error(t("together.still_waiting"));
    const { data, version } = await call("POST", `${this.path}/${name}`, { body: body ?? {}, version: this.version });
    if (version) this.version = Number(version);
    await this.load();
    return data;
  }

  // Edits on their way

  submit(door, body) {
    const entry = this.entry(door, body);
    const kept = this.queue.keep(entry);
    this.pending += 1;
    this.tell("saving");
    const done = this.turn.then(() => this.sent(entry, kept));
    this.turn = done.catch(() => null);
    return done.then(
      (answer) => this.settled(answer),
      (problem) => this.settled(null, problem),
    );
  }

  entry(door, body) {
    const edits = door === "edits" && this.tiling;
    const codes = edits ? touchedBy(body, this.tiling) : [];
    const drawn = edits ? drawnBefore(body, this.tiling) : null;
    const before = edits ? featuresBefore(codes, this.tiling) : [];
    const key = newKey();
    this.keys.add(key);
    this.made += 1;
    return {
      key,
      at: Date.now(),
      number: this.made,
      door,
      body,
      seen: this.version,
      codes,
      before,
      drawn,
      figures: this.figures(body),
      state: "waiting",
    };
  }

  async sent(entry, kept) {
    if (this.line.waits) return this.line.wait(entry, kept);
    try {
      return await this.send(entry);
    } catch (problem) {
      if (isLost(problem)) return this.line.wait(entry, kept);
      if (!problem.held) kept.then(() => this.queue.drop(entry.key));
      throw problem;
    }
  }

  settled(answer, problem) {
    this.pending -= 1;
    if (problem && !problem.held) this.tell("refused", problem);
    else if (answer && !answer.queued) this.tell("saved", answer);
    else this.tell("waiting");
    this.settle();
    if (problem) throw problem;
    return answer;
  }

  // The answer to an edit that goes out now; again on the newer version where others did what does not concern it.
  async send(entry) {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      if (this.heardUpTo > this.version) await this.catchUp(entry.seen);
      const lines = this.concerning(entry);
      if (lines.length) throw this.line.hold(entry, { lines });
      try {
        const headers = { "Idempotency-Key": entry.key };
        const door = CHANGING.has(entry.door) ? `${entry.door}?report=changes` : entry.door;
        const { data } = await call("POST", `${this.path}/${door}`, {
          body: entry.body,
          version: this.version,
          headers,
        });
        return this.accept(entry, data);
      } catch (problem) {
        if (problem.status !== 412) throw problem;
        await this.catchUp(entry.seen);
      }
    }
    throw this.line.hold(entry, { lines: [] });
  }

  accept(entry, data) {
    this.queue.drop(entry.key);
    this.remember(
      data.lines ?? [{ version: data.version, action: ACTIONS[entry.door] ?? "edit", codes: [], key: entry.key }],
    );
    this.version = data.version;
    if (data.report) this.review(data);
    Object.assign(this.plan, {
      version: data.version,
      editors: [...new Set([...this.plan.editors, config.person.name])],
    });
    return data;
  }

  // The report after an edit: the whole one, or what changed of the one that belongs to the version before. Where there
  // is none of that version (it is still on its way, or others' news were taken into it) the whole one is asked for.
  review({ report, version }) {
    // An edit that changed nothing made no version, and no other report.
    if (report.come && version === this.report?.version) return;
    if (report.defects) this.report = { ...report, version };
    else if (this.report?.version === version - 1) {
      const gone = new Set(report.gone);
      const defects = [...this.report.defects.filter(({ id }) => !gone.has(id)), ...report.come];
      this.report = { ok: report.ok, summary: report.summary, defects, version };
    } else this.check();
  }

  // What others do

  // News of the live stream. While an edit is under way or a vertex hangs on the pointer they wait (`settle`).
  hear(news) {
    this.heardUpTo = Math.max(this.heardUpTo, news.version);
    if (news.version <= this.version) this.keep(news.lines);
    else if (!this.pending && !this.busy() && news.whole && news.since <= this.version) this.take(news);
    else this.settle();
  }

  // Come to the present version as soon as nothing is under way.
  async settle() {
    if (this.heardUpTo <= this.version || this.pending || this.catching || this.busy()) return;
    this.catching = true;
    try {
      await this.catchUp(this.version);
    } catch (problem) {
      if (!isLost(problem)) throw problem;
    } finally {
      this.catching = false;
    }
  }

  // Ask what happened since a version and take it in. Where the way is too long the plan has to be loaded anew.
  async catchUp(since) {
    const news = await get(`${this.path}/events?since=${Math.min(since, this.version)}`);
    this.heardUpTo = Math.max(this.heardUpTo, news.version);
    if (!news.whole) {
      this.unknownUpTo = news.version;
      this.tell("reload");
    } else if (news.version > this.version) this.take(news);
    else this.keep(news.lines);
    return news;
  }

  take(news) {
    this.remember(news.lines);
    this.version = news.version;
    const editors = news.lines.filter(({ codes }) => codes.length).map(({ by }) => by);
    Object.assign(this.plan, { version: news.version, editors: [...new Set([...this.plan.editors, ...editors])] });
    this.amend(news);
    this.tell("theirs", news);
  }

  // The report as far as the news tell it; a later `check` brings the exact measures.
  amend({ added, cleared, ok, summary }) {
    if (!this.report) return;
    const gone = new Set([...cleared, ...added].map(nameOf));
    const defects = [...this.report.defects.filter((defect) => !gone.has(nameOf(defect))), ...added];
    this.report = { ...this.report, version: null, ok, summary: summary ?? this.report.summary, defects };
  }

  keep(lines) {
    for (const line of lines ?? []) this.lines.set(line.version, line);
  }

  // Take lines in once: how far undo and redo reach follows from them.
  remember(lines) {
    const { plan } = this;
    for (const line of lines) {
      if (line.version <= this.version) continue;
      const way = { undo: -1, redo: 1 }[line.action] ?? 0;
      if (line.action === "rebase") Object.assign(plan, { can_undo: 0, can_redo: 0 });
      else if (way) Object.assign(plan, { can_undo: plan.can_undo + way, can_redo: plan.can_redo - way });
      else if (line.action === "edit") Object.assign(plan, { can_undo: plan.can_undo + 1, can_redo: 0 });
    }
    this.keep(lines);
  }

  // What others did since an edit was drawn, as far as it concerns the edit; undo and redo are about whatever is last.
  concerning(entry) {
    const seen = Math.max(entry.seen, entry.anyway ?? 0);
    if (seen < this.unknownUpTo) return [{ version: this.unknownUpTo, action: "unknown", codes: [], households: {} }];
    const lines = [...this.lines.values()].filter(
      (line) => line.version > seen && line.codes.length && !this.keys.has(line.key),
    );
    if (entry.door !== "edits") return lines;
    const mine = new Set(entry.codes.map((code) => gridCode(code, this.tiling)));
    return lines.filter((line) => line.codes.some((code) => mine.has(gridCode(code, this.tiling))));
  }
}

// What is answered with the changes of the report alone: the whole one is some hundred kilobytes in a large district.
const CHANGING = new Set(["edits", "undo", "redo"]);
const ACTIONS = { undo: "undo", redo: "redo" };
const nameOf = ({ kind, codes, detail }) => [kind, codes.join(), detail].join("|");
