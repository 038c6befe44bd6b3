// Sums over the heap: totals, the legend, why memory stays, the size classes.

// One pass over all pages.
function sumUp() {
  const sum = {states: new Array(STATE_COUNT).fill(0), slots: new Array(STATE_COUNT).fill(0),
    loose: [0, 0], sparse: [0, 0], pinned: [0, 0], cached: [0, 0], quarantined: [0, 0], idle: [0, 0], sparseBlocks: 0, kinds: []};
  for (let page = 0; page < heap.count; ++page) addPage(sum, page);
  sum.large = sumOf(heap.large, one => one[2] ? 0 : one[1]);
  sum.held = sumOf(heap.large, one => one[2] ? one[1] : 0);
  sum.freeResident = sumOf(heap.free, one => one[2]);
  sum.freeRest = sumOf(heap.free, one => one[1] - one[2]);
  return sum;
}

function sumOf(items, value) { return items.reduce((sum, one) => sum + value(one), 0); }

function addPage(sum, page) {
  const stride = strideOf(page);
  const kind = sum.kinds[heap.kind[page]] ??= {pages: 0, sparse: 0, blocks: 0, states: new Array(STATE_COUNT).fill(0)};
  for (let state = 0; state < STATE_COUNT; ++state) {
    const slots = countOf(page, state);
    sum.slots[state] += slots;
    sum.states[state] += slots * stride;
    kind.states[state] += slots * stride;
  }
  kind.pages += 1;
  kind.blocks += liveBlocks(page);
  const add = (reason, bytes) => {
    if (bytes === 0) return;
    sum[reason][0] += bytes;
    sum[reason][1] += 1;
  };
  add('loose', heap.loose[page]);
  add('cached', countOf(page, CACHED) * stride);
  add('quarantined', countOf(page, QUARANTINED) * stride);
  if (liveSlots(page) === 0) add('idle', bytesOf(page));
  if (isSparse(page)) {
    add('sparse', pinnedBytes(page));
    sum.sparseBlocks += liveBlocks(page);
    kind.sparse += 1;
  } else {
    add('pinned', pinnedBytes(page));
  }
}

function liveBytes(states) { return states[LIVE] + states[RUN] + states[RUN_ON]; }

// What the command sums up as this page does, from the same slots and ranges.
const SUMMED_HERE = ['live_blocks', 'cached_bytes', 'quarantined_bytes', 'free_bytes', 'clean_bytes', 'free_range_bytes',
  'free_range_resident', 'large_bytes', 'pages', 'page_bytes'];

function showTotals(sum) {
  const box = (title, value, note) => element('div', {}, element('dt', {}, title),
      element('dd', {textContent: value}, ...(note ? [element('small', {textContent: note})] : [])));
  const boxes = heap.totals.filter(([name]) => !SUMMED_HERE.includes(name)).map(([name, value]) => box(foreignName(totalTitle(name)), bytesOrCount(name, value)));
  boxes.push(box('pages', countText(heap.count), bytesText(sumOf(sum.states, bytes => bytes))));
  boxes.push(box('live blocks', countText(sum.slots[LIVE] + sum.slots[RUN] + sumOf(heap.large, one => one[2] ? 0 : 1)),
      `take ${bytesText(liveBytes(sum.states) + sum.large)}`));
  boxes.push(box('large blocks', countText(heap.large.length), bytesText(sum.large + sum.held)));
  boxes.push(box('free ranges', countText(heap.free.length), `${bytesText(sum.freeResident)} resident`));
  byId('totals').replaceChildren(...boxes);
}

function totalTitle(name) { return name.replace(/_bytes$/, '').replaceAll('_', ' '); }
// The command's totals are bytes, but for those whose name says that they count.
function bytesOrCount(name, value) { return /count|blocks|pages|threads|heaps|number/.test(name) ? countText(value) : bytesText(value); }

function showShare(sum) {
  const parts = [['live', liveBytes(sum.states) + sum.large, 'live'], ['header', sum.states[HEADER], 'headers'],
    ['quarantined', sum.states[QUARANTINED] + sum.held, 'held back'], ['cached', sum.states[CACHED], 'cached by threads'],
    ['free', sum.states[FREE] + sum.freeResident, 'free and perhaps resident'], ['clean', sum.states[CLEAN] + sum.freeRest, 'free and given back']];
  const whole = sumOf(parts, part => part[1]);
  byId('share').replaceChildren(...shareParts(parts));
  const there = parts.filter(part => part[1] > 0).map(([, bytes, title]) => `${title} ${percentText(bytes, whole)}`);
  byId('shares').textContent = `Of ${bytesText(whole)} of addresses: ${there.join(', ')}.`;
}

