// Passes every request on as it is: the least that a proxy on Workers does.

export default {
  fetch(request, { UPSTREAM }) {
    const { pathname, search } = new URL(request.url);
    return fetch(new Request(UPSTREAM + pathname + search, request), { redirect: 'manual' });
  },
};
