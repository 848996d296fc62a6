// The expressions of questionnaires in the page: ODK XPath without node sets, see docs/expressions.md.
//
//   evaluate(tree, answers, context)     the value: a string, a number or a boolean; throws ExpressionError
//   condition(tree, answers, context)    whether it holds; what cannot be evaluated does not
//   calculation(tree, answers, context)  the value; what cannot be evaluated is "", and so is NaN
//   asText(value)                        such a value, or an answer, as a text
//
// tree     compact(tree) of questionnaires.expression, as JSON: the server parses, and nothing here is ever run as code
// answers  {question: string | number | [code, ...]}; a blank one is left out
// context  Context.compact() of questionnaires.evaluation: {now, offset, seed, current, labels, unit}, all optional
//
// The server is the authority: it evaluates the same trees in Python. tests/questionnaires/expression_cases.json is run by
// both, so a change here is a change there. No BigInt literals, ?. or ??: in-app browsers on old phones lack them.

const DAY = 864e5, NEAR = 1e-12, MOST_STEPS = 5e5, LONGEST_TEXT = 1e5, EARTH = 6378100;
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const WEEKDAYS = 'Sun Mon Tue Wed Thu Fri Sat'.split(' ');

export class ExpressionError extends Error {}

const fail = message => { throw new ExpressionError(message); };
const tooLong = () => fail('the text gets too long');

class Run {
  constructor(answers, context) {
    this.answers = answers || {};
    this.context = context || {};
    this.offset = this.context.offset || 0;
    this.left = MOST_STEPS;
  }
  spend(steps) {
    this.left -= steps;
    if (this.left < 0) fail('the evaluation takes too many steps');
  }
  handle(text) {
    if (text.length > 256) {
      if (text.length > LONGEST_TEXT) tooLong();
      this.spend(text.length);
    }
    return text;
  }
}

// ---- values

class Moment { // a date, or a date with a time
  constructor(milliseconds, offset) {
    this.ms = milliseconds; // since 1970-01-01T00:00 on the local clock
    this.offset = offset; // minutes that it is ahead of UTC
  }
  text() {
    const day = Math.floor(this.ms / DAY), rest = this.ms - day * DAY, [year, month, date] = civil(day);
    const text = yearText(year) + '-' + pad(month) + '-' + pad(date), away = Math.abs(this.offset);
    if (!rest) return text;
    return text + 'T' + clock(rest) + (this.offset < 0 ? '-' : '+') + pad(Math.floor(away / 60)) + ':' + pad(away % 60);
  }
}

const own = (object, key) =>
  object && Object.prototype.hasOwnProperty.call(object, key) && object[key] !== null ? object[key] : undefined;
const read = given => given === undefined || given === null ? '' : Array.isArray(given) ? given.join(' ') : given;
const SPELLED = /^[\0-\x20]*(-?(?:\d+(?:[.,]\d*)?|[.,]\d+))[\0-\x20]*$/;

function toNumber(value, offset) {
  if (typeof value === 'string') {
    const spelled = SPELLED.exec(value);
    if (spelled) return Number(spelled[1].replace(',', '.'));
    const moment = value[4] === '-' ? written(value, offset) : null;
    return moment ? moment.ms / DAY : NaN;
  }
  return value instanceof Moment ? value.ms / DAY : Number(value);
}

function toTruth(value) {
  if (typeof value === 'number') return Math.abs(value) > NEAR;
  return value instanceof Moment || Boolean(value);
}

export function asText(value) {
  if (value instanceof Moment) return value.text();
  if (typeof value !== 'number' || !isFinite(value)) return String(value);
  const [all, sign, first, rest = '', way, by] = /^(-?)(\d)(?:\.(\d+))?e([+-])(\d+)$/.exec(value) || [];
  if (!all) return String(value);
  return sign + (way === '-' ? '0.' + '0'.repeat(by - 1) + first + rest : first + rest.padEnd(by, '0'));
}

function equal(left, right, offset) {
  const is = type => typeof left === type || typeof right === type;
  if (is('boolean')) return toTruth(left) === toTruth(right);
  if (is('number')) {
    const one = toNumber(left, offset), other = toNumber(right, offset);
    return one === other || Math.abs(one - other) < NEAR;
  }
  if (is('object')) return toNumber(left, offset) === toNumber(right, offset);
  return left === right;
}

// ---- dates: the calendar without Date, whose zone and range are the device's

const pad = (number, length) => String(number).padStart(length || 2, '0');
const yearText = year => (year < 0 ? '-' : '') + pad(Math.abs(year), 4);
const clock = ms => pad(Math.floor(ms / 36e5)) + ':' + pad(Math.floor(ms / 6e4) % 60) + ':' +
  pad(Math.floor(ms / 1e3) % 60) + '.' + pad(ms % 1e3, 3);

