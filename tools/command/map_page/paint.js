// The map's pixels: written one by one, for there are more tiles than a canvas draws rectangles.

const PAINT_MS = 12;  // How long a paint may unpack details; what is left comes with the next.
const CELL_WITH_MARK = 4;  // The least side of a slot, in pixels of the screen, that has room for its mark.

const colours = {states: [], paper: 0, ink: '', faint: ''};
let pixels = null;
let image = null;

// The colours as the page's styles have them at the moment, as pixels are: blue, green and red above
// each other.
function readColours() {
  const probe = element('i', {hidden: false});
  document.body.append(probe);
  const pixel = () => {
    const [red, green, blue] = getComputedStyle(probe).backgroundColor.match(/[\d.]+/g).map(Number);
    return (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
  };
  colours.states = STATES.map(state => {
    probe.className = state.css;
    return pixel();
  });
  probe.className = '';
  probe.style.backgroundColor = 'var(--paper)';
  colours.paper = pixel();
  const text = name => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  colours.ink = text('--ink');
  colours.faint = text('--faint');
  probe.remove();
}

function density() { return window.devicePixelRatio || 1; }

function sizeCanvas(canvas, width, height) {
  const [across, down] = [width, height].map(length => Math.max(1, Math.round(length * density())));
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, {width: across, height: down});
  Object.assign(canvas.style, {width: `${width}px`, height: `${height}px`});
}

// A rectangle of the surface, cut at its borders.
function fillBox(surface, left, top, right, bottom, colour) {
  const {width, height, words} = surface;
  left = Math.max(left, 0);
  right = Math.min(right, width);
  bottom = Math.min(bottom, height);
  for (let y = Math.max(top, 0); y < bottom; ++y) words.fill(colour, y * width + left, y * width + right);
}

// What the colour says is also said by a mark: free ones are hollow, cached ones have a hole,
// quarantined ones a bar.
function paintSlot(surface, state, left, top, right, bottom) {
  fillBox(surface, left, top, right, bottom, colours.states[state]);
  const side = right - left;
  if (side < CELL_WITH_MARK) return;
  const inset = state === FREE ? Math.ceil(side * 0.24) : state === CACHED ? Math.ceil(side * 0.36) : 0;
  if (inset > 0) fillBox(surface, left + inset, top + inset, right - inset, bottom - inset, colours.paper);
  if (state === QUARANTINED) {
    const middle = Math.floor((top + bottom) / 2);
    const half = Math.max(1, Math.floor(side / 10));
    fillBox(surface, left, middle - half, right, middle + half, colours.paper);
  }
}

function paintSlots(surface, page, states, left, top, size) {
  const cells = cellsASide(page);
  const slots = slotsOf(page);
  const gap = size / cells >= 6 ? 1 : 0;
  for (let slot = 0; slot < slots; ++slot) {
    const column = slot % cells;
    const row = (slot - column) / cells;
    const x = left + Math.round(column * size / cells);
    const y = top + Math.round(row * size / cells);
    paintSlot(surface, states[slot], x, y, left + Math.round((column + 1) * size / cells) - gap,
        top + Math.round((row + 1) * size / cells) - gap);
  }
}

// A tile that cannot show each slot shows how many are in each state, as a glass shows how full it is.
function paintShares(surface, amounts, at, left, top, size) {
  let total = 0;
  for (let state = 0; state < STATE_COUNT; ++state) total += amounts[at + state];
  if (total === 0) return;
  let done = 0;
  let sum = 0;
  for (const state of STACKED) {
    const amount = amounts[at + state];
    if (amount === 0) continue;
    sum += amount;
    // What is there at all has a pixel.
    const end = Math.min(size * size, Math.max(done + 1, Math.round(size * size * sum / total)));
    for (; done < end; ++done) paintShare(surface, left, top, size, done, colours.states[state]);
  }
}

function paintShare(surface, left, top, size, number, colour) {
  const column = number % size;
  const x = left + column;
  const y = top + size - 1 - (number - column) / size;
  if (x < surface.width && y >= 0 && y < surface.height) surface.words[y * surface.width + x] = colour;
}

// Whether each of the tiles is as it shall be; else another paint is to follow.
function paintTiles(surface, group, top, until) {
  const scale = density();
  const {side, pages} = level();
  const size = Math.round((side - (side > 8 ? 2 : 1)) * scale);
  const across = columns();
  const firstRow = Math.max(0, Math.floor(-top / side));
  const endRow = Math.min(group.rows, Math.ceil((map.height - top) / side));
  const sums = pages > 1 ? tileSums() : heap.counts;
  let complete = true;
  for (let tile = firstRow * across; tile < Math.min(endRow * across, group.tiles); ++tile) {
    const column = tile % across;
    const x = Math.round((group.left + map.gutter + column * side) * scale);
    const y = Math.round((top + (tile - column) / across * side) * scale);
    const page = map.pages[group.from + tile];
    const states = map.level >= FIRST_WITH_SLOTS && (isChunkRead(page) || performance.now() < until) ? statesOf(page) : null;
    if (states) {
      paintSlots(surface, page, states, x, y, size);
    } else {
      paintShares(surface, sums, (pages > 1 ? group.firstTile + tile : page) * STATE_COUNT, x, y, size);
      complete = complete && map.level < FIRST_WITH_SLOTS;
    }
  }
  return complete;
}

