// A stream of server-sent events that is taken up again after every interruption, where it was left.
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const LOOK_EVERY_MS = 5000;
// The server says something every ten seconds: after this the line is dead, whatever the browser thinks.
const SILENT_MS = 30_000;

export class EventLine {
  /**
   * @param {(since: string | null) => string} address where to listen, from the id of the last event on
   * @param {Record<string, (told: any) => void>} on what to do for each event, by its name
   * @param {() => void} [lost] what to do when the line breaks
   */
  constructor(address, on, lost = () => undefined) {
    this.address = address;
    this.on = { ...on, beat: () => null, hello: (told) => this.welcome(told, on.hello) };
    this.lost = lost;
    /** @type {string | null} */
    this.since = null;
    this.heardAt = Date.now();
    this.pause = FIRST_PAUSE_MS;
    this.open();
    setInterval(() => this.connected && Date.now() - this.heardAt > SILENT_MS && this.open(), LOOK_EVERY_MS);
    addEventListener("pagehide", () => this.source?.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  get connected() {
    return this.source?.readyState === EventSource.OPEN;
  }

  // Whether nobody may listen here any more.
  get over() {
    return this.source === null;
  }

  open() {
    this.source?.close();
    const source = new EventSource(this.address(this.since));
    this.source = source;
    this.heardAt = Date.now();
    for (const [name, act] of Object.entries(this.on)) {
      source.addEventListener(name, (event) => {
        this.heardAt = Date.now();
        this.since = event.lastEventId || this.since;
        act(JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      this.lost();
      if (source.readyState === EventSource.CLOSED) this.again();
    });
  }

  welcome(told, act) {
    this.pause = FIRST_PAUSE_MS;
    act?.(told);
  }

  // The server refused or ended the stream for good: ask again, ever more rarely.
  again() {
    if (this.over) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }

  leave() {
    this.source?.close();
    this.source = null;
  }
}
