// Throws what the query asks for, before its promise is made or in it.

import { THROWN } from '../service-answers.mjs';

export default {
  fetch(request) {
    const { searchParams } = new URL(request.url);
    const thrown = THROWN[searchParams.get('when')]();
    if (searchParams.has('late')) return Promise.reject(thrown);
    throw thrown;
  },
};
