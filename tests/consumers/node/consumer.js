// Has the library that is preloaded tell what it knows of this process, and says what that is. Needs
// MYMALLOC_DUMP_SIGNAL=USR2, MYMALLOC_STATS=json and MYMALLOC_STATS_FILE.
const fs = require('fs');

const MEGABYTES = 64;
const buffer = Buffer.alloc(MEGABYTES << 20, 'x');

// Printed by the next call of malloc that takes a slow way, in whichever thread that is.
function report() {
  process.kill(process.pid, 'SIGUSR2');
  for (let tries = 0; tries < 1000; ++tries) {
    Buffer.alloc(1 << 20);
    try {
      return JSON.parse(fs.readFileSync(process.env.MYMALLOC_STATS_FILE, 'utf8'));
    } catch (error) { // It is not there, or not all of it.
    }
  }
  throw new Error('nothing was reported');
}

const told = report();
if (told.pid !== process.pid || told.large_bytes < buffer.length) process.exit(1);
console.log(`mymalloc ${told.version}: ${told.live_blocks} blocks are live`);
