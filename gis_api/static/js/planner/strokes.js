// The finished strokes of the brush, in order, until each has become an edit. A stroke may be drawn before its cells
// are there, and while the line is away: it waits for them, whatever is on the screen or in the hand meanwhile.
import { untilThere } from "../again.js";

/**
 * @typedef {object} Stroke
 * @property {string} to the code of what gets the ground
 * @property {string} by what is painted: "block" or "building"
 * @property {number} zoom
 * @property {[number, number][]} path in world units
 * @property {Set<any>} patches what is under it, as far as that is known
 * @property {Promise<any>} [sent] the edit that it has become, while that is on its way
 */

export class Strokes {
  // `cells(stroke)` resolves with what lies under it, `give(stroke)` makes it an edit, `waits` hears that it has to
  // wait, `refused` of what it cannot become, `changed` of every change of the list.
  constructor({ cells, give, waits, refused, changed }) {
    this.does = { cells, give, waits, refused, changed };
    /** @type {Stroke[]} */
    this.list = [];
    this.worker = null;
    addEventListener("beforeunload", (event) => this.list.length && event.preventDefault());
  }

  add(stroke) {
    this.list.push(stroke);
    this.does.changed();
    if (!this.worker) this.work();
  }

  // The last one that is not on its way yet, as if it had not been painted: true where there was one.
  takeBack() {
    const last = this.list.at(-1);
    if (!last || last.sent) return false;
    this.list.pop();
    this.work();
    this.does.changed();
    return true;
  }

  // All that are not on their way yet.
  giveUp() {
    const some = this.list.some(({ sent }) => !sent);
    this.list = this.list.filter(({ sent }) => sent);
    if (some) this.work();
    this.does.changed();
    return some;
  }

  // One after the other. Whoever waited for a stroke that is gone has nothing to do any more.
  async work() {
    const worker = {};
    this.worker = worker;
    while (this.worker === worker && this.list.length) await this.finish(this.list[0], worker);
    if (this.worker === worker) this.worker = null;
  }

  async finish(stroke, worker) {
    const wanted = () => this.worker === worker && this.list[0] === stroke;
    try {
      if (!stroke.sent) {
        const failed = () => this.does.waits(stroke);
        const patches = await untilThere(() => this.does.cells(stroke), { wanted, failed });
        if (!patches || !wanted()) return;
        stroke.patches = patches;
        stroke.sent = this.does.give(stroke);
      }
      await stroke.sent;
    } catch (problem) {
      this.does.refused(problem);
    }
    this.list = this.list.filter((other) => other !== stroke);
    this.does.changed();
  }
}
