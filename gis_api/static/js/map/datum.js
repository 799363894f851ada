// Showing WGS84 positions on a base map drawn in another datum, and reading the pointer back.
// Forward: the published obfuscation polynomial on the Krasovsky ellipsoid (GCJ-02) and its rotation (BD-09).
// Back: a fixed point of the forward formula, to a tenth of a millimetre. CGCS2000 and WGS84 differ by centimetres:
// same.
const A_M = 6378245;
const E2 = 0.006693421622965943;
const inChina = (lon, lat) => lon > 72.004 && lon < 137.8347 && lat > 0.8293 && lat < 55.8271;
const wave = (v, unit, big, small) => big * Math.sin(v * unit * Math.PI) + small * Math.sin(v * unit * 2 * Math.PI);

function gcj02(lon, lat) {
  if (!inChina(lon, lat)) return [lon, lat];
  const x = lon - 105;
  const y = lat - 35;
  const fast = (20 * Math.sin(6 * x * Math.PI) + 20 * Math.sin(2 * x * Math.PI)) * (2 / 3);
  const root = Math.sqrt(Math.abs(x));
  const north =
    -100 +
    2 * x +
    3 * y +
    0.2 * y * y +
    0.1 * x * y +
    0.2 * root +
    fast +
    (20 * Math.sin(y * Math.PI) + 40 * Math.sin((y / 3) * Math.PI)) * (2 / 3) +
    (160 * Math.sin((y / 12) * Math.PI) + 320 * Math.sin((y * Math.PI) / 30)) * (2 / 3);
  const east =
    300 +
    x +
    2 * y +
    0.1 * x * x +
    0.1 * x * y +
    0.1 * root +
    fast +
    wave(x, 1 / 3, 40, 0) * (2 / 3) +
    20 * Math.sin(x * Math.PI) * (2 / 3) +
    (150 * Math.sin((x / 12) * Math.PI) + 300 * Math.sin((x / 30) * Math.PI)) * (2 / 3);
  const phi = (lat * Math.PI) / 180;
  const w = 1 - E2 * Math.sin(phi) ** 2;
  return [
    lon + (east * 180) / ((A_M / Math.sqrt(w)) * Math.cos(phi) * Math.PI),
    lat + (north * 180) / (((A_M * (1 - E2)) / (w * Math.sqrt(w))) * Math.PI),
  ];
}

function bd09(lon, lat) {
  if (!inChina(lon, lat)) return [lon, lat];
  const [x, y] = gcj02(lon, lat);
  const turn = (Math.PI * 3000) / 180;
  const r = Math.hypot(x, y) + 0.00002 * Math.sin(y * turn);
  const angle = Math.atan2(y, x) + 0.000003 * Math.cos(x * turn);
  return [r * Math.cos(angle) + 0.0065, r * Math.sin(angle) + 0.006];
}

const same = (lon, lat) => [lon, lat];
const forward = { gcj02, bd09, wgs84: same, cgcs2000: same };

export const shown = (datum) => forward[datum] || same;

export function stored(datum) {
  const there = shown(datum);
  if (there === same) return same;
  return (lon, lat) => {
    let [x, y] = [lon, lat];
    for (let step = 0; step < 12; step += 1) {
      const [u, v] = there(x, y);
      [x, y] = [x + lon - u, y + lat - v];
      if (Math.abs(lon - u) + Math.abs(lat - v) < 1e-9) break;
    }
    return [x, y];
  };
}