function paintExtents(surface, group, top) {
  const width = tilesWidth();
  const firstRow = Math.max(0, Math.floor(-top / ROW));
  const endRow = Math.min(group.rows, Math.ceil((map.height - top) / ROW));
  let index = Math.max(0, lastNotAbove(group.begins, firstRow * width));
  for (; index < group.to && group.begins[index] < endRow * width; ++index) paintExtent(surface, group, index, top, width);
}

function paintExtent(surface, group, index, top, width) {
  const [, bytes, detail] = heap[group.what][index];
  const begin = group.begins[index];
  const end = group.begins[index + 1] - 1;
  if (group.what === 'large') {
    paintStrip(surface, begin, end, top, width, detail ? QUARANTINED : LIVE);
  } else {
    const middle = begin + Math.round((end - begin) * detail / Math.max(bytes, 1));
    paintStrip(surface, begin, middle, top, width, FREE);
    paintStrip(surface, middle, end, top, width, CLEAN);
  }
}

// From row to row, as text goes on.
function paintStrip(surface, begin, end, top, width, state) {
  const scale = density();
  const rowsSeen = [Math.floor(-top / ROW), Math.ceil((map.height - top) / ROW)];
  let row = Math.max(Math.floor(begin / width), rowsSeen[0]);
  for (; row * width < end && row < rowsSeen[1]; ++row) {
    const left = map.gutter + Math.max(begin - row * width, 0);
    const right = map.gutter + Math.min(end - row * width, width);
    const y = Math.round((top + row * ROW) * scale);
    fillBox(surface, Math.round(left * scale), y, Math.round(right * scale), y + Math.round((ROW - 3) * scale), colours.states[state]);
  }
}

// The label stays at the top while its group is passed.
function paintLabel(context, group, top) {
  const y = Math.min(Math.max(top, 2), top + group.height - LEAST_HEIGHT + 4);
  context.fillStyle = colours.ink;
  context.font = '600 13px system-ui, "DejaVu Sans", sans-serif';
  const title = map.gutter > 100 ? group.longTitle ?? group.title : group.title;
  const x = group.left + 8;
  context.fillText(title, x, y + 12);
  const used = context.measureText(title).width + 16;
  context.fillStyle = colours.faint;
  context.font = '11px system-ui, "DejaVu Sans", sans-serif';
  const note = shortCount(group.to - group.from);
  const width = context.measureText(note).width;
  if (used + width <= map.gutter - 8) context.fillText(note, group.left + map.gutter - 8 - width, y + 12);
  if (group.height >= 36 && map.gutter > 100) context.fillText(secondLine(group), x, y + 27);
}

function secondLine(group) {
  return group.what === 'pages' ? (map.group === 'class' ? `class ${classOf(map.pages[group.from])}` : '') : `1 px = ${bytesText(group.scale)}`;
}

// Whether all is painted as it shall be.
function paint() {
  const canvas = byId('map');
  sizeCanvas(canvas, map.width, map.height);
  const context = canvas.getContext('2d');
  if (!image || image.width !== canvas.width || image.height !== canvas.height) {
    image = context.createImageData(canvas.width, canvas.height);
    pixels = {words: new Uint32Array(image.data.buffer), width: canvas.width, height: canvas.height};
  }
  pixels.words.fill(colours.paper);
  const until = performance.now() + PAINT_MS;
  let first = Math.max(0, lastNotAbove(map.tops, map.top));
  while (first > 0 && map.tops[first - 1] === map.tops[first]) --first;  // All of the line.
  let complete = true;
  const seen = [];
  for (let i = first; i < map.groups.length && map.tops[i] < map.top + map.height; ++i) {
    const top = map.tops[i] - map.top;
    seen.push([map.groups[i], top]);
    if (map.groups[i].what === 'pages') complete = paintTiles(pixels, map.groups[i], top, until) && complete;
    else paintExtents(pixels, map.groups[i], top);
  }
  context.putImageData(image, 0, 0);
  context.setTransform(density(), 0, 0, density(), 0, 0);
  for (const [group, top] of seen) paintLabel(context, group, top);
  return complete;
}

// One page alone: the details have it.
function paintPage(canvas, page, side) {
  sizeCanvas(canvas, side, side);
  const context = canvas.getContext('2d');
  const states = statesOf(page);
  const alone = context.createImageData(canvas.width, canvas.height);
  const surface = {words: new Uint32Array(alone.data.buffer), width: canvas.width, height: canvas.height};
  if (states) paintSlots(surface, page, states, 0, 0, canvas.width);
  else paintShares(surface, heap.counts, page * STATE_COUNT, 0, 0, canvas.width);
  context.putImageData(alone, 0, 0);
}
