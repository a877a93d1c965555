// An MCP server with the tools, resources and prompts that the public conformance suite asks for, by the SDK.

import { randomUUID } from 'node:crypto';
import { startUpstream } from './harness.mjs';

/** A red pixel, and a sound of no length. */
const IMAGE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const AUDIO = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=';

const text = (words) => ({ type: 'text', text: words });
const image = { type: 'image', data: IMAGE, mimeType: 'image/png' };
const embedded = (uri) => ({
  type: 'resource',
  resource: { uri, mimeType: 'text/plain', text: 'This is an embedded resource content.' },
});
const says = (...content) => ({ content });
const asks = (...content) => ({ messages: content.map((one) => ({ role: 'user', content: one })) });

/** Keeps the events of streams, which go on behind the last that a client has. */
class Events {
  #events = new Map();

  async storeEvent(streamId, message) {
    const id = `${streamId}/${this.#events.size}`;
    this.#events.set(id, { streamId, message });
    return id;
  }

  async getStreamIdForEventId(id) {
    return this.#events.get(id)?.streamId;
  }

  async replayEventsAfter(last, { send }) {
    const { streamId } = this.#events.get(last) ?? {};
    const ids = [...this.#events.keys()];
    for (const id of ids.slice(ids.indexOf(last) + 1)) {
      const { streamId: of, message } = this.#events.get(id);
      if (of === streamId && Object.keys(message).length > 0) await send(id, message);
    }
    return streamId;
  }
}

/** @param {any} sdk @param {any} z the package zod */
function serverOf(sdk, z) {
  const capabilities = { logging: {}, resources: { subscribe: true }, completions: {} };
  const server = new sdk.McpServer({ name: 'conformance', version: '1' }, { capabilities });
  const log = (extra, data) =>
    extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
  const tool = (name, call, inputSchema = {}) =>
    server.registerTool(
      name,
      { description: name, inputSchema },
      Object.keys(inputSchema).length ? call : (...all) => call({}, all.at(-1)),
    );
  tool('test_simple_text', () => says(text('This is a simple text response for testing.')));
  tool('test_image_content', () => says(image));
  tool('test_audio_content', () => says({ type: 'audio', data: AUDIO, mimeType: 'audio/wav' }));
  tool('test_embedded_resource', () => says(embedded('test://embedded-resource')));
  tool('test_multiple_content_types', () =>
    says(text('Multiple content types test:'), image, embedded('test://mixed-content-resource')),
  );
  tool('test_error_handling', () => ({
    ...says(text('This tool intentionally returns an error for testing')),
    isError: true,
  }));
  tool('test_tool_with_logging', async (_, extra) => {
    for (const words of ['Tool execution started', 'Tool processing data', 'Tool execution completed'])
      await log(extra, words);
    return says(text('Tool with logging executed successfully'));
  });
  tool('test_tool_with_progress', async (_, extra) => {
    const { progressToken } = extra._meta ?? {};
    for (const progress of [0, 50, 100]) {
      const params = { progressToken, progress, total: 100 };
      if (progressToken !== undefined) await extra.sendNotification({ method: 'notifications/progress', params });
    }
    return says(text('Tool with progress executed successfully'));
  });
  tool(
    'test_sampling',
    async ({ prompt }, extra) => {
      const params = { messages: [{ role: 'user', content: text(prompt) }], maxTokens: 100 };
      const result = await extra.sendRequest(
        { method: 'sampling/createMessage', params },
        sdk.CreateMessageResultSchema,
      );
      return says(text(`LLM response: ${result.content.text}`));
    },
    { prompt: z.string() },
  );
  const elicit = async (extra, message, requestedSchema) => {
    const params = { mode: 'form', message, requestedSchema };
    const result = await extra.sendRequest({ method: 'elicitation/create', params }, sdk.ElicitResultSchema);
    return says(
      text(`Elicitation completed: action=${result.action}, content=${JSON.stringify(result.content ?? {})}`),
    );
  };
  tool(
    'test_elicitation',
    ({ message }, extra) =>
      elicit(extra, message, {
        type: 'object',
        properties: { username: { type: 'string' }, email: { type: 'string' } },
        required: ['username', 'email'],
      }),
    { message: z.string() },
  );
  tool('test_elicitation_sep1034_defaults', (_, extra) =>
    elicit(extra, 'Defaults', {
      type: 'object',
      properties: {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true },
      },
      required: [],
    }),
  );
  tool('test_elicitation_sep1330_enums', (_, extra) => {
    const options = ['option1', 'option2', 'option3'];
    const titled = options.map((one) => ({ const: one, title: `The ${one}` }));
    return elicit(extra, 'Enums', {
      type: 'object',
      properties: {
        untitledSingle: { type: 'string', enum: options },
        titledSingle: { type: 'string', oneOf: titled },
        legacyEnum: { type: 'string', enum: options, enumNames: options.map((one) => `The ${one}`) },
        untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
        titledMulti: { type: 'array', items: { anyOf: titled } },
      },
      required: [],
    });
  });
  tool('test_reconnection', async (_, extra) => {
    extra.closeSSEStream?.();
    await new Promise((resolve) => setTimeout(resolve, 100));
    return says(text('Reconnection test completed successfully'));
  });