function civil(day) {
  const era = Math.floor((day + 719468) / 146097), ofEra = day + 719468 - era * 146097, f = Math.floor;
  const year = f((ofEra - f(ofEra / 1460) + f(ofEra / 36524) - f(ofEra / 146096)) / 365);
  const ofYear = ofEra - (365 * year + f(year / 4) - f(year / 100)), march = f((5 * ofYear + 2) / 153);
  const month = march < 10 ? march + 3 : march - 9;
  return [year + era * 400 + (month <= 2), month, ofYear - f((153 * march + 2) / 5) + 1];
}

function days(year, month, date) {
  if (month <= 2) year--;
  const era = Math.floor(year / 400), rest = year - era * 400, f = Math.floor;
  return era * 146097 + rest * 365 + f(rest / 4) - f(rest / 100) +
    f((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + date - 1 - 719468;
}

const TIME = '(\\d{1,2}):(\\d{1,2})(?::(\\d{1,2})(?:\\.(\\d*))?)?(?:(Z)|([+-])(\\d{1,2})(?::?(\\d{2}))?)?';
const DATE_WRITTEN = new RegExp('^(\\d{4})-(\\d{1,2})-(\\d{1,2})(?:T' + TIME + ')?$'), TIME_WRITTEN = new RegExp('^' + TIME + '$');

function timeOf([hour, minute, second, fraction, zulu, sign, hours, minutes], offset) {
  if (hour > 23 || minute > 59 || second > 59 || hours > 23 || minutes > 59) return null;
  const ms = ((hour * 60 + +minute) * 60 + +(second || 0)) * 1e3 + +((fraction || '') + '000').slice(0, 3);
  const away = (hours || 0) * 60 + +(minutes || 0);
  return zulu || sign ? ms + (offset - (sign === '-' ? -away : away)) * 6e4 : ms;
}

function written(text, offset) {
  const match = DATE_WRITTEN.exec(text);
  if (!match) return null;
  const date = [+match[1], +match[2], +match[3]];
  if (date[1] < 1 || date[1] > 12 || date[2] < 1) return null;
  const day = days(...date);
  if (civil(day).join() !== date.join()) return null;
  const time = match[4] === undefined ? 0 : timeOf(match.slice(4), offset);
  return time === null ? null : new Moment(day * DAY + time, offset);
}

const inRange = number => Math.abs(number) <= 1e8 || fail('the date is out of range');
const midnight = moment => new Moment(Math.floor(moment.ms / DAY) * DAY, moment.offset);

function toDate(value, offset, timed) {
  if (value instanceof Moment) return timed ? value : midnight(value);
  if (typeof value === 'boolean') fail('true and false are no dates');
  if (typeof value === 'string') return value && (written(value, offset) || fail(value.slice(0, 40) + ' is no date'));
  if (value !== value) return value;
  inRange(value);
  return new Moment(timed ? Math.floor(value * DAY + 0.5) : Math.trunc(value) * DAY, offset);
}

function decimalDateTime(value, offset) {
  const moment = typeof value === 'number' ? value : toDate(value, offset, true);
  if (moment instanceof Moment) return moment.ms / DAY;
  if (moment === moment && moment !== '') inRange(moment);
  return moment;
}

function decimalTime(value, offset) {
  if (typeof value === 'boolean') fail('true and false are no times');
  if (value === '' || value !== value) return value;
  if (typeof value === 'number') return inRange(value) && value - Math.floor(value);
  const moment = value instanceof Moment ? value : written(value, offset);
  const match = moment ? null : TIME_WRITTEN.exec(value), time = moment ? moment.ms : match && timeOf(match.slice(1), offset);
  return time === null ? NaN : (time % DAY + DAY) % DAY / DAY;
}

function formatDate(value, format, offset) {
  (format.match(/%[^]?/g) || []).forEach(escape => {
    if (!escape[1] || !'YymnbdeHhMS3aW%'.includes(escape[1])) fail('format-date() cannot write ' + escape);
  });
  let moment;
  try { moment = toDate(value, offset, true); } catch (error) { return ''; }
  if (!(moment instanceof Moment)) return '';
  const day = Math.floor(moment.ms / DAY), [year, month, date] = civil(day), time = clock(moment.ms - day * DAY);
  const Y = yearText(year), thursday = day - mod(day + 3, 7) + 3;
  const parts = {
    Y, y: Y.slice(-2), m: pad(month), n: month, b: MONTHS[month - 1], d: pad(date), e: date, H: time.slice(0, 2),
    h: +time.slice(0, 2), M: time.slice(3, 5), S: time.slice(6, 8), 3: time.slice(9), a: WEEKDAYS[mod(day + 4, 7)],
    W: Math.floor((thursday - days(civil(thursday)[0], 1, 1)) / 7) + 1, '%': '%',
  };
  return format.replace(/%([^])/g, (all, sign) => parts[sign]);
}

// ---- numbers

const mod = (number, by) => (number % by + by) % by;
const whole = number => number !== number ? 0 : Math.trunc(Math.max(-1e9, Math.min(1e9, number)));
const shifted = (number, digits) => { const [m, e] = String(number).split('e'); return Number(m + 'e' + (+(e || 0) + digits)); };

function round(number, places) {
  const digits = whole(places || 0);
  if (!isFinite(number)) return number;
  if (Math.abs(digits) > 30) return NaN;
  const there = number && Math.round(shifted(number, digits)); // -0 has no sign as a text
  return there && Math.abs(there) < 2 ** 53 ? shifted(there, -digits) : there && number;
}

const extreme = choose => (...numbers) => {
  const known = numbers.filter(number => number === number);
  return known.length ? choose(...known) : NaN;
};

// ---- texts

const codes = text => text.match(/[^ \t\r\n]+/g) || [];
const isSelected = (joined, code) => {
  const wanted = code.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''), chosen = codes(joined);
  return wanted ? chosen.includes(wanted) : !chosen.length;
};

function substr(text, start, end) {
  const signs = [...text], place = at => Math.max(0, whole(at) < 0 ? whole(at) + signs.length : whole(at));
  return signs.slice(place(start), end === undefined ? signs.length : place(end)).join('');
}

function substring(text, start, length) {
  const signs = [...text], first = round(start), end = length === undefined ? Infinity : first + round(length);
  const low = Math.max(first, 1), high = Math.min(end, signs.length + 1);
  return low < high ? signs.slice(low - 1, high - 1).join('') : '';
}

function translate(text, old, fresh) {
  const table = new Map(), signs = [...fresh];
  [...old].forEach((sign, place) => table.has(sign) || table.set(sign, place < signs.length ? signs[place] : ''));
  return [...text].map(sign => table.has(sign) ? table.get(sign) : sign).join('');
}

// ---- places

function points(texts) {
  const found = [];
  for (const text of texts) {
    for (const point of text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '').replace(/;$/, '').split(';')) {
      const [north, east] = codes(point).slice(0, 2).map(part => toNumber(part, 0));
      if (!(Math.abs(north) <= 90 && Math.abs(east) <= 180)) return null;
      found.push([north, east]);
    }
  }
  return found;
}

