// Answers what the query asks for, most of which is no Response.

import { answerOf } from '../service-answers.mjs';

export default {
  fetch: (request) => answerOf(new URL(request.url).searchParams.get('when')),
};
