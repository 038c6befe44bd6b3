// Where everything lies on the map: groups below each other, each with a label at its left.

// From far to near: so many pages a tile, and how long a tile's side is with the gap behind it.
const LEVELS = [4096, 1024, 256, 64, 16, 4].map(pages => ({pages, side: 8}))
    .concat([8, 18, 34, 66, 130, 258].map(side => ({pages: 1, side})));
const FIRST_WITH_SLOTS = LEVELS.findIndex(level => level.side > 8);
const LEAST_HEIGHT = 20;  // Of a group: its label's.
const GROUP_GAP = 7;
const LANE_GAP = 14;
const LANE_TILES_WIDTH = 100;  // Of a lane's tiles, about.
const ROW = 16;  // Of large blocks and ranges, with the gap.
const LEAST_EXTENT = 3;
const MOST_ROWS = 120;
const MOST_SPACER = 6e6;  // Browsers do not scroll over more than some millions of pixels.

const FILTERS = {
  all: {title: 'everything', keeps: null},
  sparse: {title: 'sparse pages', keeps: isSparse},
  loose: {title: 'pages that could give back', keeps: page => heap.loose[page] > 0},
  pinned: {title: 'pages with free slots among live', keeps: page => pinnedBytes(page) > 0 && !isSparse(page)},
  cached: {title: 'pages with cached slots', keeps: page => countOf(page, CACHED) > 0},
  quarantined: {title: 'pages with quarantined slots', keeps: page => countOf(page, QUARANTINED) > 0},
  idle: {title: 'pages without a live block', keeps: page => liveSlots(page) === 0},
};

const map = {
  group: 'class', order: 'address', filter: 'all',
  level: 0, farthest: 0,  // Of LEVELS: what is shown, and where all fits.
  top: 0, width: 0, height: 0,  // Of what is seen; in pixels of CSS.
  gutter: 0, groups: [], pages: new Uint32Array(0), tops: [], contentHeight: 0, sums: null,
};

function level() { return LEVELS[map.level]; }

// The pages in their order, and the groups that they fall into.
function arrangePages() {
  const keeps = FILTERS[map.filter].keeps;
  let pages = new Uint32Array(heap.count);
  for (let page = 0; page < heap.count; ++page) pages[page] = page;
  if (keeps) pages = pages.filter(keeps);
  if (map.order === 'empty') {
    pages = sortedBy(pages, page => Math.round(256 * liveSlots(page) / Math.max(slotsOf(page), 1)), 257);
  }
  const kindRank = ranks(heap.kinds, (one, other) => one[1] - other[1] || one[0] - other[0] || one[2] - other[2]);
  if (map.group !== 'none') pages = sortedBy(pages, page => kindRank[heap.kind[page]], heap.kinds.length);
  if (map.group === 'heap') {
    const heapRank = ranks(heap.heaps, (one, other) => one - other);
    pages = sortedBy(pages, page => heapRank[heap.owner[page]], heap.heaps.length);
  }
  map.pages = pages;
  map.groups = pageGroups(pages).concat(map.filter === 'all' ? extentGroups() : []);
}

function ranks(items, compare) {
  const order = items.map((_, index) => index).sort((one, other) => compare(items[one], items[other]));
  const rank = [];
  order.forEach((index, place) => { rank[index] = place; });
  return rank;
}

// Stable, and in linear time.
function sortedBy(pages, key, keys) {
  const ends = new Uint32Array(keys + 1);
  for (const page of pages) ends[key(page) + 1] += 1;
  for (let i = 0; i < keys; ++i) ends[i + 1] += ends[i];
  const sorted = new Uint32Array(pages.length);
  for (const page of pages) sorted[ends[key(page)]++] = page;
  return sorted;
}

function groupKey(page) {
  if (map.group === 'none') return 0;
  return map.group === 'heap' ? heap.owner[page] : heap.kind[page];
}

function pageGroups(pages) {
  const groups = [];
  for (let from = 0; from < pages.length;) {
    const key = groupKey(pages[from]);
    let to = from + 1;
    while (to < pages.length && groupKey(pages[to]) === key) ++to;
    groups.push({what: 'pages', from, to, title: groupTitle(pages[from])});
    from = to;
  }
  return groups;
}