const radians = degrees => degrees * (Math.PI / 180);

function distance(texts) {
  const known = points(texts);
  if (!known) return NaN;
  let total = 0;
  for (let i = 1; i < known.length; i++) {
    const [a, b, away] = [known[i - 1][0], known[i][0], known[i - 1][1] - known[i][1]].map(radians);
    const cosine = Math.sin(a) * Math.sin(b) + Math.cos(a) * Math.cos(b) * Math.cos(away);
    total += Math.acos(Math.max(-1, Math.min(1, cosine))) * EARTH;
  }
  return round(total, 2);
}

function area(text) {
  const known = points([text]);
  if (!known) return NaN;
  let total = 0;
  if (known.length > 2) {
    known.forEach(([north, east], i) => {
      const [south, west] = known[(i + 1) % known.length];
      total += radians(west - east) * (2 + Math.sin(radians(north)) + Math.sin(radians(south)));
    });
  }
  return round(Math.abs(total * EARTH * EARTH / 2), 2);
}

function geofence(point, fence) {
  const where = points([point]), known = points([fence]);
  if (!where || !known) fail((where ? fence : point).slice(0, 40) + ' is no place');
  if (known.length < 2 || String(known[0]) !== String(known[known.length - 1])) return false;
  const [north, east] = where[0];
  let inside = false;
  for (let i = 1; i < known.length; i++) {
    const [[a, b], [c, d]] = [known[i - 1], known[i]];
    if (c > north !== a > north && east < (b - d) * (north - c) / (a - c) + d) inside = !inside;
  }
  return inside;
}

// ---- digests: the browser's own work only with promises, and know no MD5

const bytesOf = text => [...new TextEncoder().encode(text)];

function blocks(bytes, size, little) { // padded, in words of four bytes
  const bits = bytes.length * 8, padded = bytes.concat(128), words = [];
  while (padded.length % size !== size - size / 8) padded.push(0);
  if (size > 64) padded.push(0, 0, 0, 0, 0, 0, 0, 0);
  const length = [0, 0, 0, Math.floor(bits / 2 ** 32), bits >>> 24, bits >>> 16 & 255, bits >>> 8 & 255, bits & 255];
  padded.push(...(little ? length.reverse() : length));
  for (let i = 0; i < padded.length; i += 4) {
    const word = padded.slice(i, i + 4);
    const [a, b, c, d] = little ? word.reverse() : word;
    words.push(a << 24 | b << 16 | c << 8 | d);
  }
  return words;
}

