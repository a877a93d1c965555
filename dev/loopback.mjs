// Which requests a server on this machine answers: those that name the machine itself.

/**
 * Returns whether a Host header names this machine, whatever the port. A page whose name was made to lead here (DNS rebinding) sends
 * its own name.
 *
 * @param {string | undefined} host
 */
export const isLoopback = (host) => /^(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/i.test(host ?? '');

/**
 * Returns whether a request comes from this machine's programs or from the server's own pages. A browser sends `Origin` with whatever
 * another page lets it change.
 *
 * @param {import('node:http').IncomingMessage['headers']} headers
 */
export const isOwn = ({ host, origin }) => isLoopback(host) && (origin === undefined || origin === `http://${host}`);
