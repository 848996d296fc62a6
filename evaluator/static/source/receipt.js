// Receipts in the page, see docs/receipts.md: made out of a log's public files, and verified against the log's key.
//
//   verifyReceipt(text, vkey)       a promise of {origin, position, size, entry}; rejects with ReceiptError
//   findAndProve(base, leafHash)    a promise of the receipt's text, or of null when the log does not have the leaf (yet)
//
// base        the address of the log, such as /log/campaign/spring
// leafHash    in hexadecimal, or as bytes
// ReceiptError.reason: format, key, signature, position or proof; unable when this browser cannot verify anything
//
// Whoever looks for a leaf asks for the proofs of a whole group, so the server does not learn which leaf it is.
// tests/ledger/receipt_cases.json is run by this, by evaluator.ledger.receipts and by verify_receipt.py: a change here is
// a change there. Ed25519 is WebCrypto's where it is known, else worked out with BigInt. No BigInt literals, ?. or ??:
// in-app browsers on old phones lack them.

const FIRST = 'c2sp.org/tlog-proof@v1', LONGEST = 200000, LEAST_IN_GROUP = 50, TRIES = 3;
const PRIME_TAIL = 'f'.repeat(60) + '7f'; // the prime of the curve ends so, in bytes from the smallest on, after its first
const SMALL_ORDER = [ // points whose order divides 8, their sign apart: anybody can sign with them
  '00'.repeat(32), '01' + '00'.repeat(31), 'ec' + PRIME_TAIL,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
];

export class ReceiptError extends Error {
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

const refuse = (reason, message) => { throw new ReceiptError(reason, message); };
const utf8 = text => new TextEncoder().encode(text);
const hex = bytes => Array.from(bytes, byte => (byte < 16 ? '0' : '') + byte.toString(16)).join('');
const unhex = text => Uint8Array.from(text.match(/../g) || [], pair => parseInt(pair, 16));
const same = (a, b) => hex(a) === hex(b);

function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function digest(algorithm, ...parts) {
  if (typeof crypto === 'undefined' || !crypto.subtle) refuse('unable', 'this browser cannot hash here: it wants https');
  return new Uint8Array(await crypto.subtle.digest(algorithm, joined(parts)));
}

const leafOf = entry => digest('SHA-256', Uint8Array.of(0), entry);
const node = (left, right) => digest('SHA-256', Uint8Array.of(1), left, right);

function decoded(text, reason = 'format') {
  let binary;
  try {
    binary = atob(text);
  } catch (_) {
    refuse(reason, 'this is not base64');
  }
  if (btoa(binary) !== text) refuse(reason, 'base64 in a second spelling');
  return Uint8Array.from(binary, character => character.charCodeAt(0));
}

const encoded = bytes => btoa(String.fromCharCode(...bytes));

function number(text) {
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text)) refuse('format', 'this is not a number without leading zeros');
  return +text;
}

const cut = (text, gap, last) => {
  const at = last ? text.lastIndexOf(gap) : text.indexOf(gap);
  return at < 0 ? null : [text.slice(0, at), text.slice(at + gap.length)];
};
const isName = name => name !== '' && !/[\s+\u0000-\u001f\u007f-\u009f]/.test(name);

async function readKey(vkey) {
  const parts = vkey.trim().split('+');
  if (parts.length < 3 || !isName(parts[0])) refuse('key', 'a key is written NAME+ID+KEY');
  const [name, id] = parts, data = decoded(parts.slice(2).join('+'), 'key'), key = data.subarray(1);
  if (data[0] !== 1 || key.length !== 32) refuse('key', 'the key is of another kind than Ed25519');
  const own = hex((await digest('SHA-256', utf8(name + '\n'), data)).subarray(0, 4));
  if (own !== id) refuse('key', 'the ID of the key does not belong to it: something was mistyped');
  const y = hex([...key.subarray(0, 31), key[31] & 127]);
  if (y.slice(2) === PRIME_TAIL && key[0] >= 0xed) refuse('key', 'the point of the key is not written canonically');
  if (SMALL_ORDER.includes(y)) refuse('key', 'the key is a point of small order');
  return {name, id, key};
}