const turn = (word, by) => word << by | word >>> 32 - by;
const spread = (words, little) => [].concat(...words.map(word => {
  const bytes = [24, 16, 8, 0].map(by => word >>> by & 255);
  return little ? bytes.reverse() : bytes;
}));

function md5(bytes) {
  const words = blocks(bytes, 64, true), turns = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
  let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < words.length; at += 16) {
    let [a, b, c, d] = state;
    for (let i = 0; i < 64; i++) {
      const part = i >> 4;
      const f = [b & c | ~b & d, d & b | ~d & c, b ^ c ^ d, c ^ (b | ~d)][part];
      const word = words[at + [i, 5 * i + 1, 3 * i + 5, 7 * i][part] % 16];
      const sum = a + f + word + Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))) | 0;
      [a, d, c, b] = [d, c, b, b + turn(sum, turns[part][i % 4]) | 0];
    }
    state = [a, b, c, d].map((word, i) => word + state[i] | 0);
  }
  return spread(state, true);
}

function sha1(bytes) {
  const words = blocks(bytes, 64);
  let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  for (let at = 0; at < words.length; at += 16) {
    const w = words.slice(at, at + 16);
    let [a, b, c, d, e] = state;
    for (let i = 0; i < 80; i++) {
      if (i > 15) w.push(turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1));
      const part = Math.floor(i / 20), f = [b & c | ~b & d, b ^ c ^ d, b & c | b & d | c & d, b ^ c ^ d][part];
      const sum = turn(a, 5) + f + e + w[i] + [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6][part] | 0;
      [e, d, c, b, a] = [d, c, turn(b, 30), a, sum];
    }
    state = [a, b, c, d, e].map((word, i) => word + state[i] | 0);
  }
  return spread(state);
}

let roots; // the first 64 bits behind the point of the cubic (80) and square (16) roots of primes

function rootsOfPrimes() {
  const big = BigInt, primes = [];
  for (let n = 2; primes.length < 80; n++) if (primes.every(prime => n % prime)) primes.push(n);
  const root = (prime, power) => {
    let low = big(0), high = big(1) << big(70);
    const wanted = big(prime) << big(64 * power);
    while (high - low > big(1)) {
      const middle = low + high >> big(1);
      if (middle ** big(power) > wanted) high = middle; else low = middle;
    }
    return low & (big(1) << big(64)) - big(1);
  };
  return { cubic: primes.map(prime => root(prime, 3)), square: primes.slice(0, 16).map(prime => root(prime, 2)) };
}

function sha2(bytes, bits) { // SHA-256, SHA-384, SHA-512
  roots = roots || rootsOfPrimes();
  const big = BigInt, size = bits > 256 ? 64 : 32, mask = (big(1) << big(size)) - big(1), cut = big(64 - size);
  const turned = (word, by) => (word >> big(by) | word << big(size - by)) & mask;
  const mixed = (word, [a, b, c], shift) => turned(word, a) ^ turned(word, b) ^ (shift ? word >> big(c) : turned(word, c));
  const by = size === 64 ? [[28, 34, 39], [14, 18, 41], [1, 8, 7], [19, 61, 6]] : [[2, 13, 22], [6, 11, 25], [7, 18, 3], [17, 19, 10]];
  let words = blocks(bytes, size * 2).map(word => big(word >>> 0));
  if (size === 64) words = words.reduce((all, word, i) => i % 2 ? (all.push(words[i - 1] << big(32) | word), all) : all, []);
  let state = roots.square.slice(bits === 384 ? 8 : 0).slice(0, 8).map(word => word >> cut);
  for (let at = 0; at < words.length; at += 16) {
    const w = words.slice(at, at + 16);
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < (size === 64 ? 80 : 64); i++) {
      if (i > 15) w.push(w[i - 16] + mixed(w[i - 15], by[2], true) + w[i - 7] + mixed(w[i - 2], by[3], true) & mask);
      const one = h + mixed(e, by[1]) + (e & f ^ (mask ^ e) & g) + (roots.cubic[i] >> cut) + w[i];
      const two = mixed(a, by[0]) + (a & b ^ a & c ^ b & c);
      [h, g, f, e, d, c, b, a] = [g, f, e, d + one & mask, c, b, a, one + two & mask];
    }
    state = [a, b, c, d, e, f, g, h].map((word, i) => word + state[i] & mask);
  }
  const hex = state.map(word => word.toString(16).padStart(size / 4, '0')).join('');
  return hex.match(/../g).slice(0, bits / 8).map(byte => parseInt(byte, 16));
}

const hex = bytes => bytes.map(byte => pad(byte.toString(16))).join('');

