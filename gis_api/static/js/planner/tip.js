// The words beside the pointer. They are of one moment: whatever moves the map, changes the plan or takes the pointer
// away takes them away too, and the next step of the pointer brings those that are true then.
import { el, fill } from "../dom.js";
import { hideWithPointer } from "../map/moment.js";
import { map } from "../map/place.js";

// A finger that left the screen leaves no pointer behind that could take the words away.
const FINGER_MS = 2500;

// A code has a hyphen, at which no line shall break.
const whole = (text) => text.split(" · ").flatMap((part, i) => [i ? " · " : "", el("span", {}, part)]);

export class Tip {
  constructor(box) {
    this.box = box;
    this.said = null;
    this.later = 0;
    this.size = [0, 0];
    hideWithPointer(() => this.hide());
    addEventListener("pointerup", ({ pointerType }) => {
      if (pointerType === "mouse") return;
      clearTimeout(this.later);
      this.later = setTimeout(() => this.hide(), FINGER_MS);
    });
  }

  // `impossible`: the words say why what is being done cannot be done.
  show(point, title, text, { impossible = false } = {}) {
    const said = `${title}\n${text}`;
    if (said !== this.said) fill(this.box, el("b", {}, title), whole(text));
    this.box.classList.toggle("impossible", impossible);
    // Measured only when it is longer or shorter than before: asking for its size lays out the whole page.
    if (said.length !== this.said?.length || this.box.hidden) {
      this.box.hidden = false;
      this.size = [this.box.offsetWidth, this.box.offsetHeight];
    }
    this.said = said;
    this.place(point);
  }

  place(point) {
    const stage = map.getSize();
    const [width, height] = this.size;
    const left = Math.max(4, Math.min(point.x + 16, stage.x - width - 6));
    const top = Math.max(4, point.y + 18 + height > stage.y ? point.y - height - 12 : point.y + 18);
    this.box.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  hide() {
    clearTimeout(this.later);
    this.box.hidden = true;
  }
}