// Ed25519, RFC 8032: where WebCrypto lacks it.

let known; // whether WebCrypto knows Ed25519
const A_POINT = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'; // public key of RFC 8032, 7.1, test 1

function webKnows() {
  known = known || crypto.subtle.importKey('raw', unhex(A_POINT), 'Ed25519', false, ['verify']).then(() => true, () => false);
  return known;
}

async function isSigned(key, text, signature) {
  if (signature.length !== 64) return false;
  await digest('SHA-256'); // refuses where nothing can be verified
  if (await webKnows()) {
    try {
      const imported = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
      return await crypto.subtle.verify('Ed25519', imported, signature, text);
    } catch (_) {
      return false;
    }
  }
  if (typeof BigInt === 'undefined') refuse('unable', 'this browser is too old to verify a signature');
  return checkSignature(key, text, signature);
}

async function checkSignature(key, text, signature) {
  const n = BigInt, zero = n(0), one = n(1), two = n(2);
  const P = (one << n(255)) - n(19), ORDER = (one << n(252)) + n('27742317777372353535851937790883648493');
  const mod = (value, by = P) => ((value % by) + by) % by;
  const power = (base, exponent) => {
    let result = one;
    for (base = mod(base); exponent > zero; exponent >>= one) {
      if (exponent & one) result = result * base % P;
      base = base * base % P;
    }
    return result;
  };
  const inverse = value => power(value, P - two);
  const D = mod(n(-121665) * inverse(n(121666)));
  const little = bytes => n('0x' + hex(Array.from(bytes).reverse()));
  const point = bytes => {
    const sign = n(bytes[31] >> 7), y = little(bytes) & ((one << n(255)) - one);
    const square = mod((y * y - one) * inverse(D * y * y + one));
    let x = power(square, (P + n(3)) / n(8));
    if (mod(x * x - square)) x = x * power(two, (P - one) / n(4)) % P;
    if (y >= P || mod(x * x - square) || (!x && sign)) return null;
    if ((x & one) !== sign) x = P - x;
    return [x, y, one, x * y % P];
  };
  const add = (p, q) => {
    const a = (p[1] - p[0]) * (q[1] - q[0]), b = (p[1] + p[0]) * (q[1] + q[0]);
    const c = two * p[3] * q[3] % P * D, d = two * p[2] * q[2];
    const e = mod(b - a), f = mod(d - c), g = mod(d + c), h = mod(b + a);
    return [e * f % P, g * h % P, f * g % P, e * h % P];
  };
  const times = (scalar, p) => {
    let total = [zero, one, one, zero];
    for (; scalar > zero; scalar >>= one) {
      if (scalar & one) total = add(total, p);
      p = add(p, p);
    }
    return total;
  };
  const publicPoint = point(key), r = point(signature.subarray(0, 32)), s = little(signature.subarray(32));
  if (!publicPoint || !r || s >= ORDER) return false;
  const challenge = little(await digest('SHA-512', signature.subarray(0, 32), key, text)) % ORDER;
  const y = mod(n(4) * inverse(n(5))), base = point(unhex(y.toString(16).padStart(64, '0')).reverse());
  const left = times(s, base), right = add(r, times(challenge, publicPoint));
  return !mod(left[0] * right[2] - right[0] * left[2]) && !mod(left[1] * right[2] - right[1] * left[2]);
}

