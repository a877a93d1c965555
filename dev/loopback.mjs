// Which requests a server on this machine answers: those that name the machine itself.

/**
 * Returns whether a Host header names this machine, whatever the port. A page whose name was made to lead here (DNS rebinding) sends
 * its own name.
 *
 * @param {string | undefined} host
 */
export const isLoopback = (host) => /^(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/i.test(host ?? '');
