// Silent renewal: logs in without asking the user, in a hidden frame, as long as the provider knows the browser.

const LIMIT_MS = 10_000;

// The page of the callback posts its message before it has loaded. Any other page posts none.
const AFTER_LOAD_MS = 1_000;

/**
 * Opens the login path `url` with `prompt=none` in a frame. Resolves with the callback's message: the tokens, or a problem, which is
 * `login_required` if the provider would have to ask the user. Rejects if no message is posted.
 */
export function renewSilently(url) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const frame = document.createElement('iframe');
  frame.hidden = true;
  frame.title = 'Silent renewal';
  frame.src = url;

  const receive = ({ origin, source, data }) => {
    // Any window may post to this one. Only the gateway's own page, in this frame, is trusted.
    if (origin !== new URL(url, location.href).origin || source !== frame.contentWindow) return;
    if (data?.type === 'authorization_response') resolve(data.response);
  };
  const giveUp = () =>
    reject(new Error('The frame brought no answer: the provider, or the gateway, may be out of reach.'));
  const limit = setTimeout(giveUp, LIMIT_MS);
  frame.addEventListener('load', () => setTimeout(giveUp, AFTER_LOAD_MS));
  window.addEventListener('message', receive);
  document.body.append(frame);

  return promise.finally(() => {
    clearTimeout(limit);
    window.removeEventListener('message', receive);
    frame.remove();
  });
}
