// The box of layers: ticks show and hide what lies on the map, radios say which level a click means.
import { config } from "../config.js";
import { groundLayer, showLayer } from "../map/place.js";

export class Layers {
  // `show(name, wanted)` shows or hides a layer, `level()` is told that another level is meant.
  constructor(box, { show, level }) {
    this.box = box;
    this.show = show;
    if (matchMedia("(max-width: 900px)").matches) box.open = false;
    for (const tick of box.querySelectorAll("input[type=checkbox]")) {
      // A tile server's pictures have the ground drawn in.
      if (config.ground_styles.some(({ name }) => name === tick.name)) {
        tick.closest("label").hidden = !groundLayer()?.show;
        if (!tick.checked) showLayer(tick.name, false);
      }
      tick.addEventListener("change", () => show(tick.name, tick.checked));
    }
    for (const radio of box.querySelectorAll("input[name=level]")) {
      radio.addEventListener("change", () => {
        if (this.level === "sub_grid") this.tick("sub_grids");
        level();
      });
    }
  }

  get level() {
    return this.box.querySelector("input[name=level]:checked")?.value ?? "grid";
  }

  // Show a layer as if it had been ticked.
  tick(name) {
    const tick = this.box.querySelector(`input[name="${name}"]`);
    if (tick.checked) return;
    tick.checked = true;
    this.show(name, true);
  }
}
