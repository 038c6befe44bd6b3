// Figures and words, as the page shows them.

function bytesText(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))}\u00a0${units[unit]}`;
}

const grouped = new Intl.NumberFormat('en', {useGrouping: true});
function countText(count) { return grouped.format(count).replaceAll(',', '\u202f'); }

function plural(count, one, many) { return `${countText(count)} ${count === 1 ? one : many ?? one + 's'}`; }

// Lengths of slots are known by their exact number.
function strideText(bytes) { return `${countText(bytes)} B`; }

function shortCount(count) {
  if (count < 10000) return countText(count);
  return count < 1e6 ? `${Math.round(count / 1e3)}k` : `${(count / 1e6).toFixed(1)}M`;
}

function percentText(part, whole) {
  if (whole === 0) return '0\u00a0%';
  const percent = 100 * part / whole;
  return percent > 0 && percent < 1 ? '<\u00a01\u00a0%' : percent < 100 && percent > 99 ? '>\u00a099\u00a0%' : `${Math.round(percent)}\u00a0%`;
}

function hex(address) { return '0x' + address.toString(16); }

// An address as people write them: with or without 0x, # or `; null if it is none.
function parseAddress(text) {
  const digits = text.trim().replace(/^#/, '').replace(/^0x/i, '').replaceAll(/[_`']/g, '');
  return /^[0-9a-f]{1,16}$/i.test(digits) ? parseInt(digits, 16) : null;
}

// Text from the target stays text: no element is ever made from it.
function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// A name from the target without what would change how the text about it is written.
function cleanName(name) { return name.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '\ufffd'); }
function shortName(name) { return name.length > 160 ? `${cleanName(name.slice(0, 160))}…` : cleanName(name); }

// Apart from the words around it, whatever its direction of writing.
function foreignName(name) { return element('bdi', {textContent: cleanName(name)}); }

function byId(id) { return document.getElementById(id); }