function shareParts(parts) {
  return parts.filter(part => part[1] > 0).map(([css, bytes, title]) => {
    const part = element('i', {className: css, title: `${title}: ${bytesText(bytes)}`});
    part.style.flex = `${bytes} 0 0`;
    return part;
  });
}

function showLegend(sum) {
  byId('legend').replaceChildren(...STATES.map((state, number) => element('li', {title: state.title},
      element('span', {className: `chip ${state.css}`}), state.name, ' ', element('small', {textContent: bytesText(sum.states[number])}))));
}

function reasonsOf(sum) {
  const pages = ([, count]) => plural(count, 'page');
  return [
    ['Free ranges, resident', sum.freeResident, plural(heap.free.filter(one => one[2] > 0).length, 'range'),
      'Free for all uses, and kept: within the budget, or freed a moment ago. It goes back by and by, and at once with malloc_trim.'],
    ['Free, nothing live beside it', sum.loose[0], pages(sum.loose),
      'Whole kernel pages of free slots. They go back when they are old enough, as far as the budget asks for it; at once with malloc_trim. How old they are is not seen from outside.', 'loose'],
    ['Kept by few live blocks', sum.sparse[0], pages(sum.sparse),
      `Sparse pages: ${plural(sum.sparseBlocks, 'live block keeps', 'live blocks keep')} all of this. It goes back when these are freed; until then it serves new blocks of their size.`, 'sparse'],
    ['Free among live blocks', sum.pinned[0], pages(sum.pinned),
      'Free slots in kernel pages that are well used. They serve new blocks of their size.', 'pinned'],
    ['Cached by threads', sum.cached[0], pages(sum.cached),
      'Freed, and kept by a thread for its next malloc. It comes back when the thread ends or does not allocate for a while.', 'cached'],
    ['Held back', sum.states[QUARANTINED] + sum.held, [sum.quarantined[1] > 0 && pages(sum.quarantined), sum.held > 0 && plural(heap.large.filter(one => one[2]).length, 'large block')].filter(Boolean).join(', '),
      'In quarantine, so that a use after free is noticed; or a large block behind guards. The options say how much and how long.', 'quarantined'],
    ['Pages without a live block', sum.idle[0], pages(sum.idle),
      'Counted above as well, by what their slots are: they go as wholes once nothing is cached or held.', 'idle'],
    ['Given back already', sum.states[CLEAN] + sum.freeRest, '', 'It takes addresses, and no memory.'],
  ];
}

function row(cells, tag = 'td') {
  return element('tr', {}, ...cells.map(cell => {
    const [content, className] = Array.isArray(cell) ? cell : [cell, ''];
    return element(tag, {className}, content);
  }));
}

// `show` gets the name of the filter whose pages are to be seen.
function showReasons(sum, show) {
  const rows = reasonsOf(sum).map(([title, bytes, where, words, filter]) => {
    const button = filter && bytes > 0 ? element('button', {type: 'button', textContent: 'Show', onclick: () => show(filter)}) : '';
    if (button) button.setAttribute('aria-label', `Show: ${title}`);
    const made = row([title, bytesText(bytes), bytes > 0 ? where : '', [words, 'words'], button]);
    made.className = bytes > 0 ? '' : 'none';
    return made;
  });
  const head = element('thead', {}, row(['Memory', 'Bytes', 'Where', ['Why it stays', 'words'], ''], 'th'));
  byId('reasons').replaceChildren(head, element('tbody', {}, ...rows));
}

function showClasses(sum) {
  const order = heap.kinds.map((kind, number) => ({kind, sum: sum.kinds[number]})).filter(one => one.sum)
      .sort((one, other) => one.kind[1] - other.kind[1] || one.kind[0] - other.kind[0]);
  const rows = order.map(({kind, sum: of}) => {
    const bytes = sumOf(of.states, state => state);
    const bar = element('span', {className: 'bar'}, ...shareParts(STACKED.map(state => [STATES[state].css, of.states[state], STATES[state].name])));
    return row([strideText(kind[1]), countText(kind[0]), countText(of.pages), bytesText(bytes), countText(of.blocks),
      percentText(liveBytes(of.states), bytes), bytesText(of.states[FREE]), countText(of.sparse), [bar, 'words']]);
  });
  const head = element('thead', {}, row(['Slots of', 'Class', 'Pages', 'Bytes', 'Live blocks', 'Live', 'Free', 'Sparse', ['Slots', 'words']], 'th'));
  byId('classes').replaceChildren(head, element('tbody', {}, ...rows));
}
