// The lines of one layer of a vector tile, for pages on which the plugin that draws such tiles is not: over a tile server's
// pictures the roads are not drawn, but borders still snap to them. Reads what the format (Mapbox Vector Tile 2.1) says of
// lines and of properties that are texts, and passes over everything else.
const VARINT = 0;
const BYTES = 2;
const SKIPPED = { 1: 8, 5: 4 };
const MOVE_TO = 1;
const LINE_TO = 2;
const EXTENT = 4096;

// {extent, features: [{geometry: [[{x, y}, …], …], properties}]} of a layer; null where the tile has none of this name.
export function linesOf(buffer, name) {
  for (const [field, layer] of fieldsOf(new Uint8Array(buffer))) {
    if (field === 3 && nameOf(layer) === name) return read(layer);
  }
  return null;
}

function nameOf(layer) {
  for (const [field, value] of fieldsOf(layer)) if (field === 1) return textOf(value);
  return null;
}

function read(layer) {
  const told = { extent: EXTENT, keys: [], values: [], features: [] };
  for (const [field, value] of fieldsOf(layer)) {
    if (field === 2) told.features.push(value);
    else if (field === 3) told.keys.push(textOf(value));
    else if (field === 4) told.values.push(valueOf(value));
    else if (field === 5) told.extent = value;
  }
  return { extent: told.extent, features: told.features.map((feature) => featureOf(feature, told)) };
}

function featureOf(bytes, { keys, values }) {
  const feature = { geometry: [], properties: {} };
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 4) feature.geometry = linesFrom(numbersOf(value));
    if (field !== 2) continue;
    const tags = numbersOf(value);
    for (let i = 0; i + 1 < tags.length; i += 2) feature.properties[keys[tags[i]]] = values[tags[i + 1]];
  }
  return feature;
}

// Steps from point to point, as the format writes them.
function linesFrom(numbers) {
  const lines = [];
  let [x, y] = [0, 0];
  for (let i = 0; i < numbers.length;) {
    const [command, count] = [numbers[i] & 7, numbers[i] >> 3];
    i += 1;
    if (command !== MOVE_TO && command !== LINE_TO) continue;
    for (let n = 0; n < count; n += 1, i += 2) {
      x += signed(numbers[i]);
      y += signed(numbers[i + 1]);
      if (command === MOVE_TO) lines.push([]);
      lines.at(-1).push({ x, y });
    }
  }
  return lines;
}

function valueOf(bytes) {
  for (const [field, value] of fieldsOf(bytes)) if (field === 1) return textOf(value);
  return undefined;
}

const signed = (number) => (number >> 1) ^ -(number & 1);
const textOf = (bytes) => new TextDecoder().decode(bytes);

function numbersOf(bytes) {
  const numbers = [];
  for (let at = 0; at < bytes.length;) {
    const [number, next] = varint(bytes, at);
    numbers.push(number);
    at = next;
  }
  return numbers;
}

// The fields of a message with their numbers: a number, or the bytes of what is inside.
function* fieldsOf(bytes) {
  for (let at = 0; at < bytes.length;) {
    const [key, start] = varint(bytes, at);
    const [field, kind] = [key >> 3, key & 7];
    const [number, after] = kind === VARINT || kind === BYTES ? varint(bytes, start) : [0, start + SKIPPED[kind]];
    at = kind === BYTES ? after + number : after;
    if (kind === BYTES) yield [field, bytes.subarray(after, at)];
    else if (kind === VARINT) yield [field, number];
  }
}

// A number and where the next one begins; those beyond 32 bits (ids) are not asked for.
function varint(bytes, at) {
  let number = 0;
  let shift = 0;
  let next = at;
  for (;;) {
    const byte = bytes[next];
    number |= shift < 32 ? (byte & 127) << shift : 0;
    next += 1;
    // Behind the end of a tile that is cut off there is nothing more to read.
    if (!(byte >= 128)) return [number >>> 0, next];
    shift += 7;
  }
}