function digest(text, name, encoding) {
  const bits = { 'SHA-256': 256, 'SHA-384': 384, 'SHA-512': 512 }[name], form = (encoding || 'base64').toLowerCase();
  if (!bits && name !== 'MD5' && name !== 'SHA-1') fail('digest() does not know ' + name.slice(0, 40));
  if (form !== 'base64' && form !== 'hex') fail('digest() cannot write ' + form.slice(0, 40));
  const bytes = bytesOf(text), found = bits ? sha2(bytes, bits) : name === 'MD5' ? md5(bytes) : sha1(bytes);
  return form === 'hex' ? hex(found) : btoa(String.fromCharCode(...found));
}

function decoded(text) {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return '';
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(atob(text), sign => sign.charCodeAt(0)));
}

// ---- chance: of the seed and the place in the expression, so that page and server agree

const chance = (run, at, part) => {
  const seed = run.context.seed;
  if (typeof seed !== 'string') fail('there is no seed for chance here');
  return sha2(bytesOf(seed + (part === undefined ? '' : ':' + part) + ':' + at), 256);
};

function random(run, at) {
  const bytes = chance(run, at);
  return ([...bytes.slice(0, 6)].reduce((sum, byte) => sum * 256 + byte, 0) * 32 + (bytes[6] >> 3)) / 2 ** 53;
}

function uuid(run, at, length) {
  if (length === undefined) {
    const bytes = chance(run, at).slice(0, 16);
    bytes[6] = bytes[6] & 15 | 64;
    bytes[8] = bytes[8] & 63 | 128;
    return hex(bytes).replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }
  let text = '';
  chance(run, at);
  if (!(length >= 0 && length <= 1000)) fail('uuid() has a length out of range');
  for (let part = 0; text.length < Math.trunc(length); part++) {
    text += chance(run, at, part).map(byte => '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'[byte % 36]).join('');
  }
  return text.slice(0, Math.trunc(length));
}

// ---- regular expressions: all states at once, so that none can hang; see questionnaires/expressions/patterns.py

const code = sign => sign.codePointAt(0);
const DIGIT = c => c > 47 && c < 58, WORD = c => DIGIT(c) || c > 64 && c < 91 || c > 96 && c < 123 || c === 95;
const SPACE = c => c === 32 || c > 8 && c < 14, ANY = c => ![10, 13, 0x85, 0x2028, 0x2029].includes(c);
const CLASSES = { d: DIGIT, w: WORD, s: SPACE }, ESCAPES = { t: 9, n: 10, r: 13, f: 12 };
const BORDERS = { A: 'start', z: 'end', Z: 'end', b: 'border', B: 'no-border' };
const HEX = /^(?:u([\da-f]{4})|x([\da-f]{2})|x\{([\da-f]{1,6})\})/i, patterns = new Map();

