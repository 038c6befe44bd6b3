// Runs on the library that is preloaded, and says which that is.
const fs = require('fs');

const library = fs.readFileSync('/proc/self/maps', 'utf8').match(/\/libmymalloc\.so\.([0-9.]+)\n/);
const texts = [];
for (let i = 0; i < 100000; ++i) texts.push(`text ${i}`);
const buffer = Buffer.alloc(1 << 20, 'x');
if (texts.join('').length < 900000 || buffer[1 << 19] !== 'x'.charCodeAt(0)) process.exit(1);
console.log(`mymalloc ${library ? library[1] : 'is not there'}`);
