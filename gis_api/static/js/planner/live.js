// What happens to the plan elsewhere, as it happens: server-sent events, taken up again after every interruption. While
// there is no stream the plan's events are asked for now and then, so that nobody draws on an old map for long.
import { call } from "../api.js";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const ASK_EVERY_MS = 5000;
const DO_EVERY_MS = 1000;
// The server says something every ten seconds: after this the line is dead, whatever the browser thinks.
const SILENT_MS = 30_000;

// This window, also after a reload.
export const tab = (() => {
  const made = () => [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(36)).join("");
  try {
    sessionStorage.planner_tab ||= made();
    return sessionStorage.planner_tab;
  } catch {
    return made();
  }
})();

export class Live {
  constructor(store, { here, state, over }) {
    this.store = store;
    this.on = { here, state, over };
    this.pause = FIRST_PAUSE_MS;
    this.doing = "{}";
    this.heardAt = Date.now();
    this.open();
    setInterval(() => this.ask(), ASK_EVERY_MS);
    addEventListener("offline", () => this.on.here([]));
    addEventListener("pagehide", () => this.source?.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  get connected() {
    return this.source?.readyState === EventSource.OPEN;
  }

  open() {
    this.source?.close();
    const { store } = this;
    const source = new EventSource(`${store.path}/live?since=${store.version}&tab=${tab}`);
    this.source = source;
    this.heardAt = Date.now();
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        this.heardAt = Date.now();
        act(JSON.parse(event.data));
      });
    on("beat", () => null);
    on("hello", ({ version, state }) => this.welcome(version, state));
    on("edited", (news) => store.hear(news));
    on("reload", () => store.tell("reload"));
    on("state", (told) => this.on.state(told));
    on("here", ({ people }) => this.on.here(people.filter((who) => who.tab !== tab)));
    on("over", () => this.leave());
    source.addEventListener("error", () => {
      this.on.here([]);
      if (source.readyState === EventSource.CLOSED) this.again();
    });
  }

  welcome(version, state) {
    this.pause = FIRST_PAUSE_MS;
    this.store.heardUpTo = Math.max(this.store.heardUpTo, version);
    if (state !== this.store.plan.state) this.on.state({ version, state });
    this.store.line.hurry();
    if (this.doing !== "{}") this.say();
  }

  // The server refused or ended the stream for good: ask again, ever more rarely.
  again() {
    if (this.source === null) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }

  leave() {
    this.source?.close();
    this.source = null;
    this.on.over();
  }

  async ask() {
    if (this.connected && Date.now() - this.heardAt > SILENT_MS) this.open();
    if (this.connected || this.source === null || this.store.line.waits) return;
    this.store.heardUpTo = Math.max(this.store.heardUpTo, this.store.version + 1);
    await this.store.settle();
    this.store.heardUpTo = this.store.version;
  }

  // Tell the others what one does here, at most once a second and only what is new.
  tell(doing) {
    const told = JSON.stringify(doing);
    if (told === this.doing) return;
    this.doing = told;
    this.due ??= setTimeout(() => this.say(), DO_EVERY_MS);
  }

  async say() {
    clearTimeout(this.due);
    this.due = null;
    if (!this.connected) return;
    const body = { tab, doing: JSON.parse(this.doing) };
    await call("POST", `${this.store.path}/here`, { body }).catch(() => null);
  }
}
