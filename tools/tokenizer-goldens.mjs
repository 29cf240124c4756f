// tokenizer-goldens.mjs - what Hugging Face's tokenizers library makes of random texts with random
// added tokens: tests/fixtures/tokenizers/golden.tsv, for tests/test_tokenizer.c.
//
//     npm install --prefix DIR @anush008/tokenizers@0.6.0        (the library's version 0.22.2)
//     node tools/tokenizer-goldens.mjs DIR 100 > tests/fixtures/tokenizers/golden.tsv
//     node tools/tokenizer-goldens.mjs DIR --words               (for tools/unicode-words.txt)
//
// 100 is the number of texts for each of the 20 tokenizers. Each is models/tiny/tokenizer.json with
// other added tokens, and, of some, ignore_merges and only the first merges: a line
//     #<TAB>{"ignore_merges": true, "merges": 500, "added_tokens": [...]}
// and then a line for each text: its bytes in hex<TAB>ids. Runs in the project's root.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [dir, what] = process.argv.slice(2);
const { Tokenizer } = createRequire(resolve(dir, "x.js"))("@anush008/tokenizers");
const tiny = readFileSync("models/tiny/tokenizer.json", "utf8");

function tokenizer(settings) {
    const j = JSON.parse(tiny);
    j.added_tokens = settings.added_tokens;
    j.model.ignore_merges = settings.ignore_merges;
    j.model.merges = j.model.merges.slice(0, settings.merges);
    return Tokenizer.fromString(JSON.stringify(j));
}

async function ids(t, text) { return (await t.encode(text)).getIds(); }

let state = 20251128;
function random(below) {                // mulberry32
    state = (state + 0x6D2B79F5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % below;
}
function pick(list) { return list[random(list.length)]; }

const contents = [
    "<x>", "<x", "x>", "<", ">", "<x><x>", "<|end|>", "cat", "at", "ca", "cats", " ", "\n", "\n\n",
    "\t", "  ", "\u00E9", "e\u0301", "\u0301", "a\u0323\u0301", "\u212B", "\u1100\u1161", "\uAC00",
    "ab", "abc", "bcd", "bc", "b", "the", " the", "_", "a b", "\u732B", "\u00DF", ">\u0338", "1",
    "12", "'s", "\u200D", "\u00A0", "\u3000x", "x\u2028", "[INST]", "\u{1F600}", "<tool>",
    "</tool>", "-", ".", "Once", " little", "hello world", "\u0958", "\u0344",
];
const spaces = [" ", "  ", "\n", "\t", "\r\n", "\u0085", "\u00A0", "\u2028", "\u3000", "\u200B",
    " \n ", "\v", "\u1680", "\uFEFF"];
const words = ["a", "b", "c", "d", "e", "x", "cat", "concat", "_", "\u00E9", "\u0301", "\u0323",
    "\u0338", "\u732B", "\u200D", "-", ".", "'", "'s", "1", "the", " the", "Once upon a time", "1a",
    "\u1161", "\u11A8", "\u24B6", "\u0660", "\u00B2", "\u203F", "\u{1F600}", "hello", " world",
    "\u0344"];

// Two tokens with one NFC, and white space that strips both ways, are left out: what the library
// does then is chance, or the end of the program.
function addedTokens(strips) {
    const seen = new Set(), list = [];
    const n = 4 + random(20);
    for (let i = 0; i < n; i++) {
        const content = pick(contents);
        if (seen.has(content.normalize("NFC"))) continue;
        seen.add(content.normalize("NFC"));
        const f = random(32);
        const flags = { single_word: !!(f & 1), lstrip: !!(f & 2), rstrip: !!(f & 4),
                        normalized: !!(f & 8), special: !!(f & 16) };
        if (strips && /^\s/.test(content)) flags.lstrip = false;
        if (!strips) flags.rstrip = false;
        list.push({ id: 4070 + (random(4) ? list.length : random(300)), content, ...flags });
    }
    return list;
}

function text(added) {
    let s = "";
    for (let n = 1 + random(10); n > 0; n--) {
        const token = pick(added).content;
        switch (random(6)) {
        case 0: case 1: s += token; break;
        case 2: s += pick(spaces); break;
        case 3: s += pick(words); break;
        case 4: s += [...token].slice(0, 1 + random([...token].length)).join(""); break;
        default: s += pick(spaces) + token + pick(spaces); break;
        }
    }
    return s;
}

async function goldens(count) {
    for (let i = 0; i < 20; i++) {
        const settings = { ignore_merges: i % 4 === 3, merges: i % 4 >= 2 ? 200 : 1000000,
                           added_tokens: addedTokens(i % 5 !== 4) };
        const t = tokenizer(settings);
        const lines = [`#\t${JSON.stringify(settings)}`];
        for (let k = 0; k < count; k++) {
            const s = text(settings.added_tokens);
            lines.push(`${Buffer.from(s).toString("hex")}\t${(await ids(t, s)).join(" ")}`);
        }
        process.stdout.write(lines.join("\n") + "\n");
    }
}

async function wordRanges() {
    const t = tokenizer({ ignore_merges: false, merges: 0, added_tokens: [{ id: 4070,
        content: "cat", single_word: true, lstrip: false, rstrip: false, normalized: false,
        special: false }] });
    const ranges = [];
    let count = 0;
    for (let c = 0; c < 0x110000; c++) {
        if (c >= 0xD800 && c < 0xE000) continue;
        if ((await ids(t, "cat" + String.fromCodePoint(c))).includes(4070)) continue;
        const last = ranges[ranges.length - 1];
        if (last && last[1] === c - 1) last[1] = c;
        else ranges.push([c, c]);
        count++;
    }
    const hex = c => c.toString(16).toUpperCase();
    console.log(`[\\w] codepoints=${count} ranges=${ranges.length}`);
    console.log(ranges.map(([a, b]) => (a === b ? hex(a) : `${hex(a)}-${hex(b)}`)).join(" "));
}

if (what === "--words") await wordRanges();
else await goldens(Number(what));
