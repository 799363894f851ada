// The parts of a track as lines of a small picture, north up and true to scale.
const WIDTH = 320;
const EDGE = 8;
const LEAST_M = 20;
const METRES_A_DEGREE = 111_320;

/** @type {(parts: {points: {lon: number, lat: number}[]}[]) => {width: number, height: number, lines: string[]}} */
export function fitted(parts) {
  const points = parts.flatMap((part) => part.points);
  const lats = points.map(({ lat }) => lat);
  const narrow = Math.cos((lats[0] * Math.PI) / 180);
  const xs = points.map(({ lon }) => lon * narrow * METRES_A_DEGREE);
  const ys = lats.map((lat) => lat * METRES_A_DEGREE);
  const [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const size = Math.max(east - west, north - south, LEAST_M);
  const scale = (WIDTH - 2 * EDGE) / size;
  const height = Math.ceil(Math.max((north - south) * scale, 40) + 2 * EDGE);
  const spare = (WIDTH - 2 * EDGE - (east - west) * scale) / 2;
  const place = ({ lon, lat }) => {
    const x = EDGE + spare + (lon * narrow * METRES_A_DEGREE - west) * scale;
    const y = EDGE + (north - lat * METRES_A_DEGREE) * scale;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  return { width: WIDTH, height, lines: parts.map((part) => part.points.map(place).join(" ")) };
}