function compile(source) {
  if ([...source].length > 1000) fail('the pattern is too long');
  const signs = [...source], fold = source.startsWith('(?i)');
  let at = fold ? 4 : 0, left = 3000;
  const wrong = what => fail('in the pattern, at its character ' + (at + 1) + ': ' + what);
  const rest = () => signs.slice(at, at + 20).join('');
  const take = start => signs.slice(at, at + start.length).join('') === start && Boolean(at += start.length);
  const test = check => ['test', fold ? c => check(c) || (c < 128 && /[a-z]/i.test(String.fromCharCode(c)) && check(c ^ 32)) : check];

  function alternatives(depth) {
    if (depth > 50) wrong('groups nest too deep');
    const choices = [sequence(depth)];
    while (take('|')) choices.push(sequence(depth));
    return choices.length === 1 ? choices[0] : ['any', choices];
  }
  function sequence(depth) {
    const parts = [];
    while (at < signs.length && !'|)'.includes(signs[at])) parts.push(repeated(one(depth)));
    return ['all', parts];
  }
  function repeated(part) {
    const sign = signs[at];
    let least, most;
    if (sign === '{') {
      const count = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(rest());
      if (!count) wrong('a { that is no number of times');
      least = +count[1];
      most = count[2] === undefined ? least : count[3] ? +count[3] : Infinity;
      if (most < least) wrong('{ } counts down');
      at += count[0].length;
    } else if (sign && '*+?'.includes(sign)) {
      [least, most] = { '*': [0, Infinity], '+': [1, Infinity], '?': [0, 1] }[sign];
      at++;
    } else return part;
    if (signs[at] === '+') wrong('a possessive + is not supported');
    take('?');
    return ['repeat', part, least, most];
  }
  function one(depth) {
    const sign = signs[at];
    if ('*+?{'.includes(sign)) wrong('nothing to repeat');
    if (sign === '(') return group(depth);
    at++;
    if (sign === '[') return characterClass();
    if (sign === '\\') return escape();
    if (sign === '.') return ['test', ANY];
    if (sign === '^' || sign === '$') return [sign === '^' ? 'start' : 'end'];
    return test(c => c === code(sign));
  }
  function group(depth) {
    let look;
    at++;
    if (take('?')) {
      const named = /^<[a-z][a-z0-9]*>/i.exec(signs.slice(at).join(''));
      if (take('=')) look = 'look';
      else if (take('!')) look = 'not-look';
      else if (named) at += named[0].length;
      else if (!take(':')) wrong('this kind of group is not supported');
    }
    const part = alternatives(depth + 1);
    if (!take(')')) wrong('a ( that is not closed');
    return look ? [look, part] : part;
  }
  function escape() {
    const sign = signs[at];
    if (sign && BORDERS[sign]) return at++, [BORDERS[sign]];
    if (/^[1-9]/.test(sign || '')) wrong('a back-reference is not supported');
    const found = escaped();
    return test(typeof found === 'number' ? c => c === found : found);
  }
  function escaped() { // a code, or a test
    const sign = signs[at], lower = (sign || '').toLowerCase();
    if (!sign) wrong('nothing after the last \\');
    at++;
    if ('dws'.includes(lower)) return sign === lower ? CLASSES[lower] : c => !CLASSES[lower](c);
    if (ESCAPES[sign]) return ESCAPES[sign];
    at--;
    const point = HEX.exec(rest()), value = point && parseInt(point[1] || point[2] || point[3], 16);
    if (point && value < 0x110000) return at += point[0].length, value;
    const property = /^p(?:\{(?:Is|gc=)?([A-Za-z]{1,2})\}|([LMNPSZC]))/.exec(rest().replace(/^P/, 'p'));
    const name = property && (property[1] || property[2]);
    if (name && /^(L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cf]?)$/.test(name)) {
      const known = new RegExp('^\\p{' + name + '}$', 'u'), wanted = sign === 'p';
      at += property[0].length;
      return c => known.test(String.fromCodePoint(c)) === wanted;
    }
    if (/^[a-z0-9]$/i.test(sign)) wrong('\\' + sign + ' is not supported');
    at++;
    return code(sign);
  }
  function characterClass() {
    const refuse = take('^'), tests = [], ranges = [];
    while (!take(']')) {
      if (at >= signs.length) wrong('a [ that is not closed');
      const first = member();
      if (typeof first !== 'number') { tests.push(first); continue; }
      let last = first;
      if (signs[at] === '-' && at + 1 < signs.length && signs[at + 1] !== ']') {
        at++;
        last = member();
        if (typeof last !== 'number' || last < first) wrong('a range that runs backwards or to a class');
      }
      ranges.push([first, last]);
    }
    if (!tests.length && !ranges.length) wrong('an empty class');
    const found = test(c => ranges.some(([a, b]) => a <= c && c <= b) || tests.some(check => check(c)));
    return refuse ? ['test', c => !found[1](c)] : found;
  }
  function member() {
    if (signs[at] === '[' || signs[at] === '&' && signs[at + 1] === '&') wrong('a class within a class is not supported');
    return signs[at++] === '\\' ? escaped() : code(signs[at - 1]);
  }

  // Instructions: [test, check] takes a character, [split, to] goes two ways, [jump, to]; looks and borders take nothing.
  function program(part) {
    const steps = [];
    write(part, steps);
    steps.push(['match']);
    return steps;
  }
  function write(part, steps) {
    if (--left < 0) fail('the pattern repeats too much');
    const [kind, first, least, most] = part;
    if (kind === 'look' || kind === 'not-look') steps.push([kind, program(first)]);
    else if (kind === 'all') first.forEach(each => write(each, steps));
    else if (kind === 'any') {
      const jumps = [];
      first.slice(0, -1).forEach(each => {
        const split = steps.push(['split']) - 1;
        write(each, steps);
        jumps.push(steps.push(['jump']) - 1);
        steps[split][1] = steps.length;
      });
      write(first[first.length - 1], steps);
      jumps.forEach(jump => { steps[jump][1] = steps.length; });
    } else if (kind === 'repeat') {
      const splits = [];
      for (let i = 0; i < least; i++) write(first, steps);
      for (let i = most === Infinity ? 1 : most - least; i > 0; i--) {
        splits.push(steps.push(['split']) - 1);
        write(first, steps);
      }
      if (most === Infinity) steps.push(['jump', splits[0]]);
      splits.forEach(split => { steps[split][1] = steps.length; });
    } else steps.push(part);
  }

  const part = alternatives(0);
  if (at < signs.length) wrong('a ) too many');
  if (part[0] === 'all') { // ^ and $ around a pattern, which must match the whole text anyway
    if (part[1].length && part[1][0][0] === 'start') part[1].shift();
    if (part[1].length && part[1][part[1].length - 1][0] === 'end') part[1].pop();
  }
  return program(part);
}

function matches(source, text, run) {
  if (!patterns.has(source)) {
    if (patterns.size > 500) patterns.clear();
    patterns.set(source, compile(source));
  }
  return follow(patterns.get(source), [...text].map(code), 0, true, run);
}

