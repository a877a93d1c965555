// Files that somebody opens and saves.

/** By then a browser has taken what it saves. */
const SAVED_AFTER_MS = 60_000;

/** Lets `button` open a file by the field `input`, and hands its text to `onText`. */
export function startOpening(button, input, onText) {
  button.addEventListener('click', () => input.click());
  input.addEventListener('change', async () => {
    const [file] = input.files;
    // The same file, changed, may be opened again.
    input.value = '';
    if (file) onText(await file.text());
  });
}

/** Saves a text as a file of the user's. */
export function save(name, text, type = 'application/json') {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // Some browsers read it only after this.
  setTimeout(() => URL.revokeObjectURL(address), SAVED_AFTER_MS);
}
