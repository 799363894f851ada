// The tools of the rail, in order. A new tool is a module beside these and a line here.
import { Brush } from "./brush.js";
import { Carve } from "./carve.js";
import { Divide } from "./divide.js";
import { Fill } from "./fill.js";
import { Give } from "./give.js";
import { Merge } from "./merge.js";
import { Overlay } from "./overlay.js";
import { Redraw } from "./redraw.js";
import { Select } from "./select.js";
import { Split } from "./split.js";
import { Vertices } from "./vertices.js";

export const TOOLS = [Select, Vertices, Redraw, Split, Merge, Carve, Give, Brush, Fill, Overlay, Divide];
