// Where the worker is, sent while on duty and as long as they want it, kept while there is no line; and their own way
// of today, which nobody else can ask for.
import { call, get, isLost } from "../api.js";
import { clock, config, measure, number, t } from "../config.js";
import { byId, el, fill, svg } from "../dom.js";
import { keepAnswer, keptAnswer } from "../parts/kept_answers.js";
import { onServer } from "../server_clock.js";
import { fitted } from "./track_line.js";

const POSITIONS = "/api/v1/positions";
const UNSENT = "positions that are not sent";
// A track takes one point in ten seconds, and a phone that sends more only drinks its battery.
const EVERY_MS = 10_000;
const SEND_MS = 20_000;
// A long day without a line.
const MOST_KEPT = 5_000;
const MOST_AT_ONCE = 500;
const WANTED = `wangge-share-place ${config.person.name}`;

const wish = {
  read: () => {
    try {
      return localStorage.getItem(WANTED) === "yes";
    } catch {
      return false;
    }
  },
  write: (wanted) => {
    try {
      localStorage.setItem(WANTED, wanted ? "yes" : "no");
    } catch {
      // Without a store it holds for as long as the page is open.
    }
  },
};

const onDuty = () =>
  config.duties.some(({ since, until }) => Date.parse(since) <= Date.now() && Date.now() < Date.parse(until));

// The card of an account that belongs to a worker; others have no place to send.
export function showFootprints(body) {
  if (config.worker == null || !navigator.geolocation) return;
  byId("place-card").hidden = false;
  new Footprints(body);
}

class Footprints {
  constructor(body) {
    this.wanted = wish.read();
    this.watching = null;
    this.seenAt = 0;
    this.unsent = [];
    this.sending = false;
    this.button = el("button", { type: "button", "data-test": "share-place", onclick: () => this.turn() });
    this.said = el("p", { role: "status", "data-test": "place-said" });
    this.way = el("div", { class: "answer", "data-test": "own-track" });
    const open = (event) => event.currentTarget.open && this.showWay();
    fill(
      body,
      this.button,
      this.said,
      el("details", { ontoggle: open }, el("summary", {}, t("phone.own_track")), this.way),
    );
    this.begin();
  }

  async begin() {
    this.unsent = (await keptAnswer(UNSENT)) ?? [];
    this.follow();
    setInterval(() => this.follow(), SEND_MS);
    document.addEventListener("connection-back", () => this.send());
  }

  turn() {
    this.wanted = !this.wanted;
    wish.write(this.wanted);
    this.follow();
  }

  // Watch while on duty and wanted, and not a second longer.
  follow() {
    const due = this.wanted && onDuty();
    if (due && this.watching == null)
      this.watching = navigator.geolocation.watchPosition(
        (fix) => this.see(fix),
        () => this.tell(t("phone.no_fix")),
        { enableHighAccuracy: true, maximumAge: EVERY_MS },
      );
    if (!due && this.watching != null) {
      navigator.geolocation.clearWatch(this.watching);
      this.watching = null;
    }
    this.button.setAttribute("aria-pressed", String(this.wanted));
    fill(this.button, t(this.wanted ? "phone.stop_sharing" : "phone.share_place"));
    if (!this.wanted) this.tell(t("phone.not_shared"));
    else if (!due) this.tell(t("phone.shared_on_duty"));
    this.send();
  }

  async see({ coords, timestamp }) {
    if (timestamp - this.seenAt < EVERY_MS) return;
    this.seenAt = timestamp;
    this.unsent.push({
      worker: config.worker,
      lon: coords.longitude,
      lat: coords.latitude,
      datum: "wgs84",
      accuracy_m: coords.accuracy,
      fixed_at: onServer(timestamp),
    });
    this.unsent = this.unsent.slice(-MOST_KEPT);
    await this.keep();
    await this.send();
  }

  keep() {
    return keepAnswer(UNSENT, this.unsent);
  }

  // All that is kept, oldest first. What the service refuses is not sent again, and why is told.
  async send() {
    if (this.sending) return;
    this.sending = true;
    try {
      while (this.unsent.length) await this.sendSome(this.unsent.slice(0, MOST_AT_ONCE));
    } catch (problem) {
      const words = isLost(problem) ? t("phone.unsent_places", { n: number(this.unsent.length) }) : problem.message;
      this.tell(words);
    } finally {
      this.sending = false;
    }
  }

  async sendSome(fixes) {
    const drop = async () => {
      this.unsent = this.unsent.slice(fixes.length);
      await this.keep();
    };
    try {
      const { data } = await call("POST", POSITIONS, { body: { fixes } });
      await drop();
      const [refused] = data.refused.slice(-1);
      this.tell(refused ? this.wordOf(refused.reason) : t("phone.place_sent", { at: clock(Date.now()) }));
    } catch (problem) {
      if (problem.status === 422) await drop();
      throw problem;
    }
  }

  wordOf(reason) {
    return t(`phone.place_${["datum_flipped", "in_the_future"].includes(reason) ? reason : "refused"}`);
  }

  tell(words) {
    fill(this.said, words);
  }

  async showWay() {
    try {
      fill(this.way, wayOf(await get(`${POSITIONS}/track`)));
    } catch (problem) {
      fill(this.way, el("p", { class: "bad", role: "alert" }, problem.message));
    }
  }
}

function wayOf({ parts, length_m: length, kept_days: days }) {
  const note = el("p", { class: "quiet" }, t("phone.track_private", { days: number(days) }));
  if (!parts.length) return [el("p", { class: "empty" }, t("phone.no_track")), note];
  const points = parts.flatMap((part) => part.points);
  const words = t("phone.track", {
    since: clock(points[0].at).slice(0, 5),
    until: clock(points.at(-1).at).slice(0, 5),
    km: measure(length / 1000),
  });
  const { width, height, lines } = fitted(parts);
  const drawn = lines.map((line) =>
    line.includes(" ")
      ? svg("polyline", { points: line })
      : svg("circle", { cx: line.split(",")[0], cy: line.split(",")[1], r: 4 }),
  );
  const picture = svg(
    "svg",
    { class: "way", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words },
    drawn,
  );
  return [el("p", {}, words), picture, note];
}
