// Workers that build text and hand buffers from thread to thread, with zlib and crypto at work.
const { createHash } = require('crypto');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const zlib = require('zlib');

function work(seed) {
  const lines = [];
  for (let i = 0; i < 20000; ++i) lines.push(JSON.stringify({ i, seed, text: 'x'.repeat(i % 40) }));
  const packed = zlib.gzipSync(lines.join('\n'));
  const text = zlib.gunzipSync(packed);
  const bytes = new Uint8Array(text.length);
  bytes.set(text);
  return bytes;
}

function start(seed) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: seed });
    worker.on('message', (bytes) => {
      resolve(`${seed} ${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`);
    });
    worker.on('error', reject);
  });
}

async function main() {
  for (let round = 0; round < 2; ++round) {
    const seeds = [1, 2, 3, 4].map((n) => n + 4 * round);
    for (const line of await Promise.all(seeds.map(start))) console.log(line);
  }
  const buffers = [];
  for (let i = 0; i < 2000; ++i) buffers.push(Buffer.alloc(1 + ((i * 7919) % 60000), i % 251));
  console.log(createHash('sha256').update(Buffer.concat(buffers)).digest('hex'));
}

if (isMainThread) {
  main();
} else {
  const bytes = work(workerData);
  parentPort.postMessage(bytes, [bytes.buffer]);
}
