// The heap, as the command packed it (map_packing.h), and what can be asked of it.

const LIVE = 0, RUN = 1, RUN_ON = 2, FREE = 3, CLEAN = 4, CACHED = 5, QUARANTINED = 6, HEADER = 7;
const STATE_COUNT = 8;
const STATES = [
  {name: 'live', css: 'live', title: 'in use'},
  {name: 'live, a run of slots', css: 'run', title: 'in use: the first slot of a long block'},
  {name: 'further slot of a run', css: 'run-on', title: 'in use: a long block goes on here'},
  {name: 'free', css: 'free', title: 'free, and perhaps resident'},
  {name: 'free, given back', css: 'clean', title: 'free, and not resident'},
  {name: 'cached by a thread', css: 'cached', title: 'free, but a thread keeps it for its next malloc'},
  {name: 'quarantined', css: 'quarantined', title: 'freed, and held back from use for a while'},
  {name: 'header, no block', css: 'header', title: 'the page\'s own'},
];
// In this order a tile shows its slots where it cannot show each.
const STACKED = [LIVE, RUN, RUN_ON, HEADER, QUARANTINED, CACHED, FREE, CLEAN];

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

class ByteReader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }
  byte() { return this.bytes[this.at++]; }
  varint() {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = this.bytes[this.at++];
      value += (byte & 127) * scale;
      if (!(byte & 128)) return value;
    }
  }
}

const heap = {};

function readHeap() {
  const facts = JSON.parse(byId('facts').textContent);
  Object.assign(heap, facts, {count: facts.pages, chunks: [], chosenPages: null});
  readSummary(new ByteReader(fromBase64(byId('summary').textContent)));
  heap.largeAddress = heap.large.map(one => one[0]);
  heap.freeAddress = heap.free.map(one => one[0]);
  const sizes = Float64Array.from(heap.large.concat(heap.free), one => one[1]).sort();
  heap.extentBytes = sizes.reduce((sum, one) => sum + one, 0);
  heap.shortExtent = sizes[sizes.length >> 2] ?? 0;  // A quarter of them are shorter.
}

function readSummary(reader) {
  const count = heap.count;
  [heap.classes, heap.strides, heap.slots] = [0, 1, 2].map(which => Uint32Array.from(heap.kinds, kind => kind[which]));
  heap.address = new Float64Array(count);
  heap.kind = new Uint32Array(count);
  heap.owner = new Uint32Array(count);
  heap.counts = new Uint16Array(count * STATE_COUNT);
  heap.loose = new Uint32Array(count);
  let address = 0;
  for (let page = 0; page < count; ++page) {
    address += reader.varint();
    heap.address[page] = address;
    heap.kind[page] = reader.varint();
    heap.owner[page] = reader.varint();
    readCounts(reader, page);
    heap.loose[page] = reader.varint() * 16;
  }
}

function readCounts(reader, page) {
  const present = reader.byte();
  let left = slotsOf(page);
  for (let state = 0; present >> state; ++state) {
    if (!(present >> state & 1)) continue;
    const count = present >> state > 1 ? reader.byte() + 1 : left;
    heap.counts[page * STATE_COUNT + state] = count;
    left -= count;
  }
}

function classOf(page) { return heap.classes[heap.kind[page]]; }
function strideOf(page) { return heap.strides[heap.kind[page]]; }
function slotsOf(page) { return heap.slots[heap.kind[page]]; }
function heapOf(page) { return heap.heaps[heap.owner[page]]; }
function bytesOf(page) { return strideOf(page) * slotsOf(page); }
function countOf(page, state) { return heap.counts[page * STATE_COUNT + state]; }
function liveSlots(page) { return countOf(page, LIVE) + countOf(page, RUN) + countOf(page, RUN_ON); }
function liveBlocks(page) { return countOf(page, LIVE) + countOf(page, RUN); }

// Few live blocks, and free memory that they keep.
function isSparse(page) {
  const slots = slotsOf(page) - countOf(page, HEADER);
  const share = strideOf(page) >= 1024 ? 4 : 8;
  return liveSlots(page) > 0 && liveSlots(page) * share <= slots && pinnedBytes(page) > 0;
}
// Of free slots that share a kernel page with what is not free.
function pinnedBytes(page) { return countOf(page, FREE) * strideOf(page) - heap.loose[page]; }

// The details come behind the summary: null while they are not there yet.
function chunkOf(page) {
  const number = Math.floor(page / heap.pagesPerChunk);
  if (!heap.chunks[number]) {
    const text = byId(`chunk${number}`);
    const complete = text && (text.nextSibling || document.readyState !== 'loading');
    if (!complete) return null;
    heap.chunks[number] = readChunk(number, fromBase64(text.textContent));
    text.remove();
  }
  return heap.chunks[number];
}

