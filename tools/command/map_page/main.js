// What the user does, and what follows from it.

const state = {chosen: null, cursor: null, awaitsFrame: false, writesPlace: 0};

function later() {
  if (state.awaitsFrame) return;
  state.awaitsFrame = true;
  requestAnimationFrame(() => {
    state.awaitsFrame = false;
    if (!paint()) later();
    if (performance.getEntriesByName('map').length === 0) performance.mark('map');  // How soon it is seen.
    placeMark('chosen', state.chosen && placeOf(state.chosen));
  });
}

function placeMark(id, place) {
  const mark = byId(id);
  mark.hidden = !place;
  if (!place) return;
  const {left, top, width, height} = boxOf(place);
  Object.assign(mark.style, {left: `${left - 2}px`, top: `${top - map.top - 2}px`, width: `${width + 4}px`, height: `${height + 4}px`});
}

// The spacer is as high as the content, or as browsers bear; then the bar's places are scaled.
function spacerHeight() { return Math.min(map.contentHeight, MOST_SPACER); }
function lastTop() { return Math.max(0, map.contentHeight - map.height); }

function scrollTo(top) {
  map.top = Math.min(Math.max(0, top), lastTop());
  const room = spacerHeight() - map.height;
  byId('frame').scrollTop = room > 0 ? map.top / lastTop() * room : 0;
  later();
}

function onScroll() {
  const room = spacerHeight() - map.height;
  const top = room > 0 ? byId('frame').scrollTop / room * lastTop() : 0;
  // What scrollTo has set may be rounded by the browser: it is not a wish of the user.
  const pixel = room > 0 ? lastTop() / room : 1;
  if (Math.abs(top - map.top) > pixel) map.top = top;
  placeMark('hover', null);
  hideTip();
  later();
}

function measure() {
  const frame = byId('frame');
  map.width = frame.clientWidth;
  map.height = frame.clientHeight;
}

function layOutAgain() {
  layOut();
  byId('spacer').style.height = `${spacerHeight()}px`;
  byId('view').style.height = `${Math.min(map.height, spacerHeight())}px`;
  map.top = Math.min(map.top, lastTop());
  const {pages, side} = level();
  byId('level').textContent = pages > 1 ? `${countText(pages)} pages a tile` : side === 8 ? 'a tile a page' : `${Math.floor((side - 2) / 16)} px a slot`;
  byId('out').disabled = map.level <= Math.min(map.farthest, FIRST_WITH_SLOTS - 1);
  byId('in').disabled = map.level === LEVELS.length - 1;
  later();
}

// What is chosen, if it is in view; else its middle.
function zoomCentre() {
  const place = state.chosen && placeOf(state.chosen);
  const box = place && boxOf(place);
  const seen = box && box.top >= map.top && box.top < map.top + map.height;
  return seen ? [box.left + 1, box.top + 1 - map.top] : [map.width / 2, map.height / 2];
}

// Keeps in place what is at (x, y) of the view.
function zoomTo(next, [x, y] = zoomCentre()) {
  const target = Math.min(Math.max(next, 0), LEVELS.length - 1);
  if (target === map.level) return;
  const keep = anchorAt(x, y);
  map.level = target;
  layOutAgain();
  scrollTo(keep() - y);
}

// Gives, when all is laid out anew, how far down it then is what is now at (x, y): a page or an
// extent, or so much of the way through a group.
function anchorAt(x, y) {
  const hit = hitAt(x, y);
  if (hit) {
    const subject = hit.extent === undefined ? {page: map.pages[(hit.from + hit.to) >> 1]} : subjectOf(hit);
    return () => boxOf(placeOf(subject)).top;
  }
  const index = Math.max(0, lastNotAbove(map.tops, map.top + y));
  const part = (map.top + y - map.tops[index]) / Math.max(map.groups[index]?.height ?? 1, 1);
  return () => map.tops[index] + part * (map.groups[index]?.height ?? 0);
}

function fit() {
  goToFit();
  layOutAgain();
  scrollTo(map.top);
}

