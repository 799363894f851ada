// Who else is in this plan: a row of initials in the top bar, and on the map, discreetly, where each of them works.
import { config, t } from "../config.js";
import { byId, el, fill } from "../dom.js";
import { FACE } from "../map/colours.js";
import { toWorld } from "../map/world.js";
import { outline } from "../draw/paint.js";

// Dark enough for white letters, apart for colour-blind eyes; the letter and the name say the same.
const COLOURS = ["#0b66d8", "#b2401b", "#1f7a4d", "#7a3fa0", "#8a5a00", "#00707f", "#a3195b", "#4b5563"];
const SHOWN = 4;
const FLASH_MS = 2500;

export const colourOf = (name) =>
  COLOURS[[...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) >>> 0, 7) % COLOURS.length];

export class People {
  constructor(tiling, { goTo, redraw }) {
    this.tiling = tiling;
    this.goTo = goTo;
    this.redraw = redraw;
    this.here = [];
    this.flashes = [];
    this.list = el("ul", { class: "people", "data-test": "planner-people", "aria-label": t("together.people") });
    byId("read-only").before(this.list);
  }

  // Whether there is anything to paint.
  get visible() {
    return this.flashes.length > 0 || this.here.some(({ doing }) => doing.grids?.length || doing.at);
  }

  // One entry a person, however many windows; oneself in another window is told apart.
  show(windows) {
    this.here = windows;
    const people = new Map();
    for (const who of windows) if (!people.get(who.person)?.doing.grids) people.set(who.person, who);
    const rows = [...people.values()];
    fill(
      this.list,
      rows.slice(0, SHOWN).map((who) => this.row(who)),
      rows.length > SHOWN
        ? el(
            "li",
            {
              class: "quiet",
              title: rows
                .slice(SHOWN)
                .map(({ person }) => person)
                .join(" "),
            },
            `+${rows.length - SHOWN}`,
          )
        : null,
      rows.length
        ? el(
            "li",
            { class: "quiet words" },
            t("together.here", { n: rows.length + (people.has(config.person.name) ? 0 : 1) }),
          )
        : null,
    );
    this.redraw();
  }

  row({ person, doing }) {
    const name = person === config.person.name ? t("together.own_window") : person;
    const words = [name, this.wordsOf(doing)].filter(Boolean).join(" · ");
    const [code] = doing.grids ?? [];
    const button = el(
      "button",
      {
        type: "button",
        title: words,
        "aria-label": words,
        "data-person": person,
        onclick: () => code && this.goTo(code),
      },
      [...person][0].toUpperCase(),
    );
    button.style.setProperty("--who", colourOf(person));
    return el("li", {}, button);
  }

  wordsOf({ grids, tool }) {
    const shape = this.tiling.shapes.get(grids?.[0]);
    const where = shape ? shape.properties.name || shape.code : null;
    return [tool && t(`planner.tool_${tool}`), where].filter(Boolean).join(" · ");
  }

  // The grids that somebody just changed, for a moment in their colour.
  flash(person, codes) {
    const flash = { codes, colour: colourOf(person) };
    this.flashes.push(flash);
    this.redraw();
    setTimeout(() => {
      this.flashes.splice(this.flashes.indexOf(flash), 1);
      this.redraw();
    }, FLASH_MS);
  }

  // The grids among these; their sub-grids only where those stand alone.
  shapesOf(codes) {
    const shapes = codes.map((code) => this.tiling.shapes.get(code)).filter(Boolean);
    return shapes.filter(({ level, parent }) => level !== "sub_grid" || !codes.includes(parent));
  }

  paint(context, view) {
    for (const { codes, colour } of this.flashes)
      outline(context, this.tiling, this.shapesOf(codes), view, { fill: `${colour}33`, stroke: colour, width: 2 });
    for (const { person, doing } of this.here) {
      const colour = colourOf(person);
      outline(context, this.tiling, this.shapesOf(doing.grids ?? []), view, { stroke: colour, width: 2, dash: [6, 4] });
      if (doing.at) paintPointer(context, view, person, { colour, at: doing.at });
    }
  }
}

function paintPointer(context, view, person, { colour, at }) {
  const [x, y] = toWorld(...at);
  const [px, py] = [x * view.scale - view.x, y * view.scale - view.y];
  context.beginPath();
  context.moveTo(px, py);
  context.lineTo(px + 4, py + 12);
  context.lineTo(px + 11, py + 7);
  context.closePath();
  context.fillStyle = colour;
  context.fill();
  context.font = `600 11px ${FACE}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  const width = context.measureText(person).width + 10;
  context.beginPath();
  context.roundRect(px + 10, py + 10, width, 17, 4);
  context.fill();
  context.fillStyle = "#ffffff";
  context.fillText(person, px + 15, py + 19);
}
