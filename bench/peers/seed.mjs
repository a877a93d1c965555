// Sends messages to sessions of the gateway, each to the object of its name.

export default {
  async fetch(request, { SESSIONS }) {
    const messages = await request.json();
    await Promise.all(messages.map(([name, message]) => SESSIONS.getByName(name).call(message)));
    return new Response(null);
  },
};
