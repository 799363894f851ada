// Thousands of equal dots: each kind is painted once, on a small canvas of its own, and copied from there. A path with
// an arc for each takes ten times as long where there is no graphics card.
import { colour } from "../map/colours.js";
import { present } from "../dom.js";

const DOTS = { fresh: "good", stale: "notice", off: "quiet", chosen: "accent" };
const EDGE = 2;
// Kinds by name, size and the colours of the moment: a dark theme has others.
const stamps = new Map();

// Told by its shape too: who is considered off duty or turned down is a ring, everybody else a disc.
function stampOf(mood, radius) {
  const ratio = window.devicePixelRatio || 1;
  const [inner, outer] = mood === "off" ? [colour("paper"), colour("quiet")] : [colour(DOTS[mood]), colour("halo")];
  const key = [mood, radius, ratio, inner, outer].join();
  const known = stamps.get(key);
  if (known) return known;
  const half = radius + EDGE;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.ceil(2 * half * ratio);
  const context = present(canvas.getContext("2d"));
  context.scale(ratio, ratio);
  context.arc(half, half, radius, 0, 2 * Math.PI);
  context.fillStyle = inner;
  context.fill();
  context.lineWidth = mood === "off" ? 2.5 : 2;
  context.strokeStyle = outer;
  context.stroke();
  const made = { canvas, half, size: canvas.width / ratio };
  stamps.set(key, made);
  return made;
}

/** @type {(context: CanvasRenderingContext2D, place: [number, number], mood: string, radius: number) => void} */
export function dot(context, place, mood, radius) {
  dots(context, [place], mood, radius);
}

// Many of one kind; those off the canvas are left out.
/** @type {(context: CanvasRenderingContext2D, places: [number, number][], mood: string, radius: number) => void} */
export function dots(context, places, mood, radius) {
  if (!places.length) return;
  const { canvas, half, size } = stampOf(mood, radius);
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [context.canvas.width / ratio, context.canvas.height / ratio];
  for (const [x, y] of places) {
    if (x > -half && y > -half && x < width + half && y < height + half)
      context.drawImage(canvas, x - half, y - half, size, size);
  }
}