async function readCheckpoint(note, key) {
  const parts = cut(note, '\n\n', true);
  if (!parts || !parts[1].endsWith('\n')) refuse('format', 'the head of the log is cut off');
  const text = parts[0] + '\n', lines = parts[1].slice(0, -1).split('\n');
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text) || lines.length > 100) refuse('format', 'the head of the log is malformed');
  let signed = false;
  for (const line of lines) {
    const fields = line.split(' ');
    if (fields.length !== 3 || fields[0] !== '\u2014' || !isName(fields[1])) refuse('format', 'the line of a signature is malformed');
    const data = decoded(fields[2]);
    if (data.length < 5) refuse('format', 'a signature is too short');
    if (fields[1] !== key.name || hex(data.subarray(0, 4)) !== key.id) continue;
    if (!await isSigned(key.key, utf8(text), data.subarray(4))) refuse('signature', 'the signature is wrong');
    signed = true;
  }
  if (!signed) refuse('signature', `the head of the log is not signed by the key of ${key.name}`);
  const said = parts[0].split('\n');
  if (said.length < 3 || said.some(line => !line)) refuse('format', 'the head of the log is malformed');
  const root = decoded(said[2]);
  if (root.length !== 32) refuse('format', 'the root of the log is malformed');
  if (said[0] !== key.name) refuse('signature', 'the head is of another log');
  return {size: number(said[1]), root};
}

async function rootFrom(position, size, leaf, proof) { // RFC 9162, 2.1.3.2; sizes may pass 32 bits
  if (position >= size) refuse('position', 'the entry is outside the log');
  const half = value => Math.floor(value / 2);
  let last = size - 1, root = leaf;
  for (const one of proof) {
    if (one.length !== 32 || !last) refuse('proof', 'the proof is too long');
    if (position % 2 || position === last) {
      root = await node(one, root);
      while (position % 2 === 0 && position) {
        position = half(position);
        last = half(last);
      }
    } else {
      root = await node(root, one);
    }
    position = half(position);
    last = half(last);
  }
  if (last) refuse('proof', 'the proof is too short');
  return root;
}

export async function verifyReceipt(text, vkey) {
  const key = await readKey(vkey);
  if (text.length > LONGEST) refuse('format', 'this is longer than any receipt');
  const parts = cut(text, '\n\n');
  const lines = (parts ? parts[0] : text).split('\n');
  if (lines[0] !== FIRST) refuse('format', 'this is no receipt');
  if (!parts) refuse('format', 'the receipt is cut off');
  if (lines.length < 3 || !lines[1].startsWith('extra ') || !lines[2].startsWith('index ')) {
    refuse('format', 'the second or third line is malformed');
  }
  const entry = decoded(lines[1].slice(6)), position = number(lines[2].slice(6));
  const proof = lines.slice(3).map(line => decoded(line));
  const head = await readCheckpoint(parts[1], key);
  const root = await rootFrom(position, head.size, await leafOf(entry), proof);
  if (!same(root, head.root)) refuse('proof', 'the entry does not stand at this place of the log');
  let said;
  try {
    said = new TextDecoder('utf-8', {fatal: true}).decode(entry);
  } catch (_) {
    refuse('format', 'the entry is not valid UTF-8');
  }
  return {origin: key.name, position, size: head.size, entry: said};
}

function groupBits(size) {
  let bits = 0;
  while (size >= LEAST_IN_GROUP * Math.pow(2, bits + 1)) bits += 1;
  return bits;
}

async function asked(address) {
  const answer = await fetch(address, {cache: 'no-cache'});
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer;
}

export async function findAndProve(base, leafHash) {
  const wanted = typeof leafHash === 'string' ? leafHash.toLowerCase() : hex(leafHash);
  const digits = Array.from(unhex(wanted), byte => byte.toString(2).padStart(8, '0')).join('');
  for (let left = TRIES; left; left -= 1) {
    const head = await asked(`${base}/checkpoint`);
    if (!head) return null;
    const size = number((await head.text()).split('\n')[1] || '');
    const answer = await asked(`${base}/proofs/${digits.slice(0, groupBits(size)) || 'all'}`);
    if (!answer) continue; // the log grew meanwhile: groups have another width now
    const group = await answer.json();
    for (const [position, entry, places] of group.leaves) {
      if (hex(await leafOf(utf8(entry))) !== wanted) continue;
      const lines = [FIRST, `extra ${encoded(utf8(entry))}`, `index ${position}`, ...places.map(place => group.hashes[place])];
      return `${lines.join('\n')}\n\n${group.checkpoint}`;
    }
    return null;
  }
  return null;
}
