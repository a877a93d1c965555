// Gets a document from an address, for the command line as WebAssembly.

/**
 * Gets at most `max_bytes` in at most `max_seconds`; a larger body is left out. It follows no redirect.
 *
 * @param {{ [member: string]: any }} question
 * @returns {Promise<{ status: number, body?: string } | { error: string }>}
 */
export async function fetchDocument({ url, max_bytes, max_seconds }) {
  const signal = AbortSignal.timeout(max_seconds * 1000);
  try {
    const response = await fetch(url, { redirect: 'manual', headers: { accept: 'application/json' }, signal });
    const { status } = response;
    const decoder = new TextDecoder();
    let [body, length] = ['', 0];
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > max_bytes) return { status };
      body += decoder.decode(chunk, { stream: true });
    }
    return { status, body: body + decoder.decode() };
  } catch (error) {
    return { error: signal.aborted ? `no answer within ${max_seconds} s` : words(error) };
  }
}

/** What Node.js says of a call that failed is in the cause. */
function words({ message, cause }) {
  return cause?.message || cause?.code || message;
}
