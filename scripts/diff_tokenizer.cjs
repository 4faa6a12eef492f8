// Compares `adapler tokenize` with the npm package `tokenizers`: ids, tokens, type_ids, word_ids and byte offsets, over
// real text and generated Unicode, with every switch of the normaliser. Called by scripts/diff_tokenizer.sh.
//
//   node diff_tokenizer.cjs ADAPLER MODEL_DIR TEMP_DIR [LINES_OF_TEXT...]
'use strict';
const fs = require('fs'), path = require('path'), {spawnSync} = require('child_process');
const T = require('tokenizers');
const [adapler, model, temp, ...files] = process.argv.slice(2);
const scale = Number(process.env.SCALE || 1); // 0.1: a tenth of the generated lines

let seed = Number(process.env.SEED || 1) >>> 0 || 1;
const random = n => { seed ^= seed << 13; seed >>>= 0; seed ^= seed >>> 17; seed ^= seed << 5; seed >>>= 0; return seed % n; };
const pick = list => list[random(list.length)];
const one = c => (c >= 0xd800 && c <= 0xdfff ? '\ufffd' : String.fromCodePoint(c));
const within = (from, to) => () => one(from + random(to - from + 1));

// ---- texts ----

const marks = [], letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
for (let c = 0x300; c <= 0x1e94b; c++) if (/\p{M}/u.test(one(c)) || (c >= 0x1ab0 && c <= 0x1aff)) marks.push(one(c));
const english = 'the of and movie unbelievable tokenization Washington ISN\'T don\'t U.S.A. 3.14 http://a.b/c?d=e antidisestablishmentarianism qzzx zqxjv qqzzxxjj naïve café'.split(' ');
const atoms = [
  () => pick(english), () => pick(english), () => pick(english), () => pick(letters) + pick(letters),
  () => pick(['[SEP]', '[MASK]', '[CLS]', '[UNK]', '[PAD]', '[sep]', '[SE', '[[MASK]]', '[MASK', ']', '[', '##ing', '[unused1]']),
  () => pick([' ', '  ', '\t', '\n', '\r\n', '\u00a0', '\u2003', '\u3000', '\u2028', '\u2029', '\u0085', '\u000b', '\u000c', '\u1680', '\u202f', '\u205f']),
  () => pick(letters) + Array.from({length: 1 + random(8)}, () => pick(marks)).join(random(4) ? '' : '\u200d'),
  () => Array.from({length: 1 + random(24)}, () => pick(marks)).join(''),
  () => pick(marks), () => pick(['İ', 'ſ', 'ẞ', 'K', 'Å', 'Ω', 'ŉ', 'ǰ', 'ΐ', 'Σ', 'ς', 'ﬁ', 'Ǆ', 'ǅ', '\u0344', '\u0340', '\u0387', '\u037e', '\u1fef', '\u2126', '\u0f73', '\u0f81', '\u1d15f', '\u{1d15f}', '\u{1d1bc}']),
  () => Array.from({length: 95 + random(12)}, () => pick(letters)).join(''),
  () => pick(['é', '한', 'я', '😀', '\u0301', 'a\u0301']).repeat(45 + random(60)),
  () => pick(['👨‍👩‍👧‍👦', '🏳️‍🌈', '👍🏽', '🇩🇪', '❤️', '1️⃣', '☃', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '👩🏿‍🚀']),
  within(0x01, 0x7f), within(0x80, 0xff), within(0x100, 0x24f), within(0x250, 0x36f), within(0x370, 0x52f), within(0x590, 0x6ff),
  within(0x700, 0x8ff), within(0x900, 0xdff), within(0xe00, 0xfff), within(0x1000, 0x1fff), within(0x1100, 0x11ff), within(0xac00, 0xd7a3),
  within(0x1ab0, 0x1aff), within(0x1dc0, 0x1dff), within(0x1e00, 0x1fff), within(0x2000, 0x206f), within(0x2070, 0x2fff), within(0x2100, 0x214f),
  within(0x3000, 0x30ff), within(0x3130, 0x33ff), within(0x3400, 0x4dbf), within(0x4e00, 0x9fff), within(0xa000, 0xabff), within(0xe000, 0xf8ff),
  within(0xf900, 0xfaff), within(0xfb00, 0xfdff), within(0xfe00, 0xfe6f), within(0xff00, 0xffff), within(0x10000, 0x10fff), within(0x11000, 0x11fff),
  within(0x16000, 0x18fff), within(0x1b000, 0x1ffff), within(0x1d100, 0x1d1ff), within(0x1d400, 0x1d7ff), within(0x1e900, 0x1e95f), within(0x1f300, 0x1faff),
  within(0x20000, 0x2a6df), within(0x2a700, 0x2b81f), within(0x2b820, 0x2ceaf), within(0x2ceb0, 0x323af), within(0x2f800, 0x2fa1f), within(0xe0000, 0xe01ff),
  within(0xf0000, 0x10ffff), within(0x1, 0x10ffff)];