function groupTitle(page) {
  if (map.group === 'none') return 'pages';
  return map.group === 'heap' ? `heap ${heapOf(page)}` : strideText(strideOf(page));
}

function extentGroups() {
  return [['large', 'large', 'large blocks'], ['free', 'ranges', 'free ranges']]
      .filter(([what]) => heap[what].length > 0)
      .map(([what, title, longTitle]) => ({what, title, longTitle, from: 0, to: heap[what].length}));
}

// Bytes a pixel of width: a power of two, the same for all, and finer the nearer one looks. Most are
// to scale, unless there are too many.
function extentScale() {
  const inRows = rows => heap.extentBytes / (tilesWidth() * rows);
  const whereAllFits = Math.max(inRows(10), Math.min(inRows(4), heap.shortExtent / LEAST_EXTENT));
  const wanted = whereAllFits / 2 ** (map.level - map.farthest);
  return 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(wanted, inRows(MOST_ROWS)))));
}

function tilesWidth() { return Math.max(map.width - map.gutter - 4, 40); }
function columns() { return Math.max(1, Math.floor((tilesWidth() + 1) / level().side)); }

function layOutExtents(group, scale) {
  group.scale = scale;
  group.begins = new Float64Array(group.to + 1);
  for (let i = 0; i < group.to; ++i) {
    const width = Math.max(LEAST_EXTENT, Math.round(heap[group.what][i][1] / scale));
    group.begins[i + 1] = group.begins[i] + width + 1;
  }
  group.rows = Math.ceil(group.begins[group.to] / tilesWidth());
  group.height = Math.max(group.rows * ROW, LEAST_HEIGHT);
}

// Groups of few tiles stand beside each other, in lanes, so that tiles can be larger.
function lanes() {
  const wanted = map.gutter + LANE_GAP + Math.ceil(LANE_TILES_WIDTH / level().side) * level().side;
  const count = Math.max(1, Math.floor(map.width / wanted));
  return {count, width: Math.floor(map.width / count)};
}

function measureTiles(group) {
  group.tiles = Math.ceil((group.to - group.from) / level().pages);
  group.rows = Math.ceil(group.tiles / columns());
  group.height = Math.max(group.rows * level().side, LEAST_HEIGHT);
}

function layOut() {
  map.gutter = map.width < 500 ? 82 : 112;
  const scale = extentScale();
  const {count, width} = lanes();
  let top = 4;
  let line = {used: count, height: -GROUP_GAP};  // So many of its lanes.
  for (const group of map.groups) {
    if (group.what === 'pages') measureTiles(group);
    else layOutExtents(group, scale);
    const needed = group.what === 'pages' ? Math.ceil((map.gutter + group.tiles * level().side + LANE_GAP) / width) : count;
    if (line.used + needed > count) {
      top += line.height + GROUP_GAP;
      line = {used: 0, height: group.height};
    }
    Object.assign(group, {left: line.used * width, top});
    line.used += needed;
  }
  map.tops = map.groups.map(group => group.top);
  map.contentHeight = top + Math.max(line.height, 0) + GROUP_GAP;
  map.sums = null;
}

function pagesHeight() {
  const last = map.groups.findLast(group => group.what === 'pages');
  return last ? last.top + last.height : 0;
}

// As near as all pages can be seen at once, or nearly.
function goToFit() {
  let best = 0;
  let least = Infinity;
  for (let tried = 0; tried < LEVELS.length; ++tried) {
    map.level = map.farthest = tried;
    layOut();
    const height = pagesHeight();
    least = Math.min(least, height);
    // To see each slot is worth some scrolling.
    const screens = level().side > 8 && level().side <= 34 ? 2 : 1.3;
    if (height <= Math.max(screens * map.height, 1.15 * least)) best = tried;
  }
  map.level = map.farthest = best;
}

// Bytes by state of each tile of many pages: added up once, not at each paint.
function tileSums() {
  if (map.sums) return map.sums;
  let tiles = 0;
  for (const group of map.groups) {
    group.firstTile = tiles;
    tiles += group.tiles ?? 0;
  }
  const sums = new Float32Array(tiles * STATE_COUNT);
  for (const group of map.groups) {
    if (group.what !== 'pages') continue;
    for (let i = group.from; i < group.to; ++i) {
      const page = map.pages[i];
      const stride = strideOf(page);
      const at = (group.firstTile + Math.floor((i - group.from) / level().pages)) * STATE_COUNT;
      for (let state = 0; state < STATE_COUNT; ++state) sums[at + state] += countOf(page, state) * stride;
    }
  }
  map.sums = sums;
  return sums;
}