function follow(program, text, at, wholly, run) {
  let states = reached(program, [0], text, at, run);
  for (;;) {
    if (states.has(program.length - 1) && (!wholly || at === text.length)) return true;
    if (!states.size || at === text.length) return false;
    run.spend(states.size);
    const following = [], sign = text[at++];
    states.forEach(state => program[state][0] === 'test' && program[state][1](sign) && following.push(state + 1));
    states = reached(program, following, text, at, run);
  }
}

function reached(program, waiting, text, at, run) {
  const seen = new Set(), found = new Set();
  while (waiting.length) {
    const state = waiting.pop(), [kind, to] = program[state];
    if (seen.has(state)) continue;
    seen.add(state);
    if (kind === 'test' || kind === 'match') found.add(state);
    else if (kind === 'split') waiting.push(state + 1, to);
    else if (kind === 'jump') waiting.push(to);
    else if (holds(kind, to, text, at, run)) waiting.push(state + 1);
  }
  run.spend(seen.size);
  return found;
}

function holds(kind, program, text, at, run) {
  if (kind === 'start') return at === 0;
  if (kind === 'end') return at === text.length;
  if (program) return follow(program, text, at, false, run) === (kind === 'look');
  const before = at > 0 && WORD(text[at - 1]), after = at < text.length && WORD(text[at]);
  return (before !== after) === (kind === 'border');
}

// ---- functions: each is given the run, its arguments as trees, and its place

const V = (run, tree) => value(tree, run);
const N = (run, tree) => toNumber(value(tree, run), run.offset);
const B = (run, tree) => toTruth(value(tree, run));
const T = (run, tree) => run.handle(asText(value(tree, run)));
const ofCurrent = (run, tree) => T(run, tree === undefined ? ['.'] : tree);
const now = run => {
  if (typeof run.context.now !== 'number') fail('the time is not known here');
  return new Moment(run.context.now + run.offset * 6e4, run.offset);
};
const join = (run, between, trees) => {
  let length = 0;
  const parts = trees.map(tree => {
    const part = T(run, tree);
    length += part.length + between.length;
    if (length > LONGEST_TEXT + between.length) tooLong();
    return part;
  });
  return run.handle(parts.join(between));
};

const FUNCTIONS = {
  'base64-decode': (run, [a]) => decoded(T(run, a)),
  boolean: (run, [a]) => B(run, a),
  checklist: (run, [least, most, ...factors]) => {
    const low = whole(N(run, least)), high = whole(N(run, most));
    const count = factors.filter(factor => B(run, factor)).length;
    return (low < 0 || count >= low) && (high < 0 || count <= high);
  },
  coalesce: (run, [a, b]) => { const found = V(run, a); return found === '' || found !== found ? V(run, b) : found; },
  concat: (run, all) => join(run, '', all),
  count: () => 1,
  'count-non-empty': (run, [a]) => T(run, a) === '' ? 0 : 1,
  date: (run, [a]) => toDate(V(run, a), run.offset, false),
  'date-time': (run, [a]) => toDate(V(run, a), run.offset, true),
  'decimal-date-time': (run, [a]) => decimalDateTime(V(run, a), run.offset),
  'decimal-time': (run, [a]) => decimalTime(V(run, a), run.offset),
  depend: (run, [a]) => V(run, a),
  distance: (run, all) => distance(all.map(a => T(run, a))),
  false: () => false,
  'format-date': (run, [a, b]) => { const moment = V(run, a); return run.handle(formatDate(moment, T(run, b), run.offset)); },
  if: (run, [a, b, c]) => V(run, B(run, a) ? b : c),
  'indexed-repeat': (run, [a, ...rest]) => rest.every((place, i) => i % 2 === 0 || whole(N(run, place)) < 2) ? V(run, a) : '',
  int: (run, [a]) => {
    const found = V(run, a), spelled = /^[\0-\x20]*(-?\d+(?:\.\d*)?e-\d{1,4})[\0-\x20]*$/i.exec(found);
    return Math.trunc(typeof found === 'string' && spelled ? Number(spelled[1]) : toNumber(found, run.offset));
  },
  join: (run, [a, ...rest]) => join(run, T(run, a), rest),
  'jr:choice-name': (run, [a, b]) => { const chosen = T(run, a); return own(own(run.context.labels, b[1]), chosen) || ''; },
  'normalize-space': (run, [a]) => codes(ofCurrent(run, a)).join(' '),
  not: (run, [a]) => !B(run, a),
  now,
  number: (run, [a]) => {
    const found = V(run, a), moment = typeof found === 'string' ? written(found, run.offset) : found;
    return moment instanceof Moment ? Math.floor(moment.ms / DAY) : toNumber(found, run.offset);
  },
  once: (run, [a]) => { const kept = read(run.context.current); return kept === '' ? V(run, a) : kept; },
  pi: () => Math.PI,
  position: () => 1,
  property: run => run.context.unit || '',
  random: (run, all, at) => random(run, at),
  regex: (run, [a, b]) => { const pattern = T(run, b); return matches(pattern, T(run, a), run); },
  'selected-at': (run, [a, b]) => {
    const chosen = codes(T(run, a)), at = N(run, b);
    return at >= 0 && at < chosen.length ? chosen[Math.trunc(at)] : '';
  },
  string: (run, [a]) => T(run, a),
  'string-length': (run, [a]) => [...ofCurrent(run, a)].length,
  substr: (run, [a, ...places]) => substr(T(run, a), ...places.map(place => N(run, place))),
  substring: (run, [a, ...places]) => substring(T(run, a), ...places.map(place => N(run, place))),
  sum: (run, [a]) => N(run, a) || 0,
  today: run => midnight(now(run)),
  true: () => true,
  uuid: (run, [a], at) => uuid(run, at, a === undefined ? a : N(run, a)),
  'weighted-checklist': (run, [least, most, ...pairs]) => {
    const low = N(run, least), high = N(run, most);
    let total = 0;
    for (let i = 0; i < pairs.length; i += 2) if (B(run, pairs[i])) total += N(run, pairs[i + 1]);
    return (low < 0 || total >= low) && (high < 0 || total <= high);
  },
};

