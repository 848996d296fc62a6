// The page for an invitation code, in a browser that runs scripts.
//
// The QR code of a letter holds the code behind #, which no browser sends: it is put into the field here and taken out of
// the address. While somebody types, the code is grouped in fours, and a slip is named before the server is asked:
// evaluator/collection/admission.py says what a code is, and checks it again. For browsers since Chrome 66.

const SYMBOLS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ', LENGTH = 16, LONGEST = 64;
const BETWEEN = /[ \-\t\r\n\u2010-\u2014\u2212\u3000\u00a0_.]/g;

// Product in GF(32) with the polynomial x^5 + x^2 + 1.
function times(a, b) {
  let product = 0;
  for (; b; b >>= 1, a = a & 16 ? (a << 1) ^ 37 : a << 1) if (b & 1) product ^= a;
  return product;
}

// The symbols that somebody typed: full-width and small letters as capitals, O for 0, I and L for 1, no blanks or dashes.
export function symbols(text) {
  return text.replace(/[\uff01-\uff5e]/g, c => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).toUpperCase()
    .replace(BETWEEN, '').replace(/O/g, '0').replace(/[IL]/g, '1');
}

// The first symbol that is in no code, or ''.
export const stranger = typed => Array.from(typed).find(symbol => !SYMBOLS.includes(symbol)) || '';

// Whether these are a code: 15 symbols and the right check symbol.
export function right(typed) {
  if (typed.length !== LENGTH || stranger(typed)) return false;
  let sum = 0, weight = 1;
  for (const symbol of typed.slice(0, -1)) sum ^= times(weight = times(weight, 2), SYMBOLS.indexOf(symbol));
  return sum === SYMBOLS.indexOf(typed[LENGTH - 1]);
}

// In groups of four.
export const grouped = typed => typed.replace(/.{4}(?=.)/g, '$&-');

function attach(form) {
  const field = form.querySelector('#code'), group = field.parentNode;
  const message = document.createElement('p');
  message.className = 'govuk-error-message';
  message.id = 'code-slip';
  message.setAttribute('role', 'alert');
  group.insertBefore(message, field);
  const described = field.getAttribute('aria-describedby') || '';
  let composing = false;

  function say(text) {
    const old = document.getElementById('code-error'); // what the server said of the code before
    if (old) old.hidden = true;
    if (message.textContent !== text) message.textContent = text;
    message.hidden = !text;
    group.classList.toggle('govuk-form-group--error', !!text);
    field.classList.toggle('govuk-input--error', !!text);
    if (text) field.setAttribute('aria-invalid', 'true');
    else field.removeAttribute('aria-invalid');
    field.setAttribute('aria-describedby', (described + (text ? ' code-slip' : '')).trim());
  }

  // What is wrong with the code as far as it is typed; `whole`: nothing more is to come.
  function slip(typed, whole) {
    const odd = stranger(typed);
    if (odd) return form.dataset.stranger.replace('{symbol}', odd);
    if (typed.length > LENGTH || (typed.length === LENGTH ? !right(typed) : whole && typed)) return form.dataset.mistyped;
    return '';
  }

  function typed(event) {
    if (composing || (event && event.isComposing)) return; // an input method is still at work on these letters
    const given = symbols(field.value.slice(0, LONGEST + 1));
    const deleting = event && /^delete/.test(event.inputType || '');
    if (!deleting && !stranger(given) && field.selectionStart === field.value.length) {
      const shown = grouped(given);
      if (shown !== field.value) field.value = shown;
    }
    say(slip(given, false));
  }

  function taken() { // from the address, which then forgets it
    let given = location.hash.slice(1);
    if (!given) return;
    try { given = decodeURIComponent(given); } catch (error) { /* as it is */ }
    history.replaceState(null, '', location.pathname + location.search);
    given = given.slice(0, LONGEST);
    field.value = stranger(symbols(given)) ? given : grouped(symbols(given));
    say(slip(symbols(given), true));
  }

  field.addEventListener('compositionstart', () => { composing = true; });
  field.addEventListener('compositionend', () => { composing = false; typed(); });
  field.addEventListener('input', typed);
  form.addEventListener('submit', event => {
    const text = slip(symbols(field.value), true);
    if (!text) return;
    event.preventDefault();
    say(text);
    field.focus();
  });
  for (const link of document.querySelectorAll('a[href^="/language"]')) // the other language keeps the code
    link.addEventListener('click', () => { if (right(symbols(field.value))) link.hash = symbols(field.value); });
  addEventListener('hashchange', taken);
  taken();
}

const form = document.querySelector('form[data-mistyped]');
if (form) attach(form);
