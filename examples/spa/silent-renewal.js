// Silent renewal: logs in without asking anyone, in a hidden frame, for as long as the provider still knows the browser.

const LIMIT_MS = 10_000;

// The page of the callback posts its message before it has loaded. Whatever else loads is not going to post one.
const AFTER_LOAD_MS = 1_000;

/**
 * Opens the login path `url` with `prompt=none` in a frame. Gives what the callback posts: the tokens, or a problem, which is
 * `login_required` where the provider would have to ask. Rejects where nothing is posted.
 */
export function renewSilently(url) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const frame = document.createElement('iframe');
  frame.hidden = true;
  frame.title = 'Silent renewal';
  frame.src = url;

  const receive = ({ origin, source, data }) => {
    // Any window may post to this one. Only the gateway's own page, in this very frame, is believed.
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