const each = (read, functions) => Object.keys(functions).forEach(name => {
  FUNCTIONS[name] = (run, all) => functions[name](...all.map(a => read(run, a)));
});

each(N, {
  abs: Math.abs, acos: Math.acos, asin: Math.asin, atan: Math.atan, atan2: Math.atan2, ceiling: Math.ceil, cos: Math.cos,
  exp: Math.exp, exp10: number => Math.pow(10, number), floor: Math.floor, log: Math.log, log10: Math.log10,
  max: extreme(Math.max), min: extreme(Math.min), pow: Math.pow, round, sin: Math.sin, sqrt: Math.sqrt, tan: Math.tan,
});
each(T, {
  area, 'boolean-from-string': a => a === '1' || a === 'true', contains: (a, b) => a.includes(b),
  'count-selected': a => codes(a).length, digest, 'ends-with': (a, b) => a.endsWith(b), geofence, selected: isSelected,
  'starts-with': (a, b) => a.startsWith(b), 'substring-after': (a, b) => a.includes(b) ? a.slice(a.indexOf(b) + b.length) : '',
  'substring-before': (a, b) => a.includes(b) ? a.slice(0, a.indexOf(b)) : '', translate,
});
FUNCTIONS['enclosed-area'] = FUNCTIONS.area;
FUNCTIONS['format-date-time'] = FUNCTIONS['format-date'];
FUNCTIONS['is-selected'] = FUNCTIONS.selected;

// ---- trees

const OPERATORS = {
  '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b, div: (a, b) => a / b,
  mod: (a, b) => a % b, '<': (a, b) => a < b, '<=': (a, b) => a <= b, '>': (a, b) => a > b, '>=': (a, b) => a >= b,
};

function chain(tree, run) {
  const logic = tree[2];
  if (logic === 'or' || logic === 'and') {
    for (let i = 1; i < tree.length; i += 2) if (B(run, tree[i]) === (logic === 'or')) return logic === 'or';
    return logic === 'and';
  }
  let found = value(tree[1], run);
  for (let i = 2; i < tree.length; i += 2) {
    const name = tree[i], other = value(tree[i + 1], run);
    if (name === '=' || name === '!=') found = equal(found, other, run.offset) === (name === '=');
    else found = OPERATORS[name](toNumber(found, run.offset), toNumber(other, run.offset));
  }
  return found;
}

function value(tree, run) {
  if (!Array.isArray(tree)) return tree;
  const head = tree[0];
  if (head === 0) return chain(tree, run);
  if (head === '$') return read(own(run.answers, tree[1]));
  if (head === '.') return read(run.context.current);
  if (head === '-') return -N(run, tree[1]);
  const known = own(FUNCTIONS, head);
  return known ? known(run, tree.slice(2), tree[1]) : fail('unknown function ' + head + '()');
}

export function evaluate(tree, answers, context) {
  const found = value(tree, new Run(answers, context));
  return found instanceof Moment ? found.text() : found;
}

function attempt(tree, answers, context, otherwise) {
  try {
    return evaluate(tree, answers, context);
  } catch (error) {
    if (error instanceof ExpressionError) return otherwise;
    throw error;
  }
}

export function condition(tree, answers, context) {
  return toTruth(attempt(tree, answers, context, false));
}

export function calculation(tree, answers, context) {
  const found = attempt(tree, answers, context, '');
  return found !== found ? '' : found;
}