function isChunkRead(page) { return Boolean(heap.chunks[Math.floor(page / heap.pagesPerChunk)]); }

function readChunk(number, bytes) {
  const first = number * heap.pagesPerChunk;
  const pages = Math.min(heap.pagesPerChunk, heap.count - first);
  const starts = new Uint32Array(pages);
  const reader = new ByteReader(bytes);
  for (let i = 0; i < pages; ++i) {
    starts[i] = reader.at;
    passDetails(reader, slotsOf(first + i));
  }
  return {first, bytes, starts};
}

function passDetails(reader, slots) {
  const encoding = reader.byte();
  const bits = encoding & 15;
  if (bits === 0) {
    for (let done = 0; done < slots;) {
      const more = reader.byte() & 31;
      done += 1 + (more < 31 ? more : reader.byte());
    }
  } else {
    const states = reader.byte();
    reader.at += states + Math.ceil(slots * bits / 8);
  }
  if (encoding & 16) {
    for (let rows = reader.varint(); rows > 0; --rows) readTypeRow(reader);
  }
}

const slotStates = new Uint8Array(256);

// The state of each slot, in an array that the next call uses again; null if it is not known yet.
function statesOf(page) {
  const chunk = chunkOf(page);
  if (!chunk) return null;
  readStates(new ByteReader(chunk.bytes), chunk.starts[page - chunk.first], slotsOf(page));
  return slotStates;
}

function readStates(reader, start, slots) {
  reader.at = start;
  const bits = reader.byte() & 15;
  if (bits === 0) {
    for (let slot = 0; slot < slots;) {
      const byte = reader.byte();
      const more = (byte & 31) < 31 ? byte & 31 : reader.byte();
      slotStates.fill(byte >> 5, slot, slot + more + 1);
      slot += more + 1;
    }
  } else {
    const palette = Array.from({length: reader.byte()}, () => reader.byte());
    readPacked(reader, palette, bits, slots);
  }
  return reader;
}

function readPacked(reader, palette, bits, slots) {
  const {bytes, at} = reader;
  for (let slot = 0; slot < slots; ++slot) {
    let index = 0;
    for (let bit = 0; bit < bits; ++bit) {
      const place = slot * bits + bit;
      index |= (bytes[at + (place >> 3)] >> (place & 7) & 1) << bit;
    }
    slotStates[slot] = palette[index];
  }
  reader.at = at + Math.ceil(slots * bits / 8);
}

// Live blocks in a row that have one type; the slot beyond that of the row before.
function readTypeRow(reader) {
  const slot = reader.varint();
  const typeAndMore = reader.varint();
  return {slot, type: Math.floor(typeAndMore / 2), blocks: typeAndMore % 2 ? reader.varint() + 1 : 1};
}

// The names of the types of the page's blocks by their slots, as far as they are known.
function typesOn(page) {
  const types = new Map();
  const chunk = chunkOf(page);
  const start = chunk?.starts[page - chunk.first];
  if (!chunk || !(chunk.bytes[start] & 16)) return types;
  const reader = new ByteReader(chunk.bytes);
  readStates(reader, start, slotsOf(page));
  let slot = 0;
  for (let left = reader.varint(); left > 0; --left) {
    const row = readTypeRow(reader);
    slot += row.slot;
    const name = heap.types[row.type] ?? '';
    for (let at = slot, blocks = row.blocks; blocks > 0 && at < slotsOf(page); ++at) {
      if (at > slot && slotStates[at] !== LIVE && slotStates[at] !== RUN) continue;
      types.set(at, name);
      --blocks;
    }
  }
  return types;
}

function typeOf(page, slot) { return typesOn(page).get(slot) ?? ''; }

// The last whose address is not above; -1 if there is none.
function lastNotAbove(addresses, address) {
  let low = 0;
  let high = addresses.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (addresses[middle] <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// What lies at an address: {page, slot}, {large}, {free} or null.
function findAddress(address) {
  const page = lastNotAbove(heap.address, address);
  if (page >= 0 && address < heap.address[page] + bytesOf(page)) {
    return {page, slot: Math.floor((address - heap.address[page]) / strideOf(page))};
  }
  for (const what of ['large', 'free']) {
    const index = lastNotAbove(heap[`${what}Address`], address);
    if (index >= 0 && address < heap[what][index][0] + heap[what][index][1]) return {[what]: index};
  }
  return null;
}
