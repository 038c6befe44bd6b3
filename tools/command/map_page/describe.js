// What a place of the map is, in words. A subject is {page}, {page, slot}, {from, to} of map.pages,
// {large} or {free}: by the index in the heap's data.

function subjectOf(hit) {
  if (hit.extent !== undefined) return {[hit.group.what]: hit.extent};
  if (hit.page === undefined) return hit.to - hit.from === 1 ? {page: map.pages[hit.from]} : {from: hit.from, to: hit.to};
  return hit.slot === undefined ? {page: hit.page} : {page: hit.page, slot: hit.slot};
}

// The block that a slot belongs to: a run has its first slot's address.
function blockAt(page, slot) {
  const states = statesOf(page);
  if (!states) return {state: null, first: slot, slots: 1};
  let first = slot;
  while (first > 0 && states[first] === RUN_ON) --first;
  let end = first + 1;
  if (states[first] === RUN) {
    while (end < slotsOf(page) && states[end] === RUN_ON) ++end;
  }
  return {state: states[slot], first, slots: end - first};
}

const TAG_BYTES = 8;  // The end of a slot is the next one's tag.

function describe(subject) {
  if (subject.large !== undefined) return describeLarge(subject.large);
  if (subject.free !== undefined) return describeFree(subject.free);
  if (subject.page === undefined) return describePages(subject);
  return subject.slot === undefined ? describePage(subject.page) : describeSlot(subject);
}

function describeSlot({page, slot}) {
  const block = blockAt(page, slot);
  const address = heap.address[page] + block.first * strideOf(page);
  const size = block.slots * strideOf(page) - TAG_BYTES;
  const state = block.state === null ? 'not loaded yet' : STATES[block.state].title;
  const nobodys = block.state === HEADER;
  const type = nobodys ? '' : typeOf(page, block.first);
  const rows = [['State', state]];
  if (!nobodys) rows.push(['Size', `${countText(size)} bytes`]);
  if (type) rows.push(['Type', foreignName(type)]);
  rows.push(['Slot', block.slots > 1 ? `${block.first} to ${block.first + block.slots - 1}` : `${slot}`]);
  return {title: nobodys ? 'No block' : `${block.slots > 1 ? 'Run' : 'Block'} ${hex(address)}`, address, page, slot, rows,
    tip: [hex(address), nobodys ? state : `${countText(size)} bytes, ${state}`, shortName(type)].filter(Boolean)};
}

function stateRows(page) {
  return STATES.map((state, number) => [state, countOf(page, number)]).filter(([, count]) => count > 0)
      .map(([state, count]) => [state.name, `${count} · ${bytesText(count * strideOf(page))}`]);
}

// The most frequent types on a page, with their counts.
function typeRows(page) {
  const counts = new Map();
  for (const name of typesOn(page).values()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((one, other) => other[1] - one[1]).slice(0, 5).map(([name, count]) => [countText(count), foreignName(shortName(name))]);
}

function pageRows(page) {
  return [['Address', hex(heap.address[page])], ['Slots', `${slotsOf(page)} of ${strideText(strideOf(page))}`],
    ['Class', `${classOf(page)}`], ['Heap', `${heapOf(page)}`]];
}

function describePage(page) {
  const blocks = plural(liveBlocks(page), 'live block');
  return {title: `Page ${hex(heap.address[page])}`, address: heap.address[page], page, rows: [],
    tip: [`Page ${hex(heap.address[page])}`, `${slotsOf(page)} slots of ${strideText(strideOf(page))}, ${blocks}`]};
}

// Why the page's free memory stays.
function verdictOf(page) {
  const free = countOf(page, FREE) * strideOf(page);
  if (liveSlots(page) === 0 && countOf(page, CACHED) > 0) return 'No block is live. What a thread has cached keeps the page.';
  if (liveSlots(page) === 0) return 'No block is live: it can be used for another class, or go back.';
  if (isSparse(page)) return `Sparse: ${plural(liveBlocks(page), 'live block keeps', 'live blocks keep')} ${bytesText(pinnedBytes(page))} that is free.`;
  if (heap.loose[page] > 0) return `${bytesText(heap.loose[page])} could go back: free, with nothing live beside it.`;
  return free > 0 ? `${bytesText(free)} is free among live blocks: for new blocks of this size.` : '';
}

function describePages({from, to}) {
  const sums = new Array(STATE_COUNT).fill(0);
  let sparse = 0;
  let bytes = 0;
  for (let i = from; i < to; ++i) {
    const page = map.pages[i];
    for (let state = 0; state < STATE_COUNT; ++state) sums[state] += countOf(page, state) * strideOf(page);
    sparse += isSparse(page) ? 1 : 0;
    bytes += bytesOf(page);
  }
  const live = sums[LIVE] + sums[RUN] + sums[RUN_ON];
  const range = `${hex(heap.address[map.pages[from]])} to ${hex(heap.address[map.pages[to - 1]])}`;
  const rows = [[map.order === 'address' && map.group !== 'none' ? 'From, to' : 'First, last', range], ['Size', bytesText(bytes)],
    ['Live', percentText(live, bytes)], ['Sparse', plural(sparse, 'page')]];
  for (const state of STACKED) {
    if (sums[state] > 0) rows.push([STATES[state].name, bytesText(sums[state])]);
  }
  return {title: plural(to - from, 'page'), address: heap.address[map.pages[from]], rows, zooms: true,
    tip: [plural(to - from, 'page'), `${percentText(live, bytes)} live, ${bytesText(sums[FREE])} free, ${plural(sparse, 'sparse page')}`]};
}

function describeLarge(index) {
  const [address, bytes, held, type] = heap.large[index];
  const state = held ? 'freed, and held back from use for a while' : 'in use';
  const rows = [['State', state], ['Size', `${bytesText(bytes)} (${countText(bytes)} bytes)`]];
  if (type) rows.push(['Type', foreignName(type)]);
  return {title: `Large block ${hex(address)}`, address, rows, tip: [hex(address), `large, ${bytesText(bytes)}, ${state}`, shortName(type ?? '')].filter(Boolean)};
}

function describeFree(index) {
  const [address, bytes, resident] = heap.free[index];
  const rows = [['Size', `${bytesText(bytes)} (${countText(bytes)} bytes)`], ['Resident', bytesText(resident)],
    ['Why', resident > 0 ? 'Free for all uses. It is kept for a while, within the budget, and then given back.' : 'Free for all uses; it takes no memory, only addresses.']];
  return {title: `Free range ${hex(address)}`, address, rows, tip: [hex(address), `free range of ${bytesText(bytes)}, ${bytesText(resident)} resident`]};
}