function generate(n) {
  let s = '';
  const few = Array.from({length: 1 + random(6)}, () => pick(atoms)); // a line keeps to a few scripts, so that they meet
  while (n-- > 0) s += pick(few)() + (random(3) ? '' : ' ');
  return s;
}
// JSON input may hold no NUL; NULs go through the format "lines".
const clean = s => s.replace(/\0/g, '');
const generated = count => Array.from({length: Math.ceil(count * scale)}, () => ({text: clean(generate(1 + random(20)))}));
const pairs = count => Array.from({length: Math.ceil(count * scale)}, () =>
  ({text: clean(generate(random(12))), pair: clean(generate(random(4) ? random(12) : 0))}));

function everyCodePoint() {
  const out = [];
  let alone = '', inside = '';
  for (let c = 0; c <= 0x10ffff; c++) {
    if ((c >= 0xd800 && c <= 0xdfff) || c === 9 || c === 10) continue;
    alone += one(c) + ' ';
    inside += 'a' + one(c) + 'b ';
    if (c < 0x3100 || (c >= 0xa000 && c < 0x10000 && !(c >= 0xac00 && c < 0xd7a4)) || (c >= 0x10000 && c < 0x20000 && c % 7 === 0)) out.push({text: one(c)});
    if (c % 64 === 63) { out.push({text: alone}, {text: inside}); alone = inside = ''; }
  }
  return out;
}
function* linesOf(name) {
  const lines = fs.readFileSync(name, 'utf8').split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  for (const l of lines) yield clean(l);
}

// ---- models: the given one, and one in which every character is a piece, so that ids show all that normalising did ----

const original = JSON.parse(fs.readFileSync(path.join(model, 'tokenizer.json'), 'utf8'));
function spelled() {
  const copy = JSON.parse(JSON.stringify(original));
  const vocab = {'[PAD]': 0, '[UNK]': 1, '[CLS]': 2, '[SEP]': 3, '[MASK]': 4};
  let id = 5;
  for (let c = 0x21; c <= 0x1ffff; c++) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    vocab[one(c)] = id++;
    if (c !== 0x23) vocab['##' + one(c)] = id++;
  }
  vocab['###'] = id++;
  copy.model.vocab = vocab;
  for (const a of copy.added_tokens) a.id = vocab[a.content];
  for (const s of Object.values(copy.post_processor.special_tokens)) s.ids = [vocab[s.id]];
  return copy;
}
let models = 0;
function variant(base, change) {
  const copy = JSON.parse(JSON.stringify(base));
  Object.assign(copy.normalizer, change);
  const dir = path.join(temp, 'model' + models++);
  fs.mkdirSync(dir, {recursive: true});
  const json = JSON.stringify(copy);
  fs.writeFileSync(path.join(dir, 'tokenizer.json'), json);
  return {dir, json, name: JSON.stringify(change)};
}

// ---- comparing ----

