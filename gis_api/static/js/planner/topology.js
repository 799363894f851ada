// The packed grids of a plan, as GET …/topology sends them: layers/planning/views/topology.py says how they lie in the
// message.
import { getBytes } from "../api.js";

const MAGIC = 0x31544757;
const STEPS = 1e9;

export async function getTopology(path) {
  return unpacked(await getBytes(`${path}/topology`));
}

// {version, box, lon, lat, shapes}: every vertex once, in degrees to the last digit; a shape has its properties and its
// rings as numbers of vertices.
export function unpacked(message) {
  const view = new DataView(message);
  if (view.getUint32(0, true) !== MAGIC) throw new Error("not a topology");
  const length = view.getUint32(4, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(message, 8, length)));
  const { points, wide } = head;
  const Axis = wide ? Float64Array : Int32Array;
  const lonAt = 8 + length;
  const latAt = lonAt + points * Axis.BYTES_PER_ELEMENT;
  const lon = degrees(new Axis(message, lonAt, points), head.corner[0], wide);
  const lat = degrees(new Axis(message, latAt, points), head.corner[1], wide);
  const numbers = new Uint32Array(message, latAt + points * Axis.BYTES_PER_ELEMENT);
  return { version: head.version, box: head.box, lon, lat, shapes: shapesOf(head, numbers) };
}

// Both the sum and the steps are whole numbers, so the quotient is the very number that the decimals name.
function degrees(steps, corner, wide) {
  if (wide) return steps;
  const found = new Float64Array(steps.length);
  for (let i = 0; i < steps.length; i += 1) found[i] = (steps[i] + corner) / STEPS;
  return found;
}

function shapesOf({ columns, polygons, rings, lengths }, numbers) {
  const names = Object.keys(columns);
  let polygon = 0;
  let ring = 0;
  let at = 0;
  return columns.code.map((code, row) => {
    const properties = {};
    for (const name of names) properties[name] = columns[name][row];
    const shape = [];
    for (let last = polygon + polygons[row]; polygon < last; polygon += 1) {
      const part = [];
      for (let end = ring + rings[polygon]; ring < end; ring += 1) {
        part.push(Array.from(numbers.subarray(at, at + lengths[ring])));
        at += lengths[ring];
      }
      shape.push(part);
    }
    return { properties, polygons: shape };
  });
}
