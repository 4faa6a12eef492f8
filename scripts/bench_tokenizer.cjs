// Times the npm package `tokenizers` over the lines of a file, as scripts/bench_tokenizer.c does ours:
// bench_tokenizer.cjs MODEL FILE ROUNDS. Batches of 1000 texts, its fastest way; threads by RAYON_NUM_THREADS.
'use strict';
const fs = require('fs'), path = require('path'), T = require('tokenizers');
const [model, file, rounds] = process.argv.slice(2);
const tokenizer = T.Tokenizer.fromString(fs.readFileSync(path.join(model, 'tokenizer.json'), 'utf8'));
const lines = fs.readFileSync(file, 'utf8').split('\n');
if (lines[lines.length - 1] === '') lines.pop();
(async () => {
  const ms = [];
  let pieces = 0;
  for (let r = -1; r < Number(rounds); r++) {
    const start = process.hrtime.bigint();
    pieces = 0;
    for (let i = 0; i < lines.length; i += 1000)
      for (const e of await tokenizer.encodeBatch(lines.slice(i, i + 1000), {addSpecialTokens: true})) pieces += e.getLength();
    if (r >= 0) ms.push(Number(process.hrtime.bigint() - start) / 1e6); // the first round only warms up
  }
  ms.sort((a, b) => a - b);
  console.log(`${ms[ms.length >> 1].toFixed(3)} ${ms[0].toFixed(3)} ${pieces}`);
})();
