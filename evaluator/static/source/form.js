// The form in a browser that runs scripts: what the server would do after the next step, at once.
//
// It shows and hides, works out, filters choices, says what is wrong with an answer that was changed, and keeps answers
// while they are given. It never stands in the way: the server checks everything again, and when anything here fails the
// form is what it is without a script. The data come from evaluator/collection/live.py; they are words and trees, and
// words only ever become text. For browsers since Chrome 66.

import { asText, calculation, condition } from './expressions.js';

const LENGTHS = { month: 7, year: 4 }; // of a date that is shown in part
const ANSWER = 'a-', SAVE_AFTER = 1000, TYPED_AFTER = 300;

// ---- from what fields hold to answers: questionnaires/answers.py

const BLANK = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const OUTER = new RegExp('^' + BLANK + '+|' + BLANK + '+$', 'g');
const spaced = source => new RegExp(source.replace(/ /g, BLANK + '*'));
const DAY = spaced('^(\\d{4}) [-/.\\u5e74] (\\d{1,2}) [-/.\\u6708] (\\d{1,2}) \\u65e5?(?:T\\d.*)?$|^(\\d{4})(\\d{2})(\\d{2})$');
const MONTH = spaced('^(\\d{4}) [-/.\\u5e74] (\\d{1,2}) \\u6708?$|^(\\d{4})(\\d{2})$'), YEAR = spaced('^(\\d{4}) \\u5e74?$');
const TIME = /^(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?$/;
const WHOLE = /^[+-]?\d+$/, DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;
const UNPRINTABLE = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/;
const CHOSEN = ['single', 'scale', 'integer', 'decimal'];

class Refused {
  constructor(why, shown) {
    this.why = why;
    this.shown = shown;
  }
}

const refuse = (why, shown) => { throw new Refused(why, shown); };
const pad = number => ('0' + number).slice(-2);
const half = text => text.replace(/[\uff0b\uff0d-\uff1a\u2212]/g, sign =>
  sign === '\u2212' ? '-' : String.fromCharCode(sign.charCodeAt(0) - 0xfee0));

function written(values) { // not blank, without outer blanks, each once
  return values.map(value => value.replace(OUTER, '')).filter((value, at, all) => value && all.indexOf(value) === at);
}

function day(text, shape) {
  const part = shape && shape.exec(text), found = part || DAY.exec(text);
  if (!found) return null;
  const [year, month = '1', date = '1'] = found.slice(1).filter(piece => piece !== undefined);
  const long = [31, year % 4 || (!(year % 100) && year % 400) ? 28 : 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return +year && +date && date <= long ? year + '-' + pad(month) + '-' + pad(date) : null;
}

function time(text) {
  const [all, hour, minute, second] = TIME.exec(text) || [];
  if (!all || hour > 23 || minute > 59 || second > 59) return null;
  return pad(hour) + ':' + minute + (second ? ':' + second : '');
}

function moment(text) {
  const all = text.replace(/T/g, ' '), at = all.lastIndexOf(' ');
  const date = day(all.slice(0, Math.max(at, 0))), clock = time(all.slice(at + 1).replace(OUTER, ''));
  return date && clock && date + 'T' + clock;
}

function number(item, text) {
  const whole = item.type !== 'decimal', [low, high] = item.range || (whole ? [0, 0] : [-Infinity, Infinity]);
  if (!(whole ? WHOLE : DECIMAL).test(text) || (!whole && text.length > 18)) refuse('form');
  const value = Number(text);
  if ((whole && text.length > 16) || value < low || value > high) refuse('range');
  const steps = (value - low) / (whole ? Math.trunc(item.step) : item.step);
  if (item.range && item.step && Math.abs(steps - Math.round(steps)) > 1e-6) refuse('step');
  return value + 0;
}

function words(item, values) {
  values.forEach(value => {
    const hidden = UNPRINTABLE.exec(value);
    if (hidden) refuse('control', 'U+' + ('000' + hidden[0].charCodeAt(0).toString(16)).slice(-4).toUpperCase());
  });
  const found = written(values.map(value => value.replace(/\r\n?/g, '\n')));
  if (found.length > 1) refuse('one');
  const text = found.length ? found[0].normalize('NFC') : undefined, length = text && [...text].length;
  if (length > (item.most || 4000)) refuse('long', length);
  return text;
}

function parse(item, values) { // the answer, undefined for a blank; throws Refused
  const type = item.type, codes = item.codes || (item.rows || []).map(row => row[0]);
  if (type === 'multiple') {
    const found = written(values), chosen = codes.filter((code, at) => found.includes(code) && codes.indexOf(code) === at);
    if (chosen.length < found.length) refuse('offered');
    if (chosen.length > 1 && chosen.some(code => (item.exclusive || []).includes(code))) refuse('together');
    return found.length ? chosen : undefined;
  }
  if (!CHOSEN.includes(type) && !['acknowledge', 'date', 'time', 'datetime'].includes(type)) return words(item, values);
  const [text, ...others] = written(values);
  if (others.length) refuse('one');
  if (text === undefined) return text;
  if (type === 'acknowledge') return text === 'OK' ? text : refuse('offered');
  if (CHOSEN.includes(type)) return codes.includes(text) ? text : type === 'single' ? refuse('offered') : number(item, half(text));
  const shape = item.part === 'month' ? MONTH : item.part === 'year' && YEAR;
  return (type === 'date' ? day(half(text), shape) : type === 'time' ? time(half(text)) : moment(half(text))) || refuse('form');
}

// ---- from answers to all that follows: questionnaires/recompute.py

// `sent` gives the values of a question's fields. What comes back: answers, which questions are relevant, why answers
// are refused, and which choices are offered.
export function work(data, sent) {
  const answers = Object.assign(Object.create(null), data.known), relevant = new Set(), refused = new Map(), offered = new Map();
  const truths = [], context = data.context;
  const holds = at => truths[at] === undefined ? (truths[at] = condition(data.conditions[at], answers, context)) : truths[at];
  data.items.forEach(item => {
    if (!(item.relevant || []).every(holds)) return;
    relevant.add(item.code);
    let values = item.fixed || sent(item.code);
    if (item.calculate !== undefined) {
      const value = asText(calculation(item.calculate, answers, Object.assign({}, context, { current: values[0] })));
      values = value ? [value] : [];
    } else if (item.type === 'note' || item.type === 'metadata') return;
    let answer;
    try {
      answer = parse(item, values);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (item.calculate === undefined) refused.set(item.code, error);
    }
    if (item.filter !== undefined) {
      const passing = passed(item, answers, context);
      offered.set(item.code, passing);
      if (Array.isArray(answer)) answer = answer.filter(code => passing.has(code));
      else if (answer !== undefined && !passing.has(String(answer))) answer = undefined;
    }
    if (answer !== undefined && answer.length !== 0) answers[item.code] = answer;
  });
  return { answers, relevant, refused, offered };
}

function passed(item, answers, context) {
  const seen = Object.assign(Object.create(null), answers), found = new Set();
  item.rows.forEach(([code, ...values]) => {
    item.columns.forEach((name, at) => { if (values[at]) seen[name] = values[at]; else delete seen[name]; });
    if (condition(item.filter, seen, context)) found.add(code);
  });
  return found;
}

function said(data, answers, code) { // an answer in words
  const answer = answers[code], labels = data.context.labels[code] || {};
  if (answer === undefined) return '';
  return (Array.isArray(answer) ? answer : [asText(answer)])
    .map(one => Object.prototype.hasOwnProperty.call(labels, one) ? labels[one] : one).join(', ');
}

export const filled = (data, answers, parts) =>
  typeof parts === 'string' ? parts : parts.map(part => Array.isArray(part) ? said(data, answers, part[0]) : part).join('');

// What is wrong with an answer, in words; `missing` says whether a blank counts.
export function problem(data, item, state, missing) {
  const { answers, relevant, refused } = state, answer = answers[item.code], wrong = refused.get(item.code);
  if (!relevant.has(item.code) || !item.says) return '';
  let why = '';
  if (wrong) why = wrong.why;
  else if (answer !== undefined) {
    const context = Object.assign({}, data.context, { current: answer });
    if (item.constraint !== undefined && !condition(item.constraint, answers, context)) why = 'constraint';
  } else if (missing && (item.required === true || (item.required !== undefined && condition(item.required, answers, data.context)))) {
    why = 'missing';
  }
  return filled(data, answers, item.says[why] || '').replace(/%\((?:length|character)\)s/, () => wrong ? wrong.shown : '');
}

// ---- the page

function live(form, data) {
  const all = (selector, inside) => [].slice.call((inside || form).querySelectorAll(selector));
  const fields = code => all('[name]').filter(field => field.name === ANSWER + code);
  const items = new Map(data.items.map(item => [item.code, item]));
  const touched = new Set(), told = new Set();
  let drawn = new Map(), off = false, composing = false, typing, undo = [];

  const show = (element, shown) => {
    element.hidden = !shown;
    element.style.display = shown ? '' : 'none';
  };

  const safely = work => event => {
    if (off) return;
    try {
      work(event);
    } catch (error) {
      off = true;
      undo.reverse().forEach(step => step());
      console.error(error);
    }
  };

  // The later parts of the section come out of their template; from here on the server is told so.
  function unfold() {
    const rest = document.getElementById('rest');
    if (rest && rest.content) {
      const nodes = [].slice.call(rest.content.childNodes), mark = document.createElement('input');
      mark.type = 'hidden';
      mark.name = 'script';
      mark.value = '1';
      undo.push(() => { nodes.forEach(node => rest.content.appendChild(node)); mark.remove(); });
      rest.parentNode.insertBefore(rest.content, rest);
      form.appendChild(mark);
    }
    drawn = new Map(all('[data-question]').map(element => [element.getAttribute('data-question'), element]));
    drawn.forEach((element, code) => fields(code).forEach((field, at, every) => { // carried before, drawn now
      if (field.type !== 'hidden' || element.contains(field) || !every.some(other => element.contains(other))) return;
      const place = document.createComment('');
      field.parentNode.replaceChild(place, field);
      undo.push(() => place.parentNode.replaceChild(field, place));
    }));
  }

  const region = document.createElement('div');
  region.className = 'govuk-visually-hidden';
  region.setAttribute('role', 'status');
  region.setAttribute('aria-live', 'polite');

  // ---- texts that repeat answers: each is one text node, found by what the server wrote there

  let texts = [];
  const plain = text => text.replace(/\s+/g, ' ').trim();

  function findTexts() {
    texts = data.texts.map(text => ({ parts: text.parts, node: nodeOf(text) })).filter(text => text.node);
  }

  function nodeOf({ at: [code, place, choice], was }) {
    let inside = code === '' ? form : drawn.get(code) || all('[data-matrix],[data-group]').filter(element =>
      element.getAttribute('data-matrix') === code || element.getAttribute('data-group') === code)[0];
    if (inside && place === 'choice') {
      const field = fields(code).filter(one => one.value === choice)[0];
      inside = field ? field.labels && field.labels[0] : all('option', inside).filter(one => one.value === choice)[0];
    }
    if (!inside) return null;
    const walker = document.createTreeWalker(inside, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) if (plain(node.data) === plain(was) && plain(was)) return node;
    const target = place === 'choice' ? inside : place === 'text' && inside.querySelector('legend,label,p');
    return target && !plain(target.textContent) ? target.appendChild(document.createTextNode('')) : null;
  }

  // ---- errors

  function tell(code, message) {
    const element = drawn.get(code), id = ANSWER + code, name = id + '-error', field = fields(code)[0];
    if (!field || !element.contains(field)) return '';
    const holder = field.closest('fieldset,[role=radiogroup],[role=group]');
    const described = element.contains(holder) ? holder : field, before = document.getElementById(name);
    const ids = (described.getAttribute('aria-describedby') || '').split(' ').filter(one => one && one !== name);
    const told = before ? plain(before.lastChild.textContent) : '';
    if (told === plain(message)) return '';
    if (before) before.remove();
    if (message) {
      const line = document.createElement('p'), prefix = document.createElement('span');
      line.id = name;
      line.className = 'govuk-error-message';
      prefix.className = 'govuk-visually-hidden';
      prefix.textContent = data.says.error + ': ';
      line.appendChild(prefix);
      line.appendChild(document.createTextNode(message));
      const hints = [].concat(all('legend,label,.matrix__text', element).slice(0, 1),
        ['-hint', '-extra'].map(end => document.getElementById(id + end)), all('details', element)).filter(Boolean);
      const last = hints[hints.length - 1];
      if (last) last.parentNode.insertBefore(line, last.nextSibling); else element.insertBefore(line, element.firstChild);
      ids.push(name);
    }
    if (ids.length) described.setAttribute('aria-describedby', ids.join(' ')); else described.removeAttribute('aria-describedby');
    const kind = { SELECT: 'select', TEXTAREA: 'textarea' }[field.tagName] || 'input', add = message ? 'add' : 'remove';
    element.classList[add]('govuk-form-group--error');
    if (field.classList.contains('govuk-' + kind)) field.classList[add]('govuk-' + kind + '--error');
    return message && data.says.error + ': ' + message;
  }

  // ---- everything that follows from the answers

  const title = element => {
    const named = element.querySelector('legend,.matrix__text,label');
    return plain((named || element).textContent).slice(0, 200);
  };

  function offer(code, passing) {
    const element = drawn.get(code);
    all('select', element).forEach(list => {
      list.all = list.all || all('option', list);
      list.all.forEach(option => {
        if (!option.value || passing.has(option.value)) list.appendChild(option); else option.remove();
      });
    });
    all('input[type=radio],input[type=checkbox]', element).forEach(field => {
      if (!passing.has(field.value)) field.checked = false; // as the server clears it
      show(field.closest('.govuk-radios__item,.govuk-checkboxes__item,.scale__item') || field, passing.has(field.value));
    });
  }

  function update(first) {
    const sent = new FormData(form), state = work(data, code => sent.getAll(ANSWER + code)), news = [], fresh = [];
    state.offered.forEach((passing, code) => { if (drawn.has(code)) offer(code, passing); });
    texts.forEach(({ node, parts }) => {
      const text = filled(data, state.answers, parts);
      if (node.data !== text) node.data = text;
    });
    items.forEach((item, code) => {
      const element = drawn.get(code), shown = state.relevant.has(code);
      if (item.calculate !== undefined && shown) {
        const answer = state.answers[code], worked = answer === undefined ? '' : asText(answer).slice(0, LENGTHS[item.part]);
        if (!Array.isArray(answer)) fields(code).forEach(field => { field.value = worked; });
        if (element) all('.fixed', element).forEach(place => { place.textContent = said(data, state.answers, code) || data.says.blank; });
      }
      if (!element) return;
      if (element.hidden === shown) {
        show(element, shown);
        if (shown && item.type !== 'hidden') fresh.push(title(element));
      }
      if (touched.has(code) || told.has(code)) {
        const message = tell(code, problem(data, item, state, told.has(code)));
        if (message) news.push(message);
      }
    });
    all('[data-matrix],[data-group]').forEach(element => {
      const inner = all('[data-question]', element);
      if (inner.length) show(element, inner.some(one => !one.hidden));
    });
    if (fresh.length && first !== true) news.unshift(data.says.more.replace('%(questions)s', () => fresh.join('; ')));
    if (news.length) region.textContent = news.join(' ');
  }

  function changed(event) {
    const field = event.target, code = field.name && field.name.indexOf(ANSWER) === 0 ? field.name.slice(ANSWER.length) : '';
    const item = items.get(code), alone = (item && item.exclusive) || [];
    if (field.type === 'checkbox' && field.checked && alone.length) { // the last one that was chosen counts
      fields(code).forEach(other => {
        if (other !== field && (alone.includes(field.value) || alone.includes(other.value))) other.checked = false;
      });
    }
    if (item && item.type === 'integer' && code) { // a number, or an answer beside the numbers
      fields(code).forEach(other => {
        if (other !== field && other.type === 'radio' && field.type !== 'radio' && field.value) other.checked = false;
        if (other !== field && other.type !== 'radio' && other.type !== 'hidden' && field.type === 'radio') other.value = '';
      });
    }
    if (event.type === 'change') {
      touched.add(code);
      clearTimeout(typing);
      update();
    } else if (!composing) {
      clearTimeout(typing);
      typing = setTimeout(safely(update), TYPED_AFTER);
    }
  }

  safely(() => {
    unfold();
    form.appendChild(region);
    undo.push(() => region.remove());
    drawn.forEach((element, code) => { if (document.getElementById(ANSWER + code + '-error')) told.add(code); });
    findTexts();
    update(true);
    told.forEach(code => {
      if (drawn.has(code) && drawn.get(code).hidden) throw new Error('the server asks for what is hidden here: ' + code);
    });
    undo = [() => all('[hidden]').forEach(element => show(element, true))];
    form.addEventListener('change', safely(changed));
    form.addEventListener('input', safely(changed));
    form.addEventListener('compositionstart', () => { composing = true; });
    form.addEventListener('compositionend', safely(event => { composing = false; changed(event); }));
    window.addEventListener('pageshow', safely(update));
  })();
}

// Enter belongs to the input method while a word is being composed; some browsers send the form all the same.
function composed(form) {
  form.addEventListener('keydown', event => {
    if ((event.isComposing || event.keyCode === 229) && (event.key === 'Enter' || event.code === 'Enter')) event.preventDefault();
  });
}

// Answers are kept as they are given, as a form like any other that asks for no new page.
function kept(form) {
  let timer, waiting = false, leaving = false, flight = null;

  function save() {
    clearTimeout(timer);
    if (!waiting || leaving) return;
    waiting = false;
    try {
      const body = new URLSearchParams();
      new FormData(form).forEach((value, name) => { if (typeof value === 'string') body.append(name, value); });
      body.append('to', 'save');
      const text = body.toString();
      flight = typeof AbortController === 'function' ? new AbortController() : null;
      fetch(form.getAttribute('action'), {
        method: 'POST', body: text, credentials: 'same-origin', redirect: 'manual', keepalive: text.length < 6e4,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, signal: flight ? flight.signal : undefined,
      }).catch(() => { waiting = true; }); // with the next change, or with the form
    } catch (error) {
      waiting = true;
    }
  }

  const later = () => {
    waiting = true;
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_AFTER);
  };
  form.addEventListener('change', later);
  form.addEventListener('input', later);
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'hidden') save(); });
  window.addEventListener('pagehide', save);
  form.addEventListener('submit', () => { // what is on its way must not overtake the form
    leaving = true;
    clearTimeout(timer);
    if (flight) flight.abort();
  });
  window.addEventListener('pageshow', () => { leaving = false; });
}

if (typeof document !== 'undefined') {
  const form = document.getElementById('rating'), source = document.getElementById('form-data');
  if (form && source) {
    [composed, kept, () => live(form, JSON.parse(source.textContent))].forEach(part => {
      try {
        part(form);
      } catch (error) {
        console.error(error);
      }
    });
  }
}
