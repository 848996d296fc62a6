// The receipt pages: copies texts, makes receipts out of the log's public files and verifies them, here and not there.

for (const button of document.querySelectorAll('[data-copy]')) copies(button);

function copies(button) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const text = button.parentNode.querySelector('pre').textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch (_) { // no permission, or a browser that has no clipboard: select it, so that a long press copies
      const range = document.createRange();
      range.selectNodeContents(button.parentNode.querySelector('pre'));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand('copy');
    }
    button.textContent = button.dataset.copied;
  });
}
