// What happens to the plan elsewhere, as it happens: server-sent events, taken up again after every interruption. While
// there is no stream the plan's events are asked for now and then, so that nobody draws on an old map for long.
import { call } from "../api.js";
import { EventLine } from "../parts/event_line.js";

const ASK_EVERY_MS = 5000;
const DO_EVERY_MS = 1000;

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
    this.doing = "{}";
    this.line = new EventLine(
      () => `${store.path}/live?since=${store.version}&tab=${tab}`,
      {
        hello: (told) => this.welcome(told.version, told.state),
        edited: (news) => store.hear(news),
        reload: () => store.tell("reload"),
        state: (told) => this.on.state(told),
        here: ({ people }) => this.on.here(people.filter((who) => who.tab !== tab)),
        over: () => this.leave(),
      },
      () => this.on.here([]),
    );
    setInterval(() => this.ask(), ASK_EVERY_MS);
    addEventListener("offline", () => this.on.here([]));
  }

  get connected() {
    return this.line.connected;
  }

  welcome(version, state) {
    this.store.heardUpTo = Math.max(this.store.heardUpTo, version);
    if (state !== this.store.plan.state) this.on.state({ version, state });
    this.store.line.hurry();
    if (this.doing !== "{}") this.say();
  }

  leave() {
    this.line.leave();
    this.on.over();
  }

  async ask() {
    if (this.connected || this.line.over || this.store.line.waits) return;
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
