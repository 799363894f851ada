// Looking and choosing: a click selects, Shift adds.
import { Tool } from "./tool.js";

export class Select extends Tool {
  static name = "select";
  static key = "v";
  static picture = "M5 3l10 6.5-4.6.9 2.6 5-2 1-2.5-5L5 15z";
}
