export default { fetch: async (request: Request) => ({ url: request.url }) };
