// The receipt pages: copies texts, makes receipts out of a log's public files and verifies them, here and not there.
// Whatever a script cannot do goes to the server by the forms that are there without one.

import {findAndProve, verifyReceipt} from './receipt.js';

const STEPS = ['signature', 'size', 'position', 'proof'];
const FAILS = {position: 'position', proof: 'proof'}; // every other reason is one of the head
const DASHES = /^[-\u2013\u2014\u2212]+\s*/;
const SLIP = /^evaluator promise\/v1\n(\S+\/log\/campaign\/([a-z0-9-]{1,64}))\n([A-Za-z0-9+/]{43}=)\nsealed by (\d{4}-\d\d-\d\d)\n/;
const CODE = /\/log\/campaign\/([a-z0-9-]{1,64})$/;

// not replaceChildren: in-app browsers on old phones lack it
function put(place, ...children) {
  place.textContent = '';
  place.append(...children);
}

const template = id => document.getElementById(id).content.cloneNode(true);
const shown = value => new Intl.NumberFormat(document.documentElement.lang).format(value);
const hex = bytes => Array.from(bytes, byte => (byte < 16 ? '0' : '') + byte.toString(16)).join('');
const bytes = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), one => one.charCodeAt(0));
const base = code => `/log/campaign/${code}`;

document.querySelectorAll('[data-copy]').forEach(copies);
document.querySelectorAll('[data-slip]').forEach(makes);
const form = document.getElementById('check');
if (form) {
  form.addEventListener('submit', event => {
    event.preventDefault();
    brought().then(text => check(text, document.getElementById('checked'), true));
  });
  scanned();
  addEventListener('hashchange', scanned);
}

function copies(button) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const text = button.parentNode.querySelector('pre');
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch (_) { // no permission, or a browser that has no clipboard: select it
      const range = document.createRange();
      range.selectNodeContents(text);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand('copy');
    }
    button.textContent = button.dataset.copied;
  });
}

async function keyOf(code) {
  const answer = await fetch(`${base(code)}/key`, {cache: 'no-cache'});
  return answer.ok ? (await answer.text()).trim() : '';
}

// In place of the button that asks the server: the receipt of a slip of this device.
async function makes(card) {
  const [code, , leaf] = card.dataset.slip.split('.'), place = card.querySelector('.slip__receipt');
  try {
    const receipt = await findAndProve(base(code), hex(bytes(leaf)));
    const found = receipt && await verdict(receipt, await keyOf(code));
    if (found) put(place, found);
  } catch (_) { // the button stays
  }
}

// What the steps of a verification say; nothing where this browser cannot verify at all.
async function verdict(receipt, vkey) {
  const lines = receipt.split('\n\n')[0].split('\n'), head = receipt.split('\n\n').slice(1).join('\n\n').split('\n');
  try {
    const found = await verifyReceipt(receipt, vkey);
    if (JSON.parse(found.entry).kind !== 'response') return null;
    const holds = template('receipt-holds');
    fill(holds, {size: found.size, position: found.position, hashes: lines.length - 3});
    holds.querySelectorAll('input[name=text]').forEach(field => { field.value = receipt; });
    holds.querySelector('pre').textContent = receipt;
    holds.querySelectorAll('[data-copy]').forEach(copies);
    return holds;
  } catch (error) {
    if (!error.reason || error.reason === 'unable') throw error;
    const broken = template('receipt-broken'), failed = FAILS[error.reason] || 'signature';
    fill(broken, {size: +head[1] || 0, position: +(lines[2] || '').slice(6) || 0, hashes: Math.max(lines.length - 3, 0)});
    STEPS.slice(STEPS.indexOf(failed) + 1).forEach(step => broken.querySelector(`[data-step=${step}]`).remove());
    const last = broken.querySelector(`[data-step=${failed}]`), wrong = document.createElement('strong');
    wrong.textContent = `${broken.querySelector('[data-wrong]').textContent} `;
    last.prepend(wrong);
    last.classList.add('steps__failed');
    return broken;
  }
}

function fill(place, numbers) {
  for (const name of Object.keys(numbers)) {
    place.querySelectorAll(`[data-number=${name}]`).forEach(at => { at.textContent = shown(numbers[name]); });
  }
}

async function brought() {
  const file = document.getElementById('file').files[0];
  return file ? file.text() : document.getElementById('text').value;
}

// As it was before it went through chats and mails.
function tidied(text) {
  const lines = text.replace(/\ufeff/g, '').trim().split('\n').map(line => line.trim());
  const at = lines.indexOf('') < 0 ? lines.length : lines.indexOf('');
  return `${lines.map((line, number) => number > at ? line.replace(DASHES, '\u2014 ') : line).join('\n')}\n`;
}

// `mayAsk`: whether the server may be asked where this script gives up; not by itself for what was scanned.
async function check(text, place, mayAsk) {
  const tidy = tidied(text), slip = SLIP.exec(tidy);
  try {
    const said = slip ? slip[1] : (tidy.split('\n\n')[1] || '').split('\n')[0];
    const code = (CODE.exec(said) || [])[1], vkey = code && await keyOf(code);
    if (vkey && vkey.split('+')[0] === said) {
      const receipt = slip ? await findAndProve(base(code), hex(bytes(slip[3]))) : tidy;
      const found = receipt ? await verdict(receipt, vkey) : waits(slip[4]);
      if (found) {
        const ask = template('ask-server'), broken = found.querySelector('.slip__verdict--bad');
        ask.querySelector('input').value = tidy;
        put(place, found, ...(broken ? [] : [ask]));
        place.scrollIntoView({block: 'nearest'});
        return;
      }
    }
  } catch (_) { // no network, or a browser that is too old
    if (!mayAsk) put(place, template('no-files'));
  }
  if (mayAsk) form.submit();
}

function waits(day) {
  const late = new Date().toISOString().slice(0, 10) > day, found = template(late ? 'slip-missing' : 'slip-waits');
  const [year, month, date] = day.split('-').map(Number);
  const words = new Intl.DateTimeFormat(document.documentElement.lang, {dateStyle: 'long', timeZone: 'UTC'});
  found.querySelector('[data-day]').textContent = words.format(new Date(Date.UTC(year, month - 1, date)));
  return found;
}

// A slip that came as a QR code: behind #, which no browser sends to a server. It is taken out of the address again.
async function scanned() {
  const parts = location.hash.slice(1).split('.');
  if (parts.length !== 4) return;
  history.replaceState(null, '', location.pathname);
  const [code, day, leaf, mark] = parts, place = document.getElementById('scanned');
  try {
    const origin = (await keyOf(code)).split('+')[0], plain = text => btoa(String.fromCharCode(...bytes(text)));
    const text = `evaluator promise/v1\n${origin}\n${plain(leaf)}\nsealed by ${day}\n\n\u2014 ${origin} ${plain(mark)}\n`;
    document.getElementById('text').value = text;
    await check(text, place, false);
  } catch (_) {
    put(place, template('not-a-slip'));
  }
}