let compared = 0, different = 0;
// The package counts offsets in code points.
function byteOffsets(text) {
  const at = [0];
  let bytes = 0;
  for (const c of text) at.push(bytes += Buffer.byteLength(c));
  return at;
}
function expected(e, record) {
  const types = e.getTypeIds(), words = e.getWordIds();
  const bytes = [byteOffsets(record.text), byteOffsets(record.pair || '')];
  return {
    ids: e.getIds(), type_ids: types, tokens: e.getTokens(), word_ids: words.map(w => (w === undefined ? null : w)),
    offsets: e.getOffsets().map(([b, x], i) => [bytes[types[i]][b], bytes[types[i]][x]])};
}
function report(record, wanted, found, what) {
  if (++different <= 20) console.log(`DIFFERENT (${what}) ${JSON.stringify(record)}\n  wanted ${JSON.stringify(wanted)}\n  found  ${JSON.stringify(found)}`);
}
async function compare(what, m, records, maxLength = 0, format = 'jsonl', isCanary = false) {
  const tokenizer = T.Tokenizer.fromString(m.json), CHUNK = 50000;
  if (maxLength) tokenizer.setTruncation(maxLength);
  const before = different;
  for (let from = 0; from < records.length; from += CHUNK) {
    const chunk = records.slice(from, from + CHUNK), input = path.join(temp, 'in'), output = path.join(temp, 'out');
    fs.writeFileSync(input, chunk.map(r => (format === 'lines' ? r.text : JSON.stringify({text: r.text, text_pair: r.pair})) + '\n').join(''));
    const fd = fs.openSync(output, 'w');
    const options = ['tokenize', '--quiet', '--model', m.dir, '--format', format].concat(maxLength ? ['--max-length', String(maxLength)] : []);
    const run = spawnSync(adapler, options.concat(input), {stdio: ['ignore', fd, 'pipe']});
    fs.closeSync(fd);
    if (run.status !== 0) throw new Error(`${what}: adapler ended with ${run.status}: ${run.stderr}`);
    const lines = fs.readFileSync(output, 'utf8').split('\n');
    for (let i = 0; i < chunk.length; i += 500) {
      const some = chunk.slice(i, i + 500);
      const truth = await Promise.all(some.map(r => tokenizer.encode(r.text, r.pair === undefined ? null : r.pair, {addSpecialTokens: true})));
      some.forEach((r, k) => {
        const wanted = JSON.stringify(expected(truth[k], r)), found = lines[i + k];
        if (wanted !== found && isCanary) different++;
        else if (wanted !== found) report(r, wanted, found, `${what} ${m.name} max ${maxLength}`);
      });
    }
  }
  if (isCanary) {
    if (different === before) throw new Error('the canary passed: the comparison cannot fail');
    different = before;
    return;
  }
  compared += records.length;
  console.log(`${what.padEnd(22)} ${String(records.length).padStart(7)} texts, ${different - before} different; max_length ${maxLength}, ${m.name}`);
}

(async () => {
  const all = [{}, {lowercase: false}, {lowercase: false, strip_accents: true}, {strip_accents: true}, {strip_accents: false},
    {handle_chinese_chars: false}, {clean_text: false}, {clean_text: false, lowercase: false, strip_accents: true, handle_chinese_chars: false}];
  const own = all.map(change => variant(original, change));
  const letter = spelled(), spelling = all.map(change => variant(letter, change));
  const real = [];
  for (const f of files) for (const text of linesOf(f)) real.push({text});
  await compare('canary', {...own[0], json: own[1].json}, [{text: 'Upper'}], 0, 'jsonl', true);
  await compare('real text', own[0], real);
  for (const max of [3, 16, 128]) await compare('real text', own[0], real.filter((_, i) => i % 16 === max % 16), max);
  for (const m of own.slice(1)) await compare('real text', m, real.filter((_, i) => i % 16 === 5));
  await compare('real text, by letter', spelling[1], real.filter((_, i) => i % 16 === 6));
  const points = everyCodePoint();
  for (const m of spelling) await compare('every code point', m, points, 0, 'lines');
  await compare('every code point', own[0], points, 0, 'lines');
  for (const m of spelling) await compare('generated, by letter', m, generated(30000));
  for (const m of own) await compare('generated', m, generated(10000));
  for (const max of [0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 33, 64, 128]) await compare('generated pairs', own[0], pairs(5000), max);
  for (const max of [2, 3, 4, 9, 31]) await compare('generated, cut', spelling[0], generated(5000), max);
  console.log(`${compared} texts compared, ${different} different`);
  process.exit(different ? 3 : 0);
})().catch(x => { console.error(x); process.exit(1); });