  const read = (uri, more) => ({ contents: [{ uri, ...more }] });
  const resource = (name, uri, more) =>
    server.registerResource(name, uri, { title: name, mimeType: more.mimeType }, async () => read(uri, more));
  resource('static-text', 'test://static-text', {
    mimeType: 'text/plain',
    text: 'This is the content of the static text resource.',
  });
  resource('static-binary', 'test://static-binary', { mimeType: 'image/png', blob: IMAGE });
  resource('watched', 'test://watched-resource', { mimeType: 'text/plain', text: 'Watched resource content' });
  const template = new sdk.ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource('template', template, { mimeType: 'application/json' }, async (uri, { id }) =>
    read(uri.href, {
      mimeType: 'application/json',
      text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
    }),
  );
  for (const schema of [sdk.SubscribeRequestSchema, sdk.UnsubscribeRequestSchema]) {
    server.server.setRequestHandler(schema, async () => ({}));
  }
  server.server.setRequestHandler(sdk.CompleteRequestSchema, async () => ({
    completion: { values: ['paris', 'park', 'party'], total: 3, hasMore: false },
  }));

  const prompt = (name, argsSchema, get) =>
    server.registerPrompt(name, { description: name, ...(argsSchema && { argsSchema }) }, get);
  prompt('test_simple_prompt', undefined, async () => asks(text('This is a simple prompt for testing.')));
  prompt('test_prompt_with_arguments', { arg1: z.string(), arg2: z.string() }, async ({ arg1, arg2 }) =>
    asks(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  );
  prompt('test_prompt_with_embedded_resource', { resourceUri: z.string() }, async ({ resourceUri }) =>
    asks(embedded(resourceUri), text('Please process the embedded resource above.')),
  );
  prompt('test_prompt_with_image', undefined, async () => asks(image, text('Please analyze the image above.')));
  return server;
}

/**
 * Starts the server, which has sessions and checks no origin.
 * @param {any} sdk
 * @param {any} z
 */
export function startConformanceServer(sdk, z) {
  const sessions = new Map();
  const events = new Events();
  const open = async () => {
    const transport = new sdk.StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: events,
      retryInterval: 500,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    await serverOf(sdk, z).connect(transport);
    return transport;
  };
  return startUpstream(async (request, response) => {
    const session = request.headers['mcp-session-id'];
    if (session !== undefined && !sessions.has(session)) return response.writeHead(404).end();
    const transport = sessions.get(session) ?? (await open());
    return transport.handleRequest(request, response);
  });
}
