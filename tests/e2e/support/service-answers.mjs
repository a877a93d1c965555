// What a service may answer besides a Response, and what its client then gets. One table for the second Worker, for the modules of
// services/ and for the tests themselves, so nothing of Node.js is imported here.

const COMPLETED = 'Operation completed successfully.';
const succeeded = (data, message = COMPLETED) => ({ status: 'success', message, data });
const failed = (error, message = 'An error occurred.') => ({ status: 'error', message, error });

function cycle() {
  const one = { name: 'one' };
  one.other = { name: 'other', one };
  return one;
}

/**
 * Each row has the `answer` of a service, and what comes of it: a `status` with a JSON `body` or a `text`, or else 502
 * `service_failed`.
 */
export const ANSWERS = [
  { when: 'an object', answer: () => ({ id: 7, tags: ['a'] }), status: 200, body: succeeded({ id: 7, tags: ['a'] }) },
  {
    when: 'an object with a message',
    answer: () => ({ message: 'Here.', id: 7 }),
    status: 200,
    body: succeeded({ id: 7 }, 'Here.'),
  },
  {
    when: 'an object with a status',
    answer: () => ({ statusCode: 201, id: 7 }),
    status: 201,
    body: succeeded({ id: 7 }),
  },
  {
    when: 'an object with a status, a message and data',
    answer: () => ({ statusCode: 202, message: 'Taken.', data: [1] }),
    status: 202,
    body: succeeded({ data: [1] }, 'Taken.'),
  },
  {
    when: 'an object whose status is that of an error',
    answer: () => ({ statusCode: 404, id: 7 }),
    status: 404,
    body: succeeded({ id: 7 }),
  },
  { when: 'an object with nothing in it', answer: () => ({}), status: 200, body: succeeded({}) },
  {
    when: 'an object with members of every JSON type',
    answer: () => ({ a: null, b: true, c: 1.5, d: 'é\n"\u2028', e: [{ f: [] }] }),
    status: 200,
    body: succeeded({ a: null, b: true, c: 1.5, d: 'é\n"\u2028', e: [{ f: [] }] }),
  },
  { when: 'an error', answer: () => ({ error: 'No stock.' }), status: 500, body: failed('No stock.') },
  {
    when: 'an error with a status',
    answer: () => ({ statusCode: 409, error: 'Taken.' }),
    status: 409,
    body: failed('Taken.'),
  },
  {
    when: 'an error with a status, a message and more',
    status: 422,
    body: failed({ code: 'size' }, 'Too large.'),
    answer: () => ({ statusCode: 422, error: { code: 'size' }, message: 'Too large.', internal: 'kept back' }),
  },
  { when: 'an error that is none', answer: () => ({ error: null, id: 7 }), status: 200, body: succeeded({ id: 7 }) },
  { when: 'a status without a body', answer: () => ({ statusCode: 204 }), status: 204, text: '' },
  { when: 'an array', answer: () => [1, { a: [2] }], status: 200, body: succeeded([1, { a: [2] }]) },
  { when: 'an array with nothing in it', answer: () => [], status: 200, body: succeeded([]) },
  { when: 'a text', answer: () => '{"made":"elsewhere"}', status: 200, text: '{"made":"elsewhere"}' },
  { when: 'a text that is no JSON', answer: () => 'héllo', status: 200, text: 'héllo' },
  { when: 'null', answer: () => null, status: 200, text: '' },
  { when: 'a number', answer: () => 7, status: 400, text: '' },
  { when: 'a number that could be a status', answer: () => 200, status: 400, text: '' },
  { when: 'true', answer: () => true, status: 400, text: '' },
  { when: 'false', answer: () => false, status: 400, text: '' },
  { when: 'nothing', answer: () => undefined },
  { when: 'an Error that is not thrown', answer: () => new Error('out of paper in tray 2') },
  { when: 'the Response of a failure', answer: () => Response.error() },
  { when: 'a function', answer: () => () => 1 },
  { when: 'a BigInt', answer: () => 7n },
  { when: 'an object with a BigInt', answer: () => ({ id: 7n }) },
  { when: 'an object that holds itself', answer: cycle },
  { when: 'a status below those of answers', answer: () => ({ statusCode: 101 }) },
  { when: 'a status above those of HTTP', answer: () => ({ statusCode: 600 }) },
  { when: 'a status that is a word', answer: () => ({ statusCode: 'created' }) },
];

/** Returns the answer of a row. */
export const answerOf = (when) => ANSWERS.find((row) => row.when === when)?.answer();

/** What was thrown by a service, by name; none of it is for its client. */
export const THROWN = {
  'an error': () => new TypeError('out of paper in tray 2'),
  'an error with a status of its own': () =>
    Object.assign(new Error('out of paper in tray 2'), { statusCode: 418, code: 'teapot' }),
  'a text': () => 'out of paper in tray 2',
  'an object': () => ({ statusCode: 200, message: 'out of paper in tray 2' }),
  nothing: () => undefined,
};
