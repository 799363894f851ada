// Vector tiles (Mapbox Vector Tile 2.1): bytes become layers of features with properties, in the tile's own
// coordinates.
const VARINT = 0;
const DOUBLE = 1;
const BYTES = 2;
const FLOAT = 5;
const MOVE_TO = 1;
const LINE_TO = 2;
const CLOSE = 7;
const EXTENT = 4096;

// {name: {extent, features: [{type, geometry: [[{x, y}, …], …], properties}]}} of a tile; type 1 are points, 2 lines, 3
// areas, whose rings end where they begin.
export function layersOf(buffer) {
  const layers = {};
  for (const [field, layer] of fieldsOf(new Uint8Array(buffer))) {
    if (field !== 3) continue;
    const { name, ...told } = read(layer);
    layers[name] = told;
  }
  return layers;
}

function read(layer) {
  /** @type {{name: string, extent: number, keys: string[], values: any[], features: Uint8Array[]}} */
  const told = { name: "", extent: EXTENT, keys: [], values: [], features: [] };
  for (const [field, value] of fieldsOf(layer)) {
    if (field === 1) told.name = textOf(value);
    else if (field === 2) told.features.push(value);
    else if (field === 3) told.keys.push(textOf(value));
    else if (field === 4) told.values.push(valueOf(value));
    else if (field === 5) told.extent = value;
  }
  const { name, extent } = told;
  return { name, extent, features: told.features.map((feature) => featureOf(feature, told)) };
}

function featureOf(bytes, { keys, values }) {
  /** @type {{type: number, geometry: {x: number, y: number}[][], properties: Record<string, any>}} */
  const feature = { type: 0, geometry: [], properties: {} };
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 3) feature.type = value;
    if (field === 4) feature.geometry = partsFrom(numbersOf(value));
    if (field !== 2) continue;
    const tags = numbersOf(value);
    for (let i = 0; i + 1 < tags.length; i += 2) feature.properties[keys[tags[i]]] = values[tags[i + 1]];
  }
  return feature;
}

// Steps from point to point, as the format writes them.
function partsFrom(numbers) {
  const parts = [];
  let [x, y] = [0, 0];
  for (let i = 0; i < numbers.length;) {
    const [command, count] = [numbers[i] & 7, numbers[i] >> 3];
    i += 1;
    if (command === CLOSE) parts.at(-1)?.push({ ...parts.at(-1)[0] });
    if (command !== MOVE_TO && command !== LINE_TO) continue;
    for (let n = 0; n < count; n += 1, i += 2) {
      x += signed(numbers[i]);
      y += signed(numbers[i + 1]);
      if (command === MOVE_TO) parts.push([]);
      parts.at(-1).push({ x, y });
    }
  }
  return parts;
}

// One of the seven kinds of values: text, float, double, whole numbers of three spellings, yes or no.
function valueOf(bytes) {
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 1) return textOf(value);
    if (field === 6) return signed(value);
    return field === 7 ? Boolean(value) : value;
  }
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
    if (kind === DOUBLE || kind === FLOAT) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + start);
      at = start + (kind === DOUBLE ? 8 : 4);
      // Behind the end of a tile that is cut off there is nothing more to read.
      if (at > bytes.length) return;
      yield [field, kind === DOUBLE ? view.getFloat64(0, true) : view.getFloat32(0, true)];
      continue;
    }
    const [number, after] = varint(bytes, start);
    at = kind === BYTES ? after + number : after;
    if (kind === BYTES) yield [field, bytes.subarray(after, at)];
    else if (kind === VARINT) yield [field, number];
    // Nothing else was ever written, so the rest cannot be understood.
    else return;
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
