// Words beside the pointer are of one moment: whatever moves the map or takes the pointer away takes them away too, and
// the next step of the pointer brings those that are true then.
import { map } from "./place.js";

/** @type {(hide: () => void) => void} */
export function hideWithPointer(hide) {
  map.on("movestart zoomstart mouseout", hide);
  addEventListener("blur", hide);
}