function tilePages(group, tile) {
  const from = group.from + tile * level().pages;
  return {from, to: Math.min(from + level().pages, group.to)};
}

// A tile has as many cells a side as its page needs.
function cellsASide(page) { return Math.max(1, Math.ceil(Math.sqrt(slotsOf(page)))); }

// What is at a place of the view: {group, tile, from, to, page, slot} or {group, extent}, or null.
function hitAt(x, y) {
  let index = lastNotAbove(map.tops, y + map.top);
  while (index > 0 && map.groups[index].left > x && map.tops[index - 1] === map.tops[index]) --index;
  const group = map.groups[index];
  const inside = {x: x - map.gutter - (group?.left ?? 0), y: y + map.top - map.tops[index]};
  if (!group || inside.x < 0 || inside.y >= group.height) return null;
  return group.what === 'pages' ? hitTile(group, index, inside) : hitExtent(group, index, inside);
}

function hitTile(group, index, {x, y}) {
  const {side} = level();
  const column = Math.floor(x / side);
  const tile = Math.floor(y / side) * columns() + column;
  if (column >= columns() || tile >= group.tiles) return null;
  const found = {group, index, tile, ...tilePages(group, tile)};
  if (level().pages > 1) return found;
  found.page = map.pages[found.from];
  if (map.level >= FIRST_WITH_SLOTS) found.slot = slotIn(found.page, side - 2, x % side, y % side);
  return found;
}

function slotIn(page, size, x, y) {
  const cells = cellsASide(page);
  const [column, row] = [x, y].map(place => Math.min(cells - 1, Math.floor(place / size * cells)));
  const slot = row * cells + column;
  return slot < slotsOf(page) ? slot : undefined;
}

function hitExtent(group, index, {x, y}) {
  const extent = lastNotAbove(group.begins, Math.floor(y / ROW) * tilesWidth() + x);
  return x < tilesWidth() && extent < group.to ? {group, index, extent} : null;
}

// The rectangle of a hit, in the content's pixels.
function boxOf(hit) {
  const top = map.tops[hit.index];
  const {group} = hit;
  if (group.what !== 'pages') {
    const begin = group.begins[hit.extent];
    const row = Math.floor(begin / tilesWidth());
    const left = begin - row * tilesWidth();
    const width = Math.min(group.begins[hit.extent + 1] - 1 - begin, tilesWidth() - left);
    return {left: map.gutter + left, top: top + row * ROW, width, height: ROW - 3};
  }
  const {side} = level();
  const left = group.left + map.gutter + hit.tile % columns() * side;
  const tileTop = top + Math.floor(hit.tile / columns()) * side;
  const size = side - (side > 8 ? 2 : 1);
  if (hit.slot === undefined) return {left, top: tileTop, width: size, height: size};
  const cells = cellsASide(hit.page);
  const cell = size / cells;
  return {left: left + hit.slot % cells * cell, top: tileTop + Math.floor(hit.slot / cells) * cell, width: cell, height: cell};
}

// Where a page or extent is on the map as it is arranged; null if it is not on it.
function placeOf({page, slot, large, free, from}) {
  if (from !== undefined) page = map.pages[from];
  if (page === undefined) {
    const what = large === undefined ? 'free' : 'large';
    const index = map.groups.findIndex(group => group.what === what);
    return index < 0 ? null : {group: map.groups[index], index, extent: large ?? free};
  }
  const at = map.pages.indexOf(page);
  const index = map.groups.findIndex(group => group.what === 'pages' && group.from <= at && at < group.to);
  if (at < 0 || index < 0) return null;
  const group = map.groups[index];
  const tile = Math.floor((at - group.from) / level().pages);
  const place = {group, index, tile, ...tilePages(group, tile)};
  if (level().pages === 1) place.page = page;
  if (map.level >= FIRST_WITH_SLOTS) place.slot = slot;
  return place;
}
