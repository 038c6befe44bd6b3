// Pointer, keys, the fields above the map, the theme, the printer.

function listen() {
  listenToTools();
  listenToPointer();
  const frame = byId('frame');
  frame.addEventListener('scroll', onScroll);
  frame.addEventListener('wheel', onWheel, {passive: false});
  frame.addEventListener('keydown', onKey);
  document.addEventListener('keydown', event => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? '');
    if (event.key === '/' && !typing) {
      event.preventDefault();
      byId('address').focus();
    }
    if (event.key === 'Escape') letGo();
  });
  window.addEventListener('hashchange', searchLocation);
  new ResizeObserver(onResize).observe(frame);
  listenToTheme();
}

function listenToTools() {
  byId('tools').addEventListener('submit', event => {
    event.preventDefault();
    search(byId('address').value);
  });
  for (const what of ['group', 'order', 'filter']) {
    byId(what).value = map[what];  // A browser may remember another from before a reload.
    byId(what).addEventListener('change', event => {
      map[what] = event.target.value;
      arrange();
    });
  }
  byId('in').addEventListener('click', () => zoomTo(map.level + 1));
  byId('out').addEventListener('click', () => zoomTo(map.level - 1));
  byId('fit').addEventListener('click', fit);
}

function placeUnder(event) {
  const box = byId('map').getBoundingClientRect();
  return hitAt(event.clientX - box.left, event.clientY - box.top);
}

function listenToPointer() {
  const canvas = byId('map');
  canvas.addEventListener('pointermove', event => {
    const hit = placeUnder(event);
    placeMark('hover', hit);
    if (hit) showTip(subjectOf(hit), event);
    else hideTip();
  });
  canvas.addEventListener('pointerleave', () => {
    placeMark('hover', null);
    hideTip();
  });
  canvas.addEventListener('click', event => {
    const hit = placeUnder(event);
    if (!hit) return;
    state.cursor = hit;
    choose(subjectOf(hit));
  });
  canvas.addEventListener('dblclick', event => {
    const hit = placeUnder(event);
    const box = canvas.getBoundingClientRect();
    if (hit) zoomTo(map.level + 1, [event.clientX - box.left, event.clientY - box.top]);
  });
}

function onWheel(event) {
  if (event.ctrlKey) {
    event.preventDefault();
    const box = byId('map').getBoundingClientRect();
    zoomTo(map.level + (event.deltaY < 0 ? 1 : -1), [event.clientX - box.left, event.clientY - box.top]);
  } else if (map.contentHeight > MOST_SPACER) {
    // The bar's pixels are then more than one of the content.
    event.preventDefault();
    scrollTo(map.top + event.deltaY * (event.deltaMode === 1 ? 20 : 1));
  }
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const actions = {
    '+': () => zoomTo(map.level + 1), '=': () => zoomTo(map.level + 1), '-': () => zoomTo(map.level - 1), '0': fit,
    PageDown: () => scrollTo(map.top + 0.9 * map.height), PageUp: () => scrollTo(map.top - 0.9 * map.height),
    Home: () => scrollTo(0), End: () => scrollTo(map.contentHeight), Enter: () => enter(),
    ArrowLeft: () => moveCursor(-1, 0), ArrowRight: () => moveCursor(1, 0), ArrowUp: () => moveCursor(0, -1), ArrowDown: () => moveCursor(0, 1),
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

// Goes from what is seen as one to what it is made of.
function enter() {
  if (!state.chosen) return;
  if (state.chosen.from !== undefined) return zoomInto(state.chosen);
  byId('page')?.focus();
}

function moveCursor(across, down) {
  const here = state.chosen && state.chosen.from === undefined ? placeOf(state.chosen) : state.cursor;
  const next = here ? besidePlace(here, across, down) : placeNumber(Math.max(0, lastNotAbove(map.tops, map.top)), 0);
  if (!next) return;
  state.cursor = next;
  const subject = subjectOf(next);
  choose(subject.slot === undefined ? subject : {page: subject.page});
  bringIntoView(next);
  byId('spoken').textContent = describe(state.chosen).tip.join(', ');
}

function itemsOf(group) { return group.what === 'pages' ? group.tiles : group.to; }

function placeNumber(index, number) {
  const group = map.groups[index];
  if (!group) return null;
  if (group.what !== 'pages') return {group, index, extent: number};
  const place = {group, index, tile: number, ...tilePages(group, number)};
  if (level().pages === 1) place.page = map.pages[place.from];
  return place;
}

// Over a group's end one comes into the next.
function besidePlace(here, across, down) {
  const group = map.groups[here.index];
  const wide = group.what === 'pages' ? columns() : 1;
  const next = (here.tile ?? here.extent) + across + down * wide;
  if (next >= 0 && next < itemsOf(group)) return placeNumber(here.index, next);
  const other = map.groups[here.index + Math.sign(across + down)];
  if (!other) return here;
  return placeNumber(here.index + Math.sign(across + down), next < 0 ? itemsOf(other) - 1 : 0);
}

function onResize() {
  const before = map.width;
  measure();
  if (map.width !== before && map.level === map.farthest) goToFit();
  layOutAgain();
}

const THEMES = ['system', 'light', 'dark'];

function showTheme(theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId('theme').textContent = `Theme: ${theme}`;
  repaintAll();
}

function repaintAll() {
  readColours();
  if (state.chosen) showDetails(state.chosen, {choose, zoom: () => zoomInto(state.chosen)});
  later();
}

// Files on the disk may have no storage.
function storedTheme(theme) {
  try {
    if (theme) localStorage.setItem('mymalloc-map-theme', theme);
    return localStorage.getItem('mymalloc-map-theme') ?? 'system';
  } catch (error) {
    return theme ?? 'system';
  }
}

function listenToTheme() {
  let theme = storedTheme();
  if (!THEMES.includes(theme)) theme = 'system';
  showTheme(theme);
  byId('theme').addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    storedTheme(theme);
    showTheme(theme);
  });
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaintAll);
  // Paper is light. The printer takes what the canvas has now, so it is painted at once.
  window.addEventListener('beforeprint', () => {
    document.documentElement.dataset.theme = 'light';
    readColours();
    paint();
  });
  window.addEventListener('afterprint', () => showTheme(theme));
}
