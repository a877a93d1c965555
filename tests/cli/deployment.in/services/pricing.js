export default { price: () => new Response('1') };
