// One frame of the screen for everything that is painted: layers that ask to be redrawn wait for it together, each
// once.
const waiting = new Set();
let frame = 0;

// Have a layer painted (`_draw`) when the screen is painted next, however often it is asked for until then.
export function paintSoon(layer) {
  waiting.add(layer);
  frame ||= requestAnimationFrame(paint);
  return layer;
}

// Leave out a layer that waits: it is no longer on the map.
export function paintNever(layer) {
  waiting.delete(layer);
}

// What a painting asks for anew comes in the next frame.
function paint() {
  frame = 0;
  const layers = [...waiting];
  waiting.clear();
  for (const layer of layers) layer._draw();
}