function arrange() {
  arrangePages();
  state.cursor = null;
  if (state.chosen?.from !== undefined) letGo();  // These pages are together no longer.
  goToFit();
  layOutAgain();
  scrollTo(0);
  const {filter} = map;
  if (filter === 'all') return say(map.groups.length > 0 ? '' : 'This heap has no pages.');
  say(`${plural(map.pages.length, 'page')} of ${countText(heap.count)}: ${FILTERS[filter].title}.`);
}

function say(text) { byId('said').textContent = text; }

function bringIntoView(place) {
  const {top, height} = boxOf(place);
  if (top < map.top || top + height > map.top + map.height) scrollTo(top - map.height / 2);
}

// `keepsFocus`: the user is within the details, which are made anew.
function choose(subject, keepsFocus) {
  state.chosen = subject;
  showDetails(subject, {choose, zoom: () => zoomInto(subject)});
  if (keepsFocus) byId('page')?.focus({preventScroll: true});
  const {address} = describe(subject);
  rememberAddress(address);
  later();
}

function letGo() {
  state.chosen = null;
  showNothing();
  rememberAddress(null);
  later();
}

function rememberAddress(address) {
  byId('address').value = address === null ? '' : hex(address);
  clearTimeout(state.writesPlace);  // Browsers slow down who changes it with each key.
  state.writesPlace = setTimeout(() => writePlace(address), 250);
}

function writePlace(address) {
  try {
    history.replaceState(null, '', address === null ? location.pathname + location.search : `#${hex(address)}`);
  } catch (error) {
    // Where a page has no history of its own the address is only in the field.
  }
}

function zoomInto({from, to, page}) {
  const into = from === undefined ? page : map.pages[from];
  map.level = Math.max(map.level + (to - from > 16 ? 2 : 1), from === undefined ? FIRST_WITH_SLOTS + 2 : 0);
  map.level = Math.min(map.level, LEVELS.length - 1);
  layOutAgain();
  const place = placeOf({page: into});
  if (place) scrollTo(boxOf(place).top - map.height / 3);
}

function search(text) {
  const address = parseAddress(text);
  if (address === null) return say('An address is hexadecimal digits, such as 0x7f12a4c01040.');
  const found = findAddress(address);
  if (!found) return say(`${hex(address)} is not in this heap: in no page, large block or free range.`);
  say('');
  if (map.filter !== 'all' && !placeOf(found)) {
    map.filter = byId('filter').value = 'all';
    arrange();
  }
  if (found.page !== undefined && map.level < FIRST_WITH_SLOTS + 2) map.level = FIRST_WITH_SLOTS + 2;
  layOutAgain();
  choose(found);
  bringIntoView(placeOf(found));
  if (found.page !== undefined) {
    const block = heap.address[found.page] + blockAt(found.page, found.slot).first * strideOf(found.page);
    if (block !== address) say(`${hex(address)} is ${countText(address - block)} bytes into this.`);
  }
}

function searchLocation() {
  if (/^#0x[0-9a-f]+$/i.test(location.hash)) search(location.hash);
}

function showOnly(filter) {
  map.filter = byId('filter').value = filter;
  arrange();
  byId('tools').scrollIntoView({block: 'start'});
}

function start() {
  readHeap();
  document.title = `Heap of ${shortName(heap.target)}`;
  byId('target').replaceWith(Object.assign(foreignName(shortName(heap.target)), {id: 'target', title: cleanName(heap.target)}));
  byId('filter').replaceChildren(...Object.entries(FILTERS).map(([value, {title}]) => element('option', {value, textContent: title})));
  readColours();
  showNothing();
  const sum = sumUp();
  showTotals(sum);
  showShare(sum);
  showLegend(sum);
  showReasons(sum, showOnly);
  showClasses(sum);
  measure();
  arrange();
  listen();
  document.addEventListener('DOMContentLoaded', () => {
    searchLocation();
    later();
  });
}
window.startMap = start;
