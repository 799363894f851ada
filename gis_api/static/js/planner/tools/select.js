// Looking and choosing: a click selects, Shift adds; Delete asks into which neighbour the selected grid goes.
import { Tool } from "./tool.js";

export class Select extends Tool {
  static name = "select";
  static key = "v";
  static picture = "M5 3l10 6.5-4.6.9 2.6 5-2 1-2.5-5L5 15z";

  key(event) {
    const { editor } = this;
    if (event.key !== "Delete" || editor.selected.length !== 1 || !editor.editing) return false;
    editor.card.askRemoval();
    return true;
  }
}
