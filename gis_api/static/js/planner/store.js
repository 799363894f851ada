// The plan being edited: what the server last said, one edit after another, each with the version it saw.
import { call, get, Problem } from "../api.js";
import { config } from "../config.js";

export class PlanStore extends EventTarget {
  constructor(id) {
    super();
    this.id = id;
    this.path = `/api/v1/plans/${encodeURIComponent(id)}`;
    this.plan = null;
    this.version = null;
    this.report = null;
    this.queue = Promise.resolve();
    this.pending = 0;
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  async load() {
    const answer = await call("GET", this.path);
    this.plan = answer.data;
    this.version = answer.version ?? answer.data.version;
    this.tell("plan", this.plan);
    return this.plan;
  }

  async grids() {
    const { features } = await get(`${this.path}/grids`);
    return features.filter((feature) => feature.geometry);
  }

  async check() {
    this.report = await get(`${this.path}/coverage`);
    this.tell("report", this.report);
    return this.report;
  }

  difference() {
    return get(`${this.path}/diff?against=published`);
  }

  // One edit. Resolves with the server's answer; a refusal rejects with its Problem after `refused` was told.
  edit(operation) {
    return this.inTurn(() => this.send("edits", operation));
  }

  undo() {
    return this.inTurn(() => this.send("undo"));
  }

  redo() {
    return this.inTurn(() => this.send("redo"));
  }

  // What a repair would do with these decisions (id -> option); nothing is changed.
  async proposal(options) {
    return (await call("POST", `${this.path}/repair`, { body: { options } })).data;
  }

  repair(options) {
    return this.inTurn(() => this.send("repair?apply=true", { options }));
  }

  inTurn(work) {
    this.pending += 1;
    this.tell("saving");
    const done = this.queue.then(work);
    this.queue = done.catch(() => null);
    return done;
  }

  async send(door, body) {
    try {
      const { data, version } = await call("POST", `${this.path}/${door}`, { body, version: this.version });
      this.pending -= 1;
      this.version = version ?? data.version;
      this.remember(door, data);
      if (data.report) this.report = data.report;
      this.tell("saved", data);
      return data;
    } catch (problem) {
      this.pending -= 1;
      this.tell(problem instanceof Problem && problem.status === 412 ? "outdated" : "refused", problem);
      throw problem;
    }
  }

  // What an edit changes of the plan itself: its version, its editors, how far its history reaches.
  remember(door, { version }) {
    const { plan } = this;
    const way = { undo: -1, redo: 1 }[door] ?? 0;
    plan.version = version;
    plan.editors = [...new Set([...plan.editors, config.person.name])];
    plan.can_undo = way ? plan.can_undo + way : plan.can_undo + 1;
    plan.can_redo = way ? plan.can_redo - way : 0;
  }

  // submit, withdraw, return, publish: the plan changes its state, the grids stay.
  async step(name, body) {
    const { data, version } = await call("POST", `${this.path}/${name}`, { body: body ?? {}, version: this.version });
    if (version) this.version = version;
    await this.load();
    return data;
  }
}
