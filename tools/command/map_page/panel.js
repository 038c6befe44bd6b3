// The details at the side, and the words beside the pointer.

const PAGE_SIDE = 272;  // Of the one page that the details draw.

function list(rows) {
  const made = element('dl');
  for (const [term, value] of rows) made.append(element('dt', {textContent: term}), element('dd', {}, value));
  return made;
}

function showNothing() {
  byId('details').replaceChildren(element('h3', {textContent: 'Details'}),
      element('p', {textContent: 'Click a tile, or search for an address, to see here what it is.', className: 'fine'}));
}

// `act`: what the buttons and the drawn page do.
function showDetails(subject, act) {
  const about = describe(subject);
  const parts = [element('h3', {textContent: about.title}), list(about.rows)];
  if (about.zooms) parts.push(element('button', {type: 'button', textContent: 'Zoom in here', onclick: act.zoom}));
  if (about.page !== undefined) parts.push(...pageParts(about, act));
  byId('details').replaceChildren(...parts);
}

function pageParts({page, slot}, act) {
  const title = slot === undefined ? [] : [element('h3', {textContent: 'Its page'})];
  const verdict = verdictOf(page);
  const types = typeRows(page);
  return [...title, list(pageRows(page)), pageCanvas(page, slot, act.choose),
    ...(verdict ? [element('p', {textContent: verdict})] : []), list(stateRows(page)),
    ...(types.length > 0 ? [element('h3', {textContent: 'Types on it'}), list(types)] : [])];
}

function pageCanvas(page, slot, choose) {
  const canvas = element('canvas', {id: 'page', tabIndex: 0});
  canvas.setAttribute('role', 'application');
  canvas.setAttribute('aria-label', 'The page\'s slots: arrow keys go from one to the next');
  paintPage(canvas, page, PAGE_SIDE);
  if (slot !== undefined) outline(canvas, page, slot);
  const slotUnder = event => {
    const box = canvas.getBoundingClientRect();
    return slotIn(page, box.width, event.clientX - box.left, event.clientY - box.top);
  };
  canvas.addEventListener('pointermove', event => showTip({page, slot: slotUnder(event)}, event));
  canvas.addEventListener('pointerleave', hideTip);
  canvas.addEventListener('click', event => choose({page, slot: slotUnder(event)}, true));
  canvas.addEventListener('keydown', event => {
    const next = slotBeside(page, slot ?? 0, event.key);
    if (next === null) return;
    event.preventDefault();
    choose({page, slot: next}, true);
    byId('spoken').textContent = describe({page, slot: next}).tip.join(', ');
  });
  return canvas;
}

function slotBeside(page, slot, key) {
  const cells = cellsASide(page);
  const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -cells, ArrowDown: cells}[key];
  if (key === 'Home') return 0;
  if (key === 'End') return slotsOf(page) - 1;
  if (step === undefined) return null;
  return slot + step < 0 || slot + step >= slotsOf(page) ? slot : slot + step;
}

function outline(canvas, page, slot) {
  const context = canvas.getContext('2d');
  const cells = cellsASide(page);
  const {first, slots} = blockAt(page, slot);
  const cell = canvas.width / cells;
  for (const [style, width] of [[getComputedStyle(document.body).backgroundColor, 6], [colours.ink, 3]]) {
    context.strokeStyle = style;
    context.lineWidth = width * density() / 2;
    for (let i = first; i < first + slots; ++i) {
      context.strokeRect(i % cells * cell, Math.floor(i / cells) * cell, cell - 1, cell - 1);
    }
  }
}

function showTip(subject, event) {
  const tip = byId('tip');
  tip.textContent = describe(subject).tip.join('\n');
  tip.hidden = false;
  const {width, height} = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, window.innerWidth - width - 4);
  const below = event.clientY + 18;
  const top = below + height > window.innerHeight ? event.clientY - height - 10 : below;
  tip.style.transform = `translate(${Math.max(left, 2)}px, ${Math.max(top, 2)}px)`;
}

function hideTip() { byId('tip').hidden = true; }
